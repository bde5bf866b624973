import { hash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTwoWays, persistedQuery, type Received, type Sent, type TwoWays } from './two-ways.ts';

let closed: TwoWays;
let open: TwoWays;
beforeAll(async () => {
  closed = await openTwoWays(false);
  open = await openTwoWays(true);
});
afterAll(() => Promise.all([closed.close(), open.close()]));

const publishing = `mutation P($input: PublishNotificationInput!) {
  publishNotification(input: $input) { notificationId duplicate failedUserIds userErrors { code field message } } }`;
const batch = `mutation B($input: [PublishNotificationInput!]!) {
  publishNotifications(input: $input) { results { notificationId failedUserIds userErrors { code field } } } }`;
const several = 'query A { viewer { userId } } query B { viewer { cursor scopes expiresAt } }';
const fragments = `query F($with: Boolean! = true) { viewer { ...on Viewer @include(if: $with) { id: userId } ...S } again: viewer { ...S } }
  fragment S on Viewer { scopes @skip(if: $with) __typename }`;
const input = (title: string, more: object = {}): object => ({
  audience: { userId: 'ada' },
  content: { message: { title } },
  ...more,
});

const withHash = (sha256Hash: unknown, more: object = {}): object => ({
  extensions: { persistedQuery: { version: 1, sha256Hash } },
  ...more,
});

const titles = ['fine', 'bug', 'log', 'scope', 'null', 'refused'];

/** What a request may ask; most would be answered, one way or the other. */
const bodies: readonly (readonly [string, unknown])[] = [
  ['a query', { query: '{ viewer { userId scopes expiresAt cursor } }' }],
  ['an empty name', { query: '{ viewer { userId } }', operationName: '' }],
  ['nulls', { query: '{ viewer { userId } }', operationName: null, variables: null, extensions: null, other: null }],
  ['extensions', { query: '{ viewer { userId } }', extensions: { persistedQuery: { version: 1 }, traceparent: 'x' } }],
  ['a hash that is known', withHash(hash('sha256', persistedQuery))],
  ['a hash that is known, and empty text', withHash(hash('sha256', persistedQuery), { query: '' })],
  [
    'a hash that is known, and another text',
    withHash(`sha256:${hash('sha256', persistedQuery)}`, { query: '{ nothing }' }),
  ],
  ['a hash that is not known', withHash(hash('sha256', 'other'))],
  ['a hash that is not known, and empty text', withHash('other', { query: '' })],
  ['a hash that is not known, and a text', withHash('other', { query: '{ viewer { userId } }' })],
  ['a hash that is no text', withHash(5)],
  ['the first of several', { query: several, operationName: 'A' }],
  ['the second of several', { query: several, operationName: 'B' }],
  ['none of several', { query: several }],
  ['a name that is not there', { query: several, operationName: 'C' }],
  ['a long name that is not there', { query: several, operationName: 'C'.repeat(100) }],
  ['a name that is no text', { query: several, operationName: 5 }],
  ['fragments and directives', { query: fragments }],
  ['directives by variable', { query: fragments, variables: { with: false } }],
  ['a variable that does not fit', { query: fragments, variables: { with: 'yes' } }],
  ['a variable that is null', { query: fragments, variables: { with: null } }],
  ['a variable too many', { query: fragments, variables: { with: true, other: 1 } }],
  ...titles.map((title) => [`a publish: ${title}`, { query: publishing, variables: { input: input(title) } }] as const),
  ['a batch', { query: batch, variables: { input: titles.map((title) => input(title)) } }],
  ['a batch of one', { query: batch, variables: { input: input('fine') } }],
  ['a batch too large', { query: batch, variables: { input: Array.from({ length: 501 }, () => input('fine')) } }],
  [
    'a literal',
    {
      query:
        'mutation { publishNotification(input: {audience: {topic: "a.b"}, content: {message: {title: "fine"}}}) { notificationId } }',
    },
  ],
  [
    'a literal that does not fit',
    { query: 'mutation { publishNotification(input: {audience: {}, content: {}}) { notificationId } }' },
  ],
  [
    'several mutations',
    {
      query:
        'mutation { sessionRefresh(token: "good") { viewer { userId } } b: sessionRefresh(token: "") { viewer { userId } } }',
    },
  ],
  ['no input', { query: publishing }],
  ['no variables', { query: publishing, variables: {} }],
  ['an input of null', { query: publishing, variables: { input: null } }],
  ['an input that is a text', { query: publishing, variables: { input: 'fine' } }],
  ['an input with a member too many', { query: publishing, variables: { input: input('fine', { other: 1 }) } }],
  [
    'a misspelt field',
    { query: publishing, variables: { input: { audience: { userI: 'ada' }, content: { mesage: { title: 'x' } } } } },
  ],
  [
    'an input with a key',
    {
      query: publishing,
      variables: { input: input('fine', { idempotencyKey: 'k', expiresAt: '2030-01-01T00:00:00Z' }) },
    },
  ],
  ['an input with a bad time', { query: publishing, variables: { input: input('fine', { expiresAt: 'soon' }) } }],
  [
    'two audiences',
    { query: publishing, variables: { input: input('fine', { audience: { userId: 'a', topic: 'b' } }) } },
  ],
  [
    'two contents',
    {
      query: publishing,
      variables: { input: input('fine', { content: { message: { title: 'a' }, orderShipped: {} } }) },
    },
  ],
  [
    'a bad enumeration',
    {
      query: publishing,
      variables: {
        input: input('x', {
          content: { orderShipped: { orderNumber: '1', itemCount: 2 ** 40, carrier: 'POST', parcels: [{}] } },
        }),
      },
    },
  ],
  ['many variables that do not fit', { query: batch, variables: { input: Array.from({ length: 60 }, () => ({})) } }],
  ['text beyond ASCII', { query: publishing, variables: { input: input('Grüße 🎉 \u2028 \ud800') } }],
  ['a subscription', { query: 'subscription { notificationReceived { cursor } }' }],
  ['introspection', { query: '{ __schema { queryType { name } } __typename }' }],
  ['a field that is not there', { query: '{ viewer { userIdd } }' }],
  ['two fields that are not there', { query: '{ viewer { userIdd } nothing }' }],
  [
    'many fields that are not there',
    { query: `{ ${Array.from({ length: 40 }, (_, index) => `f${index}`).join(' ')} }` },
  ],
  ['no GraphQL', { query: '{ viewer { ' }],
  ['no text', { query: '' }],
  ['a comment', { query: '# nothing' }],
  ['a fragment alone', { query: 'fragment S on Viewer { userId }' }],
  ['too many tokens', { query: `{ viewer { ${'userId '.repeat(2_000)} } }` }],
  ['too much depth', { query: `{ viewer ${'{ a '.repeat(40)}${'}'.repeat(40)} }` }],
  ['no query', { variables: {} }],
  ['a query of null', { query: null }],
  ['a query that is no text', { query: 5 }],
  ['variables that are a list', { query: '{ viewer { userId } }', variables: [] }],
  ['variables that are a text', { query: '{ viewer { userId } }', variables: '{}' }],
  ['extensions that are a list', { query: '{ viewer { userId } }', extensions: [] }],
  ['a member too many', { query: '{ viewer { userId } }', id: 1 }],
  ['a list', [{ query: '{ viewer { userId } }' }]],
  ['an empty list', []],
  ['null', null],
  ['a number', 5],
];

