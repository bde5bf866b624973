import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { published } from './hand-driven-sessions.ts';

let endpoint: TestEndpoint;
let dev: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint();
  dev = await openEndpoint({
    isDevMode: true,
    isIntrospectionEnabled: true,
    isGraphiqlEnabled: true,
    allowedOrigins: [],
  });
});
afterAll(() => Promise.all([endpoint.close(), dev.close()]));

type Answer = { status: number; headers: IncomingHttpHeaders; text: string; json: () => Body };
type Body = {
  data?: Record<string, never> | null;
  errors?: { message: string; path?: unknown[]; extensions?: Record<string, unknown> }[];
};
type Asked = { method?: string; path?: string; headers?: Record<string, string | string[]>; body?: string };

/** Like fetch, with headers that fetch does not let one set. */
const ask = (
  target: TestEndpoint,
  { method = 'POST', path = '/graphql', headers = {}, body }: Asked,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: target.port, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) });
      });
    });
    request.on('error', reject);
    request.end(body);
  });

const json = { 'content-type': 'application/json' };
const as = (token: string): Record<string, string> => ({ ...json, authorization: `Bearer ${token}` });
const post = (
  query: string,
  variables: unknown = {},
  headers: Record<string, string> = as('user:ada'),
): Promise<Answer> => ask(endpoint, { headers, body: JSON.stringify({ query, variables }) });

const publishing = `mutation P($input: PublishNotificationInput!) {
  publishNotification(input: $input) { notificationId duplicate failedUserIds userErrors { code field message } } }`;
const batch = `mutation P($input: [PublishNotificationInput!]!) {
  publishNotifications(input: $input) { results { notificationId userErrors { code field } } } }`;
const message = (title: string, audience: unknown = { userId: 'ada' }): Record<string, unknown> => ({
  audience,
  content: { message: { title } },
});

