import { Lexer, Source, TokenKind } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { connectAs, subscribeMessage } from './raw-client.ts';

/** Every rule that documents are held to, over every transport, for every kind of operation: made from three lists, so that none is forgotten. */

const documents = {
  maxTokens: 300,
  maxDepth: 6,
  maxFields: 40,
  maxRootFields: 5,
  maxAliases: 4,
  maxDirectives: 3,
};

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint({ limits: { documents } });
});
afterAll(() => endpoint.close());

const kinds = ['query', 'mutation', 'subscription'] as const;
type Kind = (typeof kinds)[number];

/** A root field of each kind, with what is selected below it. */
const roots: Readonly<Record<Kind, (below: string) => string>> = {
  query: (below) => `viewer { ${below} }`,
  mutation: (below) => `sessionRefresh(token: "t") { viewer { ${below} } }`,
  subscription: (below) => `notificationReceived { ${below} }`,
};
const leaf: Readonly<Record<Kind, string>> = { query: 'userId', mutation: 'userId', subscription: 'cursor' };
/** Fields that stand above `below`. */
const above: Readonly<Record<Kind, number>> = { query: 1, mutation: 2, subscription: 1 };

const times = (count: number, text: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ');
const nested = (levels: number, name: string): string =>
  `${`${name} { `.repeat(levels - 1)}${name}${' }'.repeat(levels - 1)}`;

type Asked = { readonly query: string; readonly operationName?: string; readonly variables?: Record<string, unknown> };
type Rule = {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  /** Breaks the rule by the least that does. */
  readonly broken: (kind: Kind) => Asked;
  /** Keeps it by the least that does; null where there is no such thing. */
  readonly kept: ((kind: Kind) => Asked) | null;
  /** What cannot be asked in such a way at all is refused before this rule is looked at. */
  readonly isFor?: (transport: string, kind: Kind) => boolean;
};

const whole = (kind: Kind, below: string): Asked => ({ query: `${kind} { ${roots[kind](below)} }` });
const tokensIn = (text: string): number => {
  const lexer = new Lexer(new Source(text));
  let count = 0;
  while (lexer.advance().kind !== TokenKind.EOF) count += 1;
  return count;
};

type Counted = Pick<Rule, 'name' | 'message'> & { readonly make: (kind: Kind, more: 0 | 1) => Asked };

/** A rule about a number: one more than allowed breaks it. */
const counted = ({ name, message, make }: Counted): Rule => ({
  name,
  code: 'BAD_USER_INPUT',
  message,
  broken: (kind) => make(kind, 1),
  kept: (kind) => make(kind, 0),
});

const fits = 'ask for less at once';
const limit = (most: number, what: string): string => `more than ${most} ${what}: ${fits}`;

const rules: readonly Rule[] = [
  counted({
    name: 'tokens',
    message: limit(documents.maxTokens, 'tokens'),
    make: (kind, more) => {
      const padded = (ones: number): string =>
        whole(kind, leaf[kind]).query.replace(kind, `${kind} Q($a: [Int] = [${'1 '.repeat(ones)}])`);
      return { query: padded(documents.maxTokens - tokensIn(padded(0)) + more) };
    },
  }),
  counted({
    name: 'depth',
    message: limit(documents.maxDepth, 'levels deep'),
    make: (kind, more) => whole(kind, nested(documents.maxDepth - above[kind] + more, leaf[kind])),
  }),
  counted({
    name: 'fields',
    message: limit(documents.maxFields, 'fields'),
    make: (kind, more) =>
      whole(
        kind,
        times(documents.maxFields - above[kind] + more, () => leaf[kind]),
      ),
  }),
  counted({
    name: 'root fields',
    message: limit(documents.maxRootFields, 'root fields'),
    make: (kind, more) => ({
      query: `${kind} { ${times(documents.maxRootFields + more, () => roots[kind](leaf[kind]))} }`,
    }),
  }),
  counted({
    name: 'aliases',
    message: limit(documents.maxAliases, 'aliases'),
    make: (kind, more) =>
      whole(
        kind,
        times(documents.maxAliases + more, (n) => `a${n}: ${leaf[kind]}`),
      ),
  }),
  counted({
    name: 'directives',
    message: limit(documents.maxDirectives, 'directives'),
    make: (kind, more) =>
      whole(
        kind,
        times(documents.maxDirectives + more, () => `${leaf[kind]} @include(if: true)`),
      ),
  }),
  counted({
    name: 'fields behind fragments that multiply',
    message: limit(documents.maxFields, 'fields'),
    make: (kind, more) => {
      const spread = more === 1 ? '...B ...B ...B ...B' : '...B';
      const fragments = `fragment A on T { ${spread} } fragment B on T { ${times(10, () => leaf[kind])} }`;
      return { query: `${whole(kind, '...A').query} ${fragments}` };
    },
  }),
  {
    name: 'syntax',
    code: 'GRAPHQL_PARSE_FAILED',
    message: 'Syntax Error',
    broken: (kind) => ({ query: `${kind} { ${roots[kind](leaf[kind])}` }),
    kept: (kind) => whole(kind, leaf[kind]),
  },
  {
    name: 'validity',
    code: 'GRAPHQL_VALIDATION_FAILED',
    message: 'Cannot query field "nothing"',
    broken: (kind) => whole(kind, 'nothing'),
    kept: (kind) => whole(kind, leaf[kind]),
  },
  {
    name: 'suggestions',
    code: 'GRAPHQL_VALIDATION_FAILED',
    message: '".',
    broken: (kind) => whole(kind, `${leaf[kind]}s`),
    kept: null,
  },
  {
    name: 'introspection',
    code: 'GRAPHQL_VALIDATION_FAILED',
    message: 'introspection',
    broken: (kind) =>
      kind === 'query'
        ? { query: '{ __schema { queryType { name } } }' }
        : {
            query: `query A { __schema { queryType { name } } } ${kind} B { ${roots[kind](leaf[kind])} }`,
            operationName: 'B',
          },
    kept: null,
  },
  {
    name: 'variables',
    code: 'BAD_USER_INPUT',
    message: 'Variable "$i" got invalid value "x"',
    broken: (kind) => ({
      query: `${kind} Q($i: Boolean!) { ${roots[kind](`${leaf[kind]} @include(if: $i)`)} }`,
      variables: { i: 'x' },
    }),
    kept: null,
    isFor: (transport, kind) =>
      kind === 'query' || !transport.startsWith('HTTP') || (transport === 'HTTP' && kind === 'mutation'),
  },
  {
    name: 'the name of the operation',
    code: 'OPERATION_RESOLUTION_FAILURE',
    message: 'no operation named "Z"',
    broken: (kind) => ({ ...whole(kind, leaf[kind]), operationName: 'Z' }),
    kept: null,
  },
];

type Errors = readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
type Transport = (asked: Asked) => Promise<Errors>;

const headers = { authorization: 'Bearer user:ada', 'content-type': 'application/json' };
const errorsIn = (text: string): Errors => (JSON.parse(text) as { errors?: Errors }).errors ?? [];

/** The result of the first event of a stream, or of a plain answer. The stream is cut there. */
const firstResult = async (response: Response): Promise<Errors> => {
  let text = '';
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    const data = /^data: ?(\{.*\})$/m.exec(text)?.[1];
    if (data !== undefined) return errorsIn(data);
    // A subscription that was accepted says nothing before its first event.
    if (text.startsWith(':')) return [];
  }
  return errorsIn(text);
};

const transports: Readonly<Record<string, Transport>> = {
  async WebSocket(asked) {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    client.send(subscribeMessage('1', asked.query, { ...asked }));
    client.send({ type: 'ping' });
    let message = await client.next();
    // What is not answered in the same turn is a query or mutation that runs; a subscription that was accepted says nothing.
    if (message.type === 'pong' && !asked.query.includes('subscription')) message = await client.next();
    client.ws.terminate();
    return (message.type === 'error' ? message.payload : (message.payload?.errors ?? [])) as Errors;
  },
  async HTTP(asked) {
    const response = await fetch(endpoint.httpUrl, { method: 'POST', headers, body: JSON.stringify(asked) });
    return errorsIn(await response.text());
  },
  async 'HTTP by GET'(asked) {
    const search = new URLSearchParams({
      query: asked.query,
      variables: JSON.stringify(asked.variables ?? {}),
      ...(asked.operationName ? { operationName: asked.operationName } : {}),
    });
    const response = await fetch(`${endpoint.httpUrl}?${search}`, {
      headers: { authorization: headers.authorization },
    });
    return errorsIn(await response.text());
  },
  async SSE(asked) {
    const accept = 'text/event-stream';
    const response = await fetch(endpoint.httpUrl, {
      method: 'POST',
      headers: { ...headers, accept },
      body: JSON.stringify(asked),
    });
    return firstResult(response);
  },
};

const codesOf = (errors: Errors): readonly unknown[] => errors.map(({ extensions }) => extensions?.['code']);

describe.each(Object.entries(transports))('over %s', (transport, send) => {
  describe.each(kinds)('a %s', (kind) => {
    const own = rules.filter(({ isFor }) => isFor?.(transport, kind) ?? true);
    it.each(own.map((rule) => [rule.name, rule] as const))('is held to %s', async (_name, rule) => {
      const errors = await send(rule.broken(kind));
      expect(codesOf(errors)).toContain(rule.code);
      expect(errors.map(({ message }) => message).join('\n')).toContain(rule.message);
      expect(errors.map(({ message }) => message).join('\n')).not.toContain('Did you mean');
      if (rule.kept === null) return;
      const kept = await send(rule.kept(kind));
      expect(kept.map(({ message }) => message).join('\n')).not.toContain(rule.message);
    });
  });
});