const texts: readonly (readonly [string, string | Buffer])[] = [
  ...bodies.map(([name, body]) => [name, JSON.stringify(body)] as const),
  ['nothing at all', ''],
  ['no JSON', '{"query":'],
  ['JSON and more', '{"query":"{ viewer { userId } }"} x'],
  ['a byte order mark', '\uFEFF{"query":"{ viewer { userId } }"}'],
  ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['a member twice', '{"query":"{ nothing }","query":"{ viewer { userId } }"}'],
  ['a prototype', '{"query":"{ viewer { userId } }","__proto__":{"query":"{ nothing }"}}'],
  ['variables with a prototype', '{"query":"{ viewer { userId } }","variables":{"__proto__":{"a":1},"constructor":2}}'],
];

const accepts: readonly (string | null)[] = [
  null,
  '',
  '*/*',
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
  'application/json, application/graphql-response+json',
  'application/graphql-response+json; charset=utf-8, application/json; charset=utf-8',
  'application/json; charset=iso-8859-1',
  'application/json; charset=iso-8859-1, */*;q=0.1',
  'APPLICATION/JSON',
  'text/html, application/*;q=0.8',
  'text/html',
  'multipart/mixed, application/json',
  'multipart/mixed',
  'text/event-stream, application/json',
  'text/event-stream',
  'application/graphql+json',
  '*/json, text/plain',
  'application/ json',
  ', ,',
  'application/json;q=0',
];

const sentWith = (body: string | Buffer, accept: string | null, more: Readonly<Record<string, string>> = {}): Sent => ({
  method: 'POST',
  path: '/graphql?query=%7B__typename%7D',
  body,
  headers: {
    'content-type': 'application/json',
    authorization: 'Bearer good',
    ...(accept === null ? {} : { accept }),
    ...more,
  },
});

const bodyOf = (name: string): string | Buffer => {
  const found = texts.find(([given]) => given === name);
  if (found === undefined) throw new Error(`no request is named "${name}"`);
  return found[1];
};

