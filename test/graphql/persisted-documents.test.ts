import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDocuments } from '../../src/graphql/documents.ts';
import { defaultDocumentLimits } from '../../src/graphql/limits.ts';
import { loadEventSchema } from '../../src/graphql/schema/index.ts';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { connectAs, subscribeMessage } from './raw-client.ts';

const sha256 = (text: string): string => hash('sha256', text);
const listed = {
  query: 'query Listed { viewer { userId } }',
  subscription: 'subscription Listed { notificationReceived { cursor } }',
};
const unlisted = {
  query: 'query Unlisted { viewer { userId scopes } }',
  subscription: 'subscription Unlisted { notificationReceived { isLive } }',
};
const documents = new Map(Object.values(listed).map((text) => [sha256(text), text]));

type Kind = keyof typeof listed;
/** What a client sends; `hash` goes into `extensions`. */
type Asked = { readonly query?: string; readonly hash?: string };
/** `accepted`, or the code of the first error. */
type Send = (endpoint: TestEndpoint, asked: Asked) => Promise<string>;
type Result = { readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[] };

const paramsOf = ({ query, hash: sha256Hash }: Asked): Record<string, unknown> => ({
  ...(query === undefined ? {} : { query }),
  ...(sha256Hash === undefined ? {} : { extensions: { persistedQuery: { version: 1, sha256Hash } } }),
});
const outcomeOf = ({ errors }: Result): string =>
  errors === undefined ? 'accepted' : `${errors[0]?.extensions?.code}`;

const searchOf = (asked: Asked): string => {
  const entries = Object.entries(paramsOf(asked));
  return `?${new URLSearchParams(entries.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]))}`;
};

const authorization = 'Bearer user:ada';
const json = { authorization, 'content-type': 'application/json' };

/** What a stream says first: that it is open, or a result. */
const firstOf = async (response: Response): Promise<string> => {
  let text = '';
  const decoder = new TextDecoder();
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true });
    const data = /^data: ?(\{.*\})$/m.exec(text)?.[1];
    if (data !== undefined) return outcomeOf(JSON.parse(data) as Result);
    if (text.startsWith(':')) return 'accepted';
  }
  return outcomeOf(JSON.parse(text) as Result);
};

const overSocket =
  (kind: Kind): Send =>
  async ({ wsUrl }, asked) => {
    const client = await connectAs(wsUrl, 'user:ada');
    // The protocol wants text there, be it empty.
    client.send(subscribeMessage('1', '', { query: '', ...paramsOf(asked) }));
    client.send({ type: 'ping' });
    let message = await client.next();
    // A subscription that was accepted says nothing; a query answers after its turn.
    if (message.type === 'pong' && kind === 'query') message = await client.next();
    client.ws.terminate();
    if (message.type === 'error') return outcomeOf({ errors: message.payload });
    return message.type === 'pong' ? 'accepted' : outcomeOf(message.payload);
  };

const overPost =
  (accept: string): Send =>
  async ({ httpUrl }, asked) =>
    firstOf(
      await fetch(httpUrl, { method: 'POST', headers: { ...json, accept }, body: JSON.stringify(paramsOf(asked)) }),
    );

const overGet =
  (accept: string): Send =>
  async ({ httpUrl }, asked) =>
    firstOf(await fetch(httpUrl + searchOf(asked), { headers: { authorization, accept } }));

const transports: readonly (readonly [string, Kind, Send])[] = [
  ['WebSocket', 'subscription', overSocket('subscription')],
  ['WebSocket', 'query', overSocket('query')],
  ['POST', 'query', overPost('application/json')],
  ['GET', 'query', overGet('application/json')],
  ['POST of a stream', 'subscription', overPost('text/event-stream')],
  ['GET of a stream', 'subscription', overGet('text/event-stream')],
  ['POST of a stream', 'query', overPost('text/event-stream')],
];

let open: TestEndpoint;
let closed: TestEndpoint;
beforeAll(async () => {
  open = await openEndpoint({ persisted: { documents, isAllowList: false } });
  closed = await openEndpoint({ persisted: { documents, isAllowList: true } });
});
afterAll(async () => {
  await open.close();
  await closed.close();
});

describe.each(transports)('a persisted document over %s, %s', (_name, kind, send) => {
  it('runs by its hash alone', async () => {
    expect(await send(open, { hash: sha256(listed[kind]) })).toBe('accepted');
    expect(await send(open, { hash: sha256(listed[kind]).toUpperCase() })).toBe('accepted');
    expect(await send(open, { hash: `sha256:${sha256(listed[kind])}` })).toBe('accepted');
  });

  it('runs whatever text comes with its hash', async () => {
    expect(await send(closed, { hash: sha256(listed[kind]), query: unlisted[kind] })).toBe('accepted');
  });

  it('that nobody knows has the code that makes stock clients send the text', async () => {
    expect(await send(open, { hash: sha256('other') })).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(await send(open, { hash: sha256('other'), query: unlisted[kind] })).toBe('accepted');
  });

  it('is one of several where there is no allow-list', async () => {
    expect(await send(open, { query: unlisted[kind] })).toBe('accepted');
  });

  it('is the only kind that runs with an allow-list, by hash or by its text', async () => {
    expect(await send(closed, { hash: sha256(listed[kind]) })).toBe('accepted');
    expect(await send(closed, { query: listed[kind] })).toBe('accepted');
    expect(await send(closed, { query: unlisted[kind] })).toBe('DOCUMENT_NOT_ALLOWED');
    expect(await send(closed, { hash: sha256(unlisted[kind]), query: unlisted[kind] })).toBe('DOCUMENT_NOT_ALLOWED');
    expect(await send(closed, { hash: sha256(unlisted[kind]) })).toBe('PERSISTED_QUERY_NOT_FOUND');
  });
});

describe('persisted documents', () => {
  const { schema } = loadEventSchema({ schemaDir: 'schema', eventsDir: 'schema/events' });
  const options = { schema, limits: defaultDocumentLimits, isIntrospectionEnabled: false };

  it('are refused at the start, all of them at once, where they cannot run', () => {
    const broken = ['{ nothing }', '{ viewer ', `{ ${'viewer { userId } '.repeat(30)} }`];
    const persisted = { documents: new Map(broken.map((text) => [sha256(text), text])), isAllowList: false };
    const create = (): unknown => createDocuments({ ...options, persisted });
    expect(create).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    for (const text of broken) expect(create).toThrow(sha256(text));
  });

  it('stay when others crowd the memory', () => {
    const persisted = { documents, isAllowList: false };
    const prepare = createDocuments({ ...options, persisted, maxDocuments: 1 });
    const first = prepare.prepare('', sha256(listed.query));
    for (const field of ['userId', 'scopes', 'expiresAt']) prepare.prepare(`{ viewer { ${field} } }`);
    expect(prepare.prepare(listed.query)).toEqual(first);
    expect(prepare.size).toBe(1);
  });
});
