import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { GatewayError } from '../../src/errors.ts';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { eventPayload } from './hand-driven-sessions.ts';
import { connectAs, type Message, type RawClient, settle, subscribeMessage } from './raw-client.ts';

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint();
});
afterAll(() => endpoint.close());

const publishing = `mutation Publish($input: PublishNotificationInput!) {
  publishNotification(input: $input) { notificationId duplicate failedUserIds userErrors { code field message } }
}`;
const toAda = (title: string): unknown => ({ audience: { userId: 'ada' }, content: { message: { title } } });

const run = async (client: RawClient, query: string, payload: Record<string, unknown> = {}): Promise<Message> => {
  const id = crypto.randomUUID();
  client.send(subscribeMessage(id, query, payload));
  const first = await client.next();
  if (first.type === 'next') expect(await client.next()).toEqual({ id, type: 'complete' });
  else expect(first.type).toBe('error');
  return first;
};

describe('a query or mutation over the socket', () => {
  it('gives one result and completes', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const { payload } = await run(client, '{ viewer { userId scopes cursor expiresAt } }');
    expect(payload.data.viewer).toMatchObject({
      userId: 'ada',
      scopes: ['notifications:publish'],
      cursor: 'cursor-now',
    });
    expect(payload.data.viewer.expiresAt).toMatch(/^\d{4}-.*Z$/);
  });

  it('takes null for every optional member', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const nulls = { variables: null, operationName: null, extensions: null };
    expect((await run(client, '{ viewer { userId } }', nulls)).payload.data.viewer.userId).toBe('ada');
    expect(client.frames.join('')).not.toContain(':null');
  });

  it('runs the operation that operationName names', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const query =
      'query A { viewer { userId } } query B { b: viewer { userId } } subscription C { notificationReceived { cursor } }';
    expect((await run(client, query, { operationName: 'A' })).payload.data).toHaveProperty('viewer');
    expect((await run(client, query, { operationName: 'B' })).payload.data).toHaveProperty('b');
    client.send(subscribeMessage('c', query, { operationName: 'C' }));
    await settle(client);
    expect(endpoint.core.last.subscriptions.has('c')).toBe(true);
  });

  it.each([undefined, null, '', 'Z', 'x'.repeat(10_240)])(
    'refuses an operationName that leaves it open: %j',
    async (name) => {
      const client = await connectAs(endpoint.wsUrl, 'user:ada');
      const query = 'query A { viewer { userId } } query B { viewer { userId } }';
      const { type, payload } = await run(client, query, { operationName: name });
      expect(type).toBe('error');
      expect(payload[0].extensions.code).toBe('OPERATION_RESOLUTION_FAILURE');
      expect(payload[0].message.length).toBeLessThan(200);
    },
  );

  it('treats an empty operationName as absent', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    expect((await run(client, 'query A { viewer { userId } }', { operationName: '' })).type).toBe('next');
  });

  it.each([
    ['syntax', '{', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ viewers { userId } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['introspection', '{ __schema { types { name } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['no operation', 'fragment F on Viewer { userId }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      '31 aliases',
      `{ viewer { ${Array.from({ length: 31 }, (_, n) => `a${n}: userId`).join(' ')} } }`,
      'BAD_USER_INPUT',
    ],
    ['2,001 tokens', `{ viewer { ${'userId '.repeat(2_000)} } }`, 'BAD_USER_INPUT'],
    ['1,001 fields', `{ viewer { ${'userId '.repeat(1_001)} } }`, 'BAD_USER_INPUT'],
    ['17 levels', `{ ${'viewer { '.repeat(17)} userId ${'}'.repeat(17)} }`, 'BAD_USER_INPUT'],
    ['a fragment cycle', '{ viewer { ...F } } fragment F on Viewer { ...F }', 'GRAPHQL_VALIDATION_FAILED'],
    ['21 root fields', `{ ${'viewer { userId } '.repeat(21)} }`, 'BAD_USER_INPUT'],
    ['51 directives', `{ viewer { userId ${'@include(if: true) '.repeat(51)} } }`, 'BAD_USER_INPUT'],
    [
      'two stream fields',
      'subscription { a: notificationReceived { cursor } b: notificationReceived { cursor } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a skipped stream', 'subscription { notificationReceived @skip(if: true) { cursor } }', 'BAD_USER_INPUT'],
    [
      'an argument of another type',
      'subscription { notificationReceived(after: [1]) { cursor } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
  ])('is refused with an error list for its id, and the socket lives on: %s', async (_, query, code) => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const { type, payload } = await run(client, query);
    expect(type).toBe('error');
    expect(payload[0].extensions.code).toBe(code);
    expect(payload[0].message).not.toContain('Did you mean');
    await settle(client);
  });

  it('works through the stock client', async () => {
    const client = createClient({
      url: endpoint.wsUrl,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: 'Bearer user:ada' },
    });
    const results = [];
    for await (const result of client.iterate({ query: '{ viewer { userId } }' })) results.push(result);
    for await (const result of client.iterate({ query: publishing, variables: { input: toAda('x') } }))
      results.push(result);
    expect(results).toHaveLength(2);
    expect(results[1]?.data).toMatchObject({ publishNotification: { duplicate: false, userErrors: [] } });
    await client.dispose();
  });

  it('hides what went wrong unexpectedly behind an id that is in the log, once', async () => {
    const { core, logged } = endpoint;
    core.onPublish = async () => {
      throw new TypeError('secret: password is hunter2');
    };
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const before = logged.length;
    const { payload } = await run(client, publishing, { variables: { input: toAda('x') } });
    core.onPublish = null;
    const [error] = payload.errors ?? payload;
    expect(JSON.stringify(payload)).not.toContain('hunter2');
    expect(error.extensions.code).toBe('INTERNAL_SERVER_ERROR');
    expect(logged.slice(before).map((line) => line.fields?.['correlationId'])).toEqual([
      error.extensions.correlationId,
    ]);
  });

  it('names its trace in the error where the trace is kept', async () => {
    endpoint.core.onPublish = async () => {
      throw new GatewayError('LOG_UNAVAILABLE', 'the log does not answer');
    };
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const { payload } = await run(client, publishing, {
      variables: { input: toAda('x') },
      extensions: { traceparent },
    });
    endpoint.core.onPublish = null;
    expect((payload.errors ?? payload)[0].extensions).toMatchObject({
      code: 'LOG_UNAVAILABLE',
      traceId: 'a'.repeat(32),
    });
  });

  it('says of an operational error whether and when to repeat', async () => {
    const { core } = endpoint;
    core.onPublish = async () => {
      throw new GatewayError('LOG_UNAVAILABLE', 'the log does not answer', { outcome: 'unknown', retryAfterMs: 500 });
    };
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const { payload } = await run(client, publishing, { variables: { input: toAda('x') } });
    core.onPublish = null;
    expect((payload.errors ?? payload)[0]).toMatchObject({
      message: 'the log does not answer',
      extensions: { code: 'LOG_UNAVAILABLE', retryable: true, outcome: 'unknown', retryAfterMs: 500 },
    });
  });
});

