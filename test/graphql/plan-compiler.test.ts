import { readFileSync } from 'node:fs';
import { buildSchema, type GraphQLObjectType, type GraphQLSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { Payload } from '../../src/actors/session.ts';
import type { EventContent } from '../../src/event.ts';
import { payloadResolvers } from '../../src/graphql/payload-resolvers.ts';
import { createRendering } from '../../src/graphql/rendering.ts';
import { fromWire } from '../../src/graphql/wire-text.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { envelope } from './hand-driven-sessions.ts';
import { oddities } from './odd-values.ts';
import { expectedRendering, noResult, testMask, withoutIds } from './rendering-oracle.ts';

const ownFiles = [
  'notification-received-payload',
  'notification',
  'stream-gap',
  'subscription',
  'stream-filter',
  'scalars',
];
const sdl = `${ownFiles.map((name) => readFileSync(`schema/${name}.graphql`, 'utf8')).join('\n')}
  type Query { nothing: Int }
  scalar Any
  scalar Told
  enum Color { RED }
  interface Named { text: String }
  type Aa implements Named { text: String }
  union Either = Aa
  type Fields {
    text: String int: Int float: Float flag: Boolean id: ID color: Color any: Any told: Told needed: String! neededTold: Told!
    object: Aa union: Either named: Named list: [String] needs: [Aa!] lists: [[Int]]
    takes(n: Int! = 1, of: Int): String
  }
  union NotificationContent = Fields`;

/** A schema of every kind of field, below the gateway's own types. */
const createSchema = (): GraphQLSchema => {
  const schema = buildSchema(sdl);
  for (const [typeName, resolvers] of Object.entries(payloadResolvers)) {
    const fields = (schema.getType(typeName) as GraphQLObjectType).getFields();
    for (const [name, resolve] of Object.entries(resolvers)) Object.assign(fields[name] ?? {}, { resolve });
  }
  Object.assign(schema.getType('Told') ?? {}, { serialize: String });
  return schema;
};

const select = (fields: string): string =>
  `subscription { notificationReceived { cursor edge { node { content { ... on Fields { ${fields} } } } } } }`;

const eventOf = (fields: Readonly<Record<string, unknown>>): Payload => ({
  kind: 'event',
  envelope: { ...envelope(1), content: { __typename: 'Fields', ...fields } as EventContent },
  cursor: 'c',
  isLive: true,
});

const compare = (schema: GraphQLSchema, text: string, payload: Payload): ReadonlyMap<string, number> => {
  const telemetry = silentTelemetry();
  const plan = { document: parse(text), variables: {} };
  const rendering = createRendering({ schema, mask: testMask, telemetry });
  const given = fromWire(rendering.render({ plan, payload, trace: null }));
  const right = expectedRendering(schema, plan, payload);
  if (right === null) expect(given.startsWith(noResult)).toBe(true);
  else expect(withoutIds(given)).toBe(withoutIds(right));
  return telemetry.labelled;
};

const selections: Readonly<Record<string, string>> = {
  text: 'text',
  int: 'int',
  float: 'float',
  flag: 'flag',
  id: 'id',
  color: 'color',
  any: 'any',
  told: 'told',
  neededTold: 'neededTold',
  needed: 'needed',
  object: 'object { text }',
  union: 'union { ... on Aa { text } }',
  named: 'named { text }',
  list: 'list',
  needs: 'needs { text }',
  lists: 'lists',
  takes: 'takes',
};

describe('a compiled rendering', () => {
  const schema = createSchema();

  it.each(Object.keys(selections))('is what graphql-js gives for whatever is in a field: %s', (field) => {
    for (const { make } of oddities) {
      compare(schema, select(`before: __typename ${selections[field]}`), eventOf({ needed: 'x', [field]: make() }));
    }
  });

  it('is compiled for what JSON can hold, null and empty lists too', () => {
    const content = {
      text: '"\\\u2028\ud800é',
      int: -0,
      float: 1e-7,
      flag: false,
      id: 'i',
      color: 'RED',
      needed: '',
      neededTold: 'x',
      object: { __typename: 'Aa', text: null },
      union: { __typename: 'Aa', text: 'then' },
      list: ['a', null],
      needs: [],
      lists: [[1], null, []],
    };
    const counts = compare(schema, select(Object.values(selections).join(' ')), eventOf(content));
    expect([...counts]).toEqual([]);
  });

  it('is made by graphql-js, and counted, where the payload has an error', () => {
    const counts = compare(schema, select('needed'), eventOf({ needed: null }));
    expect([...counts]).toEqual([['renderFallbacks payload', 1]]);
  });

  it.each<[string, (schema: GraphQLSchema) => void]>([
    [
      'a resolver that looks at its arguments',
      (own) => {
        const field = (own.getType('Fields') as GraphQLObjectType).getFields()['takes'];
        if (field !== undefined) field.resolve = (_, { n }) => `${n}`;
      },
    ],
    [
      'a type that judges its values',
      (own) => {
        (own.getType('Fields') as GraphQLObjectType).isTypeOf = () => false;
      },
    ],
    [
      'a union that tells its members apart itself',
      (own) => {
        Object.assign(own.getType('NotificationContent') ?? {}, { resolveType: () => 'Fields' });
      },
    ],
  ])('is made by graphql-js, and counted, where the schema has what it does not know: %s', (_, change) => {
    const own = createSchema();
    change(own);
    const counts = compare(own, select('takes text'), eventOf({ text: 'x' }));
    expect([...counts]).toEqual([['renderFallbacks selection', 1]]);
  });

  it('is made by graphql-js where an argument of the selection is missing', () => {
    const document =
      'subscription ($n: Int) { notificationReceived { edge { node { content { ... on Fields { takes(n: $n) } } } } } }';
    const plan = { document: parse(document), variables: { n: null } };
    const telemetry = silentTelemetry();
    const rendering = createRendering({ schema, mask: testMask, telemetry });
    const payload = eventOf({ takes: 'x' });
    expect(fromWire(rendering.render({ plan, payload, trace: null }))).toBe(expectedRendering(schema, plan, payload));
    expect([...telemetry.labelled]).toEqual([['renderFallbacks selection', 1]]);
  });
});