describe('a request', () => {
  it('is answered for who the token says', async () => {
    const answer = await post('{ viewer { userId cursor } }');
    expect(answer.json()).toEqual({ data: { viewer: { userId: 'ada', cursor: 'cursor-now' } } });
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it.each([
    ['no token', json, 401, 'UNAUTHENTICATED'],
    ['a bad token', as('rubbish'), 401, 'UNAUTHENTICATED'],
    ['no Bearer', { ...json, authorization: 'Basic x' }, 401, 'UNAUTHENTICATED'],
    ['a token that cannot be verified', as('away'), 503, 'OVERLOADED'],
  ])('is refused with %s, whatever it asks', async (...[, headers, status, code]) => {
    for (const query of [
      '{ viewer { userId } }',
      'subscription { notificationReceived { cursor } }',
      '{',
      '{ __typename }',
    ]) {
      for (const accept of ['application/json', 'text/event-stream']) {
        const answer = await post(query, {}, { ...headers, accept });
        expect(answer.status).toBe(status);
        expect(answer.json().errors?.[0]?.extensions?.['code']).toBe(code);
      }
    }
  });

  it.each([
    ['GET', '/graphql', 200],
    ['GET', '/graphql/', 200],
    ['GET', '//graphql', 404],
    ['GET', '/graphql/x', 404],
    ['GET', '/GraphQL', 404],
    ['GET', '/api/graphql', 404],
  ])('is judged by its exact path: %s %s', async (method, path, status) => {
    const query = `?query=${encodeURIComponent('{ viewer { userId } }')}`;
    const answer = await ask(endpoint, { method, path: path + query, headers: as('user:ada') });
    expect(answer.status).toBe(status);
    if (status === 404) expect(answer.json().errors?.[0]?.message).toContain('GraphQL is at /graphql');
  });

  it.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/graphql', 415],
    ['application/json; charset=utf-8', 200],
  ])('has a body of JSON, so that no foreign page sends it unasked: %s', async (type, status) => {
    const body = JSON.stringify({ query: '{ viewer { userId } }' });
    expect((await ask(endpoint, { headers: { ...as('user:ada'), 'content-type': type }, body })).status).toBe(status);
  });

  it('changes nothing by GET', async () => {
    const count = endpoint.core.published.length;
    const variables = JSON.stringify({ input: message('by GET') });
    const path = `/graphql?query=${encodeURIComponent(publishing)}&variables=${encodeURIComponent(variables)}`;
    expect((await ask(endpoint, { method: 'GET', path, headers: as('user:ada') })).status).toBe(405);
    expect(endpoint.core.published.length).toBe(count);
  });

  it.each(['PUT', 'DELETE', 'PATCH'])('is refused by method %s', async (method) => {
    const answer = await ask(endpoint, { method, headers: as('user:ada') });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, POST, OPTIONS');
  });

  it('may have 100 KB, with the publish scope 1 MiB; the answer names the limit', async () => {
    const body = (bytes: number): string =>
      JSON.stringify({ query: '{ viewer { userId } }', variables: { padding: 'x'.repeat(bytes) } });
    expect((await ask(endpoint, { headers: as('reader:bob'), body: body(90_000) })).status).toBe(200);
    const refused = await ask(endpoint, { headers: as('reader:bob'), body: body(102_400) });
    expect(refused.status).toBe(413);
    expect(refused.json().errors?.[0]?.message).toContain('102400 bytes');
    expect((await ask(endpoint, { headers: as('user:ada'), body: body(900_000) })).status).toBe(200);
    const chunked = { ...as('user:ada'), 'transfer-encoding': 'chunked' };
    expect((await ask(endpoint, { headers: chunked, body: body(1_048_576) })).status).toBe(413);
  });

  it.each([
    '',
    'not json',
    '[]',
    '5',
    '{"query":5}',
    '{"query":"{ viewer { userId } }","variables":5}',
    '[{"query":"{ viewer { userId } }"}]',
  ])('that is malformed gets a 400 with an error list: %s', async (body) => {
    const answer = await ask(endpoint, { headers: as('user:ada'), body });
    expect(answer.status).toBe(400);
    expect(answer.json().errors?.length).toBeGreaterThan(0);
  });

  it('meets the same limits and rules as on the socket', async () => {
    const cases = [
      ['{', 'GRAPHQL_PARSE_FAILED'],
      ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
      ['{ __schema { types { name } } }', 'GRAPHQL_VALIDATION_FAILED'],
      [`{ viewer { ${'userId '.repeat(2_000)} } }`, 'BAD_USER_INPUT'],
    ];
    for (const [query = '', code] of cases) {
      const answer = await post(query);
      expect(answer.json().errors?.[0]?.extensions?.['code']).toBe(code);
      expect(answer.json().data).toBeUndefined();
    }
  });

  it('that takes too long gets a 408', async () => {
    const hasty = await openEndpoint({ limits: { requestDeadlineMs: 50 } });
    expect((await ask(hasty, { headers: as('never'), body: '{}' })).status).toBe(408);
    const slow = createConnection(hasty.port, '127.0.0.1');
    slow.write(
      `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer user:ada\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{`,
    );
    const answer = await new Promise<string>((resolve) => slow.once('data', (data) => resolve(String(data))));
    expect(answer).toContain('408');
    slow.destroy();
    await hasty.close();
  });

  it('that has arrived in time may take its time', async () => {
    const hasty = await openEndpoint({ limits: { requestDeadlineMs: 50 } });
    hasty.core.onPublish = async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return published('slow');
    };
    const body = JSON.stringify({ query: publishing, variables: { input: message('slow') } });
    expect((await ask(hasty, { headers: as('user:ada'), body })).status).toBe(200);
    await hasty.close();
  });

  it('cannot refresh a session it does not have', async () => {
    const answer = await post('mutation { sessionRefresh(token: "user:ada") { viewer { userId } } }');
    expect(answer.json().errors?.[0]?.extensions?.['code']).toBe('NOT_A_SESSION');
  });

  it('gives its trace to what it publishes, with the publish scope alone', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await post(publishing, { input: message('traced') }, { ...as('user:ada'), traceparent });
    expect(endpoint.core.published.at(-1)?.parent).toMatchObject({ traceId: 'a'.repeat(32), isSampled: true });
    await post(publishing, { input: message('traced') }, { ...as('reader:ada'), traceparent });
    expect(endpoint.core.published.at(-1)?.parent).toBeNull();
  });

  it('names its trace in the error where the trace is kept, and not where it is not', async () => {
    endpoint.core.onPublish = async () => {
      throw new TypeError('broken');
    };
    const failing = async (flags: string, token: string): Promise<Record<string, unknown> | undefined> => {
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${flags}`;
      const answer = await post(publishing, { input: message('failing') }, { ...as(token), traceparent });
      return answer.json().errors?.[0]?.extensions;
    };
    expect(await failing('01', 'user:ada')).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      correlationId: expect.any(String),
      traceId: 'a'.repeat(32),
    });
    expect(await failing('00', 'user:ada')).not.toHaveProperty('traceId');
    expect(await failing('01', 'reader:ada')).not.toHaveProperty('traceId');
    endpoint.core.onPublish = null;
  });

  it('that asks for a subscription without a stream is told how to get one', async () => {
    const answer = await post(
      'subscription { notificationReceived { cursor } }',
      {},
      { ...as('user:ada'), accept: 'application/json' },
    );
    expect(answer.json().errors?.[0]?.message).toContain('text/event-stream');
  });
});

describe('publishNotification', () => {
  it('hands over audience, content, key, end of life', async () => {
    const input = { ...message('t'), idempotencyKey: 'k', expiresAt: '2026-01-01T00:00:00+01:00' };
    await post(publishing, { input: { ...input, audience: { userIds: ['ada', 'bob', 'ada'] } } });
    expect(endpoint.core.published.at(-1)).toMatchObject({
      audience: { kind: 'users', userIds: ['ada', 'bob'] },
      type: 'message',
      title: 't',
      value: { title: 't' },
      idempotencyKey: 'k',
      expiresAtMs: Date.UTC(2025, 11, 31, 23),
    });
  });

  it.each([
    ['an empty user id', { audience: { userId: '' } }, 'INVALID_CONTENT', ['audience', 'userId']],
    ['a user id of 129 bytes', { audience: { userId: 'x'.repeat(129) } }, 'INVALID_CONTENT', ['audience', 'userId']],
    ['no users', { audience: { userIds: [] } }, 'INVALID_CONTENT', ['audience', 'userIds']],
    [
      'a bad user among good ones',
      { audience: { userIds: ['a', ''] } },
      'INVALID_CONTENT',
      ['audience', 'userIds', '1'],
    ],
    [
      '1,001 users',
      { audience: { userIds: Array.from({ length: 1_001 }, (_, n) => `u${n}`) } },
      'TOO_MANY_USERS',
      ['audience', 'userIds'],
    ],
    ['a topic pattern', { audience: { topic: 'orders.*' } }, 'UNKNOWN_TOPIC', ['audience', 'topic']],
    ['nobody', { audience: { everyone: false } }, 'INVALID_CONTENT', ['audience', 'everyone']],
    ['an empty key', { idempotencyKey: '' }, 'INVALID_CONTENT', ['idempotencyKey']],
    [
      'a link elsewhere',
      { content: { message: { title: 't', url: '//evil.example' } } },
      'INVALID_CONTENT',
      ['content', 'message', 'url'],
    ],
  ])('says which field is at fault: %s', async (...[, change, code, field]) => {
    const count = endpoint.core.published.length;
    const answer = await post(publishing, { input: { ...message('t'), ...change } });
    expect(answer.json().data?.['publishNotification']).toMatchObject({
      notificationId: null,
      userErrors: [{ code, field }],
    });
    expect(endpoint.core.published.length).toBe(count);
  });

  it.each([
    ['two audiences', { audience: { userId: 'a', topic: 'b' } }],
    ['no audience', { audience: {} }],
    ['a null audience', { audience: { userId: null } }],
    ['two contents', { content: { message: { title: 't' }, orderShipped: {} } }],
    ['an unknown field', { content: { message: { title: 't', colour: 'red' } } }],
    [
      'an integer beyond 32 bits',
      { content: { orderShipped: { orderNumber: '1', itemCount: 2_147_483_648, parcels: [] } } },
    ],
    ['a day that is not', { expiresAt: '2026-02-30T00:00:00Z' }],
  ])('is refused as a whole where the input is not of its type: %s', async (_, change) => {
    const answer = await post(publishing, { input: { ...message('t'), ...change } });
    expect(answer.json().errors?.length).toBeGreaterThan(0);
    expect(answer.json().data ?? null).toBeNull();
  });
});

describe('publishNotifications', () => {
  it('gives results by index and in order; neither a bad event nor a failing one sinks the others', async () => {
    const { core } = endpoint;
    const started: string[] = [];
    core.onPublish = async ({ title }) => {
      started.push(title);
      if (title === 'fails') throw new GatewayError('LOG_UNAVAILABLE', 'no log', { outcome: 'not_written' });
      return published(title);
    };
    const input = [message('1'), message('2', { userId: '' }), message('fails'), message('4')];
    const { data, errors } = (await post(batch, { input })).json();
    core.onPublish = null;
    expect(started).toEqual(['1', 'fails', '4']);
    expect(data?.['publishNotifications']).toEqual({
      results: [
        { notificationId: '1', userErrors: [] },
        { notificationId: null, userErrors: [{ code: 'INVALID_CONTENT', field: ['audience', 'userId'] }] },
        null,
        { notificationId: '4', userErrors: [] },
      ],
    });
    expect(errors).toMatchObject([
      { path: ['publishNotifications', 'results', 2], extensions: { code: 'LOG_UNAVAILABLE', outcome: 'not_written' } },
    ]);
  });

  it('takes 500 events and refuses 501', async () => {
    const many = (count: number): unknown[] => Array.from({ length: count }, (_, n) => message(`${n}`));
    const { data } = (await post(batch, { input: many(500) })).json();
    expect(data).toMatchObject({ publishNotifications: { results: { length: 500 } } });
    expect((await post(batch, { input: many(501) })).json().errors?.[0]?.extensions?.['code']).toBe('BAD_USER_INPUT');
  });
});

describe('browsers', () => {
  const origins = [
    'https://evil.example',
    'null',
    'https://app.example.evil.com',
    'https://app.example:444',
    'HTTPS://APP.EXAMPLE',
    'http://app.example',
    'https://app.example/',
    '',
  ];
  it.each(origins)('of an origin that is not listed are refused: %s', async (origin) => {
    for (const method of ['POST', 'GET', 'OPTIONS']) {
      const asked = { method, headers: { ...as('user:ada'), origin } };
      const answer = await ask(endpoint, method === 'POST' ? { ...asked, body: '{}' } : asked);
      expect(answer.status).toBe(403);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('of a listed origin may read the answer, after a preflight', async () => {
    const origin = 'https://app.example';
    const preflight = await ask(endpoint, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin' });
    expect(preflight.headers['access-control-allow-headers']).toContain('authorization');
    expect(preflight.headers['access-control-allow-credentials']).toBeUndefined();
    const answer = await post('{ viewer { userId } }', {}, { ...as('user:ada'), origin });
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
  });
});

describe('dev mode', () => {
  it.each([
    ['a foreign Host', { host: 'evil.example' }],
    ['a Host that only looks like loopback', { host: '127.0.0.1.evil.example' }],
    ['X-Forwarded-For', { 'x-forwarded-for': '1.2.3.4' }],
    ['X-Forwarded-Proto', { 'x-forwarded-proto': 'https' }],
    ['Forwarded', { forwarded: 'for=1.2.3.4' }],
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['an origin of null', { origin: 'null' }],
    ['an origin that only looks like loopback', { origin: 'http://localhost.evil.example' }],
  ])('refuses %s and says what to set', async (_, headers) => {
    const answer = await ask(dev, {
      headers: { ...as('user:ada'), ...headers },
      body: '{"query":"{ viewer { userId } }"}',
    });
    expect(answer.status).toBe(403);
    expect(answer.json().errors?.[0]?.message).toContain('CARILLON_JWT_SECRET');
  });

  it.each([
    ['no origin', { host: 'localhost:4000' }],
    ['any port', { origin: 'http://localhost:5173' }],
    ['an address', { origin: 'http://127.0.0.1:3000' }],
    ['IPv6', { host: '[::1]:4000', origin: 'http://[::1]:3000' }],
  ])('takes loopback: %s', async (_, headers) => {
    const answer = await ask(dev, {
      headers: { ...as('user:ada'), ...headers },
      body: '{"query":"{ viewer { userId } }"}',
    });
    expect(answer.status).toBe(200);
  });

  it('shows GraphiQL without a token and without anything from elsewhere', async () => {
    const page = await ask(dev, { method: 'GET', headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.text).toContain('"subscriptionsProtocol":"SSE"');
    expect(page.text).not.toMatch(/<(?:script|link)[^>]+(?:src|href)="https?:/);
    expect((await ask(endpoint, { method: 'GET', headers: { accept: 'text/html' } })).status).toBe(401);
  });

  it('answers introspection without a token, and nothing else', async () => {
    const anonymous = (query: string): Promise<Answer> => ask(dev, { headers: json, body: JSON.stringify({ query }) });
    expect((await anonymous('{ __schema { queryType { name } } }')).json().data).toEqual({
      __schema: { queryType: { name: 'Query' } },
    });
    for (const query of [
      '{ viewer { userId } }',
      '{ __typename viewer { userId } }',
      'query { ...F } fragment F on Query { viewer { userId } }',
    ]) {
      const answer = await anonymous(query);
      expect(answer.status).toBe(401);
      expect(answer.json().data ?? null).toBeNull();
    }
    const count = dev.core.published.length;
    const mutation = { query: publishing, variables: { input: message('anonymous') } };
    expect((await ask(dev, { headers: json, body: JSON.stringify(mutation) })).status).toBe(401);
    expect(dev.core.published.length).toBe(count);
  });
});