describe('sessionRefresh', () => {
  const refresh = 'mutation R($token: String!) { sessionRefresh(token: $token) { viewer { userId scopes } } }';

  it('renews the identity of its own socket', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const { payload } = await run(client, refresh, { variables: { token: 'reader:ada' } });
    expect(payload.data.sessionRefresh.viewer).toEqual({ userId: 'ada', scopes: [] });
    expect(endpoint.core.last.viewer?.scopes.size).toBe(0);
  });

  it.each([
    ['another user', 'user:bob', 'UNAUTHENTICATED'],
    ['refused', 'rubbish', 'UNAUTHENTICATED'],
    ['not verifiable', 'away', 'OVERLOADED'],
  ])('keeps the old identity when the token is %s', async (_, token, code) => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const { payload } = await run(client, refresh, { variables: { token } });
    expect((payload.errors ?? payload)[0].extensions.code).toBe(code);
    expect(endpoint.core.last.viewer?.userId).toBe('ada');
    expect(endpoint.core.last.isActive).toBe(true);
  });
});

describe('revokeTokens', () => {
  const revoke = 'mutation R($input: RevokeTokensInput!) { revokeTokens(input: $input) { issuedBefore } }';

  it.each([
    [{ userId: 'bob' }, { kind: 'user', id: 'bob' }],
    [{ sessionId: 's' }, { kind: 'session', id: 's' }],
    [{ tokenId: 't' }, { kind: 'token', id: 't' }],
  ])('revokes the tokens of %j, for whom has the admin scope', async (of, expected) => {
    const client = await connectAs(endpoint.wsUrl, 'admin:ops');
    const input = { of, issuedBefore: '2026-01-02T03:04:05Z' };
    const { payload } = await run(client, revoke, { variables: { input } });
    expect(payload.data.revokeTokens).toEqual({ issuedBefore: '2026-01-02T03:04:05.000Z' });
    expect(endpoint.revocations.at(-1)).toEqual({ ...expected, issuedBeforeMs: Date.UTC(2026, 0, 2, 3, 4, 5) });
  });

  it('is forbidden to others', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const before = endpoint.revocations.length;
    const { payload } = await run(client, revoke, { variables: { input: { of: { userId: 'bob' } } } });
    expect(payload.errors[0].extensions.code).toBe('FORBIDDEN');
    expect(endpoint.revocations).toHaveLength(before);
  });
});

