import { GraphQLError, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createDocuments, pickOperation } from '../../src/graphql/documents.ts';
import { createErrorMask } from '../../src/graphql/graphql-errors.ts';
import { defaultDocumentLimits } from '../../src/graphql/limits.ts';
import { createRendering } from '../../src/graphql/rendering.ts';
import { attachResolvers } from '../../src/graphql/resolvers.ts';
import { loadEventSchema } from '../../src/graphql/schema/index.ts';
import { readSubscription } from '../../src/graphql/subscribe-operation.ts';
import { fromWire } from '../../src/graphql/wire-text.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { viewerOf } from '../graphql/endpoint.ts';
import { eventPayload } from '../graphql/hand-driven-sessions.ts';
import { heapBytes } from '../support/in-process-gateway.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { createRandom, json, mutate, type Random, scale, seedOf } from './random.ts';

const count = 10_000 * scale;
const { schema } = loadEventSchema({ schemaDir: 'schema', eventsDir: 'schema/events' });
attachResolvers(schema);
const viewer = viewerOf('ada');

/** Bits of documents: good ones, and now and then one that is not. */
const fields = [
  'cursor',
  'isLive',
  '__typename',
  'gap { reason since until }',
  'edge { cursor node { id title } }',
  'c: cursor',
  'edge { node { content { ... on Message { title body } } } }',
  'edge { ...E }',
  '...P',
];
const badFields = ['nothing', 'edge', 'cursor { x }', 'c: isLive', '...Q', 'edge { ...P }'];
const directives = ['', '', '', ' @skip(if: $b)', ' @include(if: true)', ' @include(if: $b)'];
const parameters = ['', '', '(after: $after)', '(filter: $f)', '(filter: { types: ["message"] })'];
const badParameters = ['(after: 5)', '(nothing: 1)', '(filter: { topics: [1] })', '(filter: [])'];
const declarations: readonly (readonly [string, readonly string[]])[] = [
  ['$b', ['Boolean!', 'Boolean! = true', 'Boolean = true']],
  ['$after', ['Cursor', 'Cursor = "x"']],
  ['$f', ['StreamFilter', 'StreamFilter!']],
];
const fragments: readonly (readonly [string, string])[] = [
  ['...E', 'fragment E on NotificationEdge { node { id } }'],
  ['...P', 'fragment P on NotificationReceivedPayload { isLive gap { reason } }'],
];

const selection = (random: Random): string =>
  Array.from(
    { length: 1 + random.int(5) },
    () => random.pick(random.once(30) ? badFields : fields) + random.pick(directives),
  ).join(' ');

/** Declares what is used. */
const withHead = (kind: string, body: string, random: Random): string => {
  const used = declarations.filter(([name]) => body.includes(name));
  const variables = used.map(([name, types]) => `${name}: ${random.pick(types)}`).join(', ');
  return `${kind} ${random.pick(['A', 'A', 'B'])}${variables === '' ? '' : `(${variables})`} ${body}`;
};

const operation = (random: Random): string => {
  if (random.once(5)) return withHead('query', `{ viewer { userId scopes cursor${random.pick(directives)} } }`, random);
  const given = random.pick(random.once(20) ? badParameters : parameters);
  return withHead('subscription', `{ notificationReceived${given} { ${selection(random)} } }`, random);
};

const documentOf = (random: Random): string => {
  const parts = Array.from({ length: random.once(5) ? 2 : 1 }, () => operation(random));
  const used = fragments.filter(([spread]) => parts.some((part) => part.includes(spread)));
  const text = [...parts, ...used.map(([, fragment]) => fragment)].join('\n');
  if (random.once(40)) return text.repeat(random.int(60));
  return random.once(2) ? mutate(text, random) : text;
};

describe(`${count.toLocaleString('en')} random documents`, () => {
  it('each pass the pipeline or get errors with codes; what passes renders; nothing is kept beyond the bounds', async () => {
    const random = createRandom(seedOf('documents'));
    const documents = createDocuments({ schema, limits: defaultDocumentLimits, isIntrospectionEnabled: false });
    const logged: unknown[] = [];
    const mask = createErrorMask({ ...silentLogger, error: (...line) => logged.push(line) }, false);
    const rendering = createRendering({ schema, mask, telemetry: silentTelemetry() });
    const counts = { passed: 0, refused: 0, rendered: 0 };

    const checkErrors = (errors: readonly unknown[], text: string): void => {
      counts.refused += 1;
      expect(errors.length, text).toBeGreaterThan(0);
      for (const error of mask.format(errors)) expect(typeof error.extensions?.['code'], text).toBe('string');
    };

    const render = (text: string, picked: OperationDefinitionNode): void => {
      const preparation = documents.prepare(text);
      if (!preparation.ok || picked.operation !== OperationTypeNode.SUBSCRIPTION) return;
      const { prepared } = preparation;
      const variables = random.once(2)
        ? {}
        : { b: random.pick([true, false, 'x', null]), f: json(random), after: json(random) };
      const start = { operationId: '1', prepared, operation: picked, variables, viewer, scopeOf: () => '' };
      const request = readSubscription(schema, start);
      if (!('plan' in request)) {
        checkErrors(request, text);
        return;
      }
      counts.rendered += 1;
      const frame = rendering.render({ plan: request.plan, payload: eventPayload(1), trace: null });
      expect(JSON.parse(fromWire(frame)), text).toHaveProperty('data');
    };

    const one = (): void => {
      const text = documentOf(random);
      const preparation = documents.prepare(text);
      if (!preparation.ok) {
        checkErrors(preparation.errors, text);
        return;
      }
      counts.passed += 1;
      const picked = pickOperation(preparation.prepared, random.pick([null, '', null, 'A', 'B', random.text(5)]));
      if (picked instanceof GraphQLError) checkErrors([picked], text);
      else render(text, picked);
    };

    for (let n = 0; n < count / 2; n++) one();
    const half = await heapBytes();
    for (let n = 0; n < count / 2; n++) one();
    expect((await heapBytes()) - half).toBeLessThan(20 * 2 ** 20);
    expect(documents.size).toBeLessThanOrEqual(1_000);
    expect(logged).toEqual([]);
    for (const number of Object.values(counts)) expect(number).toBeGreaterThan(count / 50);
    console.log('fuzz documents:', JSON.stringify(counts));
  }, 600_000);
});