/** A stream goes on: only its head says something. */
const isStream = (sent: Sent): boolean =>
  Boolean(sent.headers['accept']?.includes('text/event-stream')) && String(sent.body).includes('subscription {');

const same = async (ways: TwoWays, sent: Sent): Promise<Received> => {
  const { product, yoga } = await ways.both(sent);
  expect(product).toEqual(yoga);
  return product;
};

describe.each([
  ['as it is by default', () => closed],
  ['with introspection', () => open],
])('an endpoint %s answers as graphql-yoga does', (_, ways) => {
  const accepted = ['application/json', 'application/graphql-response+json', 'text/event-stream, application/json'];
  it.each(texts)('to %s', async (...[, body]) => {
    for (const accept of accepted) {
      const sent = sentWith(body, accept);
      if (!isStream(sent)) await same(ways(), sent);
      await same(ways(), sentWith(body, accept, { authorization: 'Bearer bad' }));
    }
    const { authorization: _none, ...headers } = sentWith(body, null).headers;
    await same(ways(), { ...sentWith(body, null), headers });
  });

  it.each(accepts)('where %s is accepted', async (accept) => {
    for (const name of ['a query', 'a publish: bug', 'no input', 'two fields that are not there', 'a list']) {
      await same(ways(), sentWith(bodyOf(name), accept));
    }
  });

  it('to whatever is put together of these', async () => {
    const headers = fc.record(
      {
        origin: fc.constantFrom('https://app.example', 'https://other.example'),
        traceparent: fc.constantFrom(
          `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
          `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`,
          'x',
        ),
        'content-type': fc.constantFrom('application/json; charset=utf-8', 'text/plain', 'application/graphql+json'),
      },
      { requiredKeys: [] },
    );
    const members = fc.record(
      {
        query: fc.constantFrom(publishing, batch, several, fragments, '{ viewer { nothing } }', '{', 7),
        operationName: fc.constantFrom('A', 'B', 'P', '', null, 'X', false),
        variables: fc.constantFrom({ input: input('fine') }, { input: [input('bug')] }, { with: 1 }, {}, null, [], 'x'),
        extensions: fc.constantFrom({}, null, [], { a: 1 }),
        other: fc.constantFrom(null, 1),
      },
      { requiredKeys: [] },
    );
    const body = fc.oneof(
      fc.constantFrom(...texts.map(([, text]) => text)),
      members.map((all) => JSON.stringify(all)),
    );
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom(...accepts), headers, async (text, accept, more) => {
        const sent = sentWith(text, accept, more as Record<string, string>);
        if (!isStream(sent)) await same(ways(), sent);
      }),
      { numRuns: 250 },
    );
  });
});

describe('a POST with a token', () => {
  const asked = async (name: string, accept: string): Promise<{ received: Received; isDirect: boolean }> => {
    const before = closed.direct;
    const received = await same(closed, sentWith(bodyOf(name), accept));
    return { received, isDirect: closed.direct > before };
  };

  it.each([
    ['a query', true],
    ['a publish: fine', true],
    ['a publish: bug', true],
    ['a batch', true],
    ['extensions', true],
    ['no input', true],
    ['a field that is not there', true],
    ['no GraphQL', true],
    ['a subscription', false],
    ['a list', false],
    ['a member too many', false],
    ['no JSON', false],
  ])('that holds %s takes the short way: %s', async (name, isShort) => {
    expect((await asked(name, 'application/json')).isDirect).toBe(isShort);
  });

  it.each([
    ['a query', 200, 200],
    ['a publish: bug', 200, 200],
    ['no input', 400, 400],
    ['no GraphQL', 200, 400],
    ['a field that is not there', 200, 400],
    ['two fields that are not there', 200, 400],
    ['none of several', 200, 400],
    ['too many tokens', 200, 400],
  ])('that holds %s has status %i as JSON and %i as GraphQL response', async (...[name, json, response]) => {
    expect((await asked(name, 'application/json')).received.status).toBe(json);
    expect((await asked(name, 'application/graphql-response+json')).received.status).toBe(response);
  });

  it.each(['a misspelt field', 'a field that is not there'])(
    'that holds %s is told names of the schema where introspection is allowed, and nowhere else',
    async (name) => {
      const accept = 'application/json';
      expect((await same(open, sentWith(bodyOf(name), accept))).body).toContain('Did you mean');
      expect((await same(closed, sentWith(bodyOf(name), accept))).body).not.toContain('Did you mean');
    },
  );

  it('publishes once each time', async () => {
    const before = closed.publishes;
    await asked('a publish: fine', 'application/json');
    expect(closed.publishes - before).toBe(2);
  });
});