describe('a subscription', () => {
  const request = async (query: string, variables: Record<string, unknown> = {}) => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    client.send(subscribeMessage('s', query, { variables }));
    await settle(client);
    return { client, request: endpoint.core.last.requests.at(-1) };
  };

  it('asks for what is to the viewer and to everyone, from now on, when it says nothing', async () => {
    const said = [
      'subscription { notificationReceived { cursor } }',
      'subscription { notificationReceived(after: null, filter: null) { cursor } }',
      'subscription { notificationReceived(filter: { viewer: null, everyone: null, topics: null, types: null }) { cursor } }',
    ];
    for (const query of said) {
      const { request: asked } = await request(query);
      expect(asked).toMatchObject({ after: null, filter: { viewer: true, everyone: true, topics: [], types: null } });
    }
  });

  it('passes cursor, topics and types on', async () => {
    const query = `subscription S($after: Cursor, $filter: StreamFilter) { notificationReceived(after: $after, filter: $filter) { cursor } }`;
    const filter = { viewer: false, topics: ['orders.eu', 'orders.eu'], types: ['message'] };
    const { request: asked } = await request(query, { after: 'cursor-7', filter });
    expect(asked).toMatchObject({
      after: 'cursor-7',
      filter: { viewer: false, everyone: true, topics: ['orders.eu'], types: new Set(['message']) },
    });
  });

  it.each([
    ['that the token does not allow', 'secret.plans', 'TOPIC_FORBIDDEN'],
    ['that is no name', 'orders..eu', 'BAD_USER_INPUT'],
    ['that is a pattern', 'orders.*', 'BAD_USER_INPUT'],
  ])('is refused for a topic %s; the socket lives on', async (_, topic, code) => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    client.send(
      subscribeMessage('s', `subscription { notificationReceived(filter: { topics: ["${topic}"] }) { cursor } }`),
    );
    const message = await client.next();
    expect(message).toMatchObject({ type: 'error', id: 's', payload: [{ extensions: { code } }] });
    await settle(client);
    expect(endpoint.core.last.requests).toEqual([]);
  });

  it.each([
    'subscription ($b: Boolean!) { notificationReceived @include(if: $b) { cursor } }',
    'subscription ($b: Boolean = true) { notificationReceived @skip(if: $b) { cursor } }',
    'subscription ($b: Boolean!) { ... @include(if: $b) { notificationReceived { cursor } } }',
    'subscription ($b: Boolean!) { ...F @skip(if: $b) } fragment F on Subscription { notificationReceived { cursor } }',
  ])('whose root depends on a variable is refused, and the socket lives on: %s', async (query) => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    client.send(subscribeMessage('1', query, { variables: { b: true } }));
    const { type, payload } = await client.next();
    expect(type).toBe('error');
    expect(payload[0]).toMatchObject({
      message: expect.stringContaining('root field of a subscription'),
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
    client.send(subscribeMessage('1', 'subscription { notificationReceived { cursor } }'));
    await settle(client);
    expect(endpoint.core.last.subscriptions.size).toBe(1);
  });

  it('that meets a bug is one masked error, and the socket lives on', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const session = endpoint.core.last;
    const real = session.subscribe.bind(session);
    session.subscribe = () => {
      throw new TypeError('secret: hunter2');
    };
    client.send(subscribeMessage('1', 'subscription { notificationReceived { cursor } }'));
    const { type, payload } = await client.next();
    expect([type, payload[0].extensions.code]).toEqual(['error', 'INTERNAL_SERVER_ERROR']);
    expect(JSON.stringify(payload)).not.toContain('hunter2');
    session.subscribe = real;
    client.send(subscribeMessage('1', 'subscription { notificationReceived { cursor } }'));
    await settle(client);
    expect(session.subscriptions.size).toBe(1);
  });

  it('of a session that meets a bug elsewhere ends with it alone, by 1012', async () => {
    const [client, other] = [await connectAs(endpoint.wsUrl, 'user:ada'), await connectAs(endpoint.wsUrl, 'user:bob')];
    const session = endpoint.core.opened.at(-2);
    const before = endpoint.logged.length;
    Object.assign(session ?? {}, {
      unsubscribe() {
        throw new TypeError('broken');
      },
    });
    client.send(subscribeMessage('1', 'subscription { notificationReceived { cursor } }'));
    client.send({ type: 'complete', id: '1' });
    expect((await client.closed).code).toBe(1012);
    expect(session?.ended).toBe('actor_failed');
    expect(endpoint.logged.length).toBe(before + 1);
    await settle(other);
  });

  it('shares one plan with all whose selection is the same, whatever their cursors', async () => {
    const query = `subscription S($after: Cursor, $long: Boolean!) {
      notificationReceived(after: $after) { cursor edge { node { title body @include(if: $long) } } } }`;
    const plans = [];
    for (const [after, long] of [
      ['a', true],
      ['b', true],
      ['c', false],
    ]) {
      plans.push((await request(query, { after, long })).request?.plan);
    }
    expect(plans[0]).toBe(plans[1]);
    expect(plans[2]).not.toBe(plans[0]);
    const { client } = await request(query, { after: 'd', long: false });
    endpoint.core.last.emit([eventPayload(1)]);
    expect((await client.next()).payload.data.notificationReceived.edge.node).toEqual({ title: 'event 1' });
  });

  it('hears what a later message on the same socket publishes', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    for (let n = 0; n < 200; n++) {
      client.sendTogether([
        subscribeMessage(`s${n}`, 'subscription { notificationReceived { edge { node { title } } } }'),
        subscribeMessage(`m${n}`, publishing, { variables: { input: toAda(`t${n}`) } }),
      ]);
      const messages = [await client.next(), await client.next(), await client.next()];
      const heard = messages.find((message) => message.id === `s${n}`);
      expect(heard?.payload.data.notificationReceived.edge.node.title).toBe(`t${n}`);
      client.send({ type: 'complete', id: `s${n}` });
    }
  });

  it('leaves exactly one stream after subscribe, complete, subscribe in one segment', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const query = 'subscription { notificationReceived { cursor } }';
    client.sendTogether([subscribeMessage('A', query), { type: 'complete', id: 'A' }, subscribeMessage('B', query)]);
    await settle(client);
    endpoint.core.last.emit(Array.from({ length: 10 }, (_, n) => eventPayload(n)));
    for (let n = 0; n < 10; n++) expect((await client.next()).id).toBe('B');
  });
});
