import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { eventPayload } from './hand-driven-sessions.ts';
import { until } from './raw-client.ts';

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint();
});
afterAll(() => endpoint.close());

const query =
  'subscription S($after: Cursor) { notificationReceived(after: $after) { cursor edge { node { title } } } }';

type Stream = { readonly response: Response; text(): string; readonly ended: Promise<void>; cut(): void };

const open = async (
  given: { headers?: Record<string, string>; body?: unknown; method?: 'GET' } = {},
): Promise<Stream> => {
  const headers = {
    accept: 'text/event-stream',
    authorization: 'Bearer user:ada',
    'content-type': 'application/json',
    ...given.headers,
  };
  const cutter = new AbortController();
  const search = given.method === 'GET' ? `?query=${encodeURIComponent(query)}` : '';
  const post = { method: 'POST', body: JSON.stringify(given.body ?? { query }) };
  const response = await fetch(endpoint.httpUrl + search, {
    ...(given.method === 'GET' ? {} : post),
    headers,
    signal: cutter.signal,
  });
  let text = '';
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const part of response.body ?? []) text += decoder.decode(part, { stream: true });
  };
  const ended = read().catch(() => {});
  return { response, text: () => text, ended, cut: () => cutter.abort() };
};

/** A request for a stream, or for what `body` asks. */
const post = (version: string, body = JSON.stringify({ query })): string =>
  [
    `POST /graphql HTTP/${version}`,
    'host: gateway',
    'accept: text/event-stream, application/json',
    'authorization: Bearer user:ada',
    'content-type: application/json',
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n');

/** Sends `requests` in one go; the last of them opens a stream. */
const raw = async (requests: readonly string[]): Promise<{ readonly socket: Socket; text(): string }> => {
  const count = endpoint.core.opened.length;
  const { port } = new URL(endpoint.httpUrl);
  const socket = connect(Number(port), '127.0.0.1');
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('latin1');
  });
  socket.write(requests.join(''));
  await until(() => endpoint.core.opened.length > count && endpoint.core.last.requests.length === 1);
  return { socket, text: () => text };
};

const subscribed = async (given: Parameters<typeof open>[0] = {}): Promise<Stream> => {
  const count = endpoint.core.opened.length;
  const stream = await open(given);
  await until(() => endpoint.core.opened.length > count && endpoint.core.last.requests.length === 1);
  return stream;
};

describe('a subscription as event stream', () => {
  it.each([undefined, 'GET'] as const)('delivers results whose id is the cursor (%s)', async (method) => {
    const stream = await subscribed(method === undefined ? {} : { method });
    expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
    expect(endpoint.core.last.kind).toBe('sse');
    endpoint.core.last.emit([eventPayload(1), eventPayload(2)]);
    await until(() => stream.text().includes('cursor-2'));
    expect(stream.text()).toContain(
      'event: next\nid: cursor-1\ndata: {"data":{"notificationReceived":{"cursor":"cursor-1","edge":{"node":{"title":"event 1"}}}}}\n\n',
    );
    stream.cut();
    await until(() => endpoint.core.last.ended !== null);
    expect(endpoint.core.last.ended).toBe('client_closed');
  });

  it('keeps text byte for byte, whatever its script', async () => {
    const content = 'subscription { notificationReceived { edge { node { content { ... on Message { title } } } } } }';
    const stream = await subscribed({ body: { query: content } });
    const titles = ['plain', '🔔é', '日本語', '\u2028"\\'];
    endpoint.core.last.emit(titles.map((title, n) => eventPayload(n, { title })));
    endpoint.core.last.emit([eventPayload(9, { title: 'the end' })]);
    await until(() => stream.text().includes('the end'));
    // Lines of an event stream end in \n, whatever else a script takes for their end.
    const lines = stream.text().split('\n');
    const got = lines.flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6))] : []));
    expect(got.map(({ data }) => data.notificationReceived.edge.node.content.title)).toEqual([...titles, 'the end']);
    stream.cut();
  });

  const eventText =
    'event: next\nid: cursor-1\ndata: {"data":{"notificationReceived":{"cursor":"cursor-1","edge":{"node":{"title":"event 1"}}}}}\n\n';

  it('is chunked for HTTP/1.1', async () => {
    const { text, socket } = await raw([post('1.1')]);
    endpoint.core.last.emit([eventPayload(1)]);
    const length = eventText.length.toString(16);
    await until(() => text().endsWith(`\r\n\r\n3\r\n:\n\n\r\n${length}\r\n${eventText}\r\n`));
    endpoint.core.last.end('draining');
    await until(() => text().endsWith('\r\n0\r\n\r\n'));
    socket.destroy();
  });

  it.each(['0.9', '1.0', '2.0'])('goes to the end of the connection for HTTP/%s', async (version) => {
    const { text, socket } = await raw([post(version)]);
    endpoint.core.last.emit([eventPayload(1)]);
    await until(() => text().endsWith(`\r\n\r\n:\n\n${eventText}`));
    endpoint.core.last.end('draining');
    await once(socket, 'close');
  });

  it('waits for its turn behind a request that was sent before it', async () => {
    const { text, socket } = await raw([post('1.1', '{"query":"{ __typename }"}'), post('1.1')]);
    endpoint.core.last.emit([eventPayload(1)]);
    await until(() => text().includes('cursor-1'));
    const [answer = '', stream = ''] = text().split('HTTP/1.1 200 OK').slice(1);
    expect(answer).toContain('__typename');
    expect(stream).toContain('\r\n\r\n3\r\n:\n\n\r\n');
    socket.destroy();
  });

  it('reaches a slow reader that says it will send no more as far as it was written by then', async () => {
    const connected = once(endpoint.server, 'connection');
    const { text, socket } = await raw([post('1.1')]);
    const [connection] = (await connected) as [Socket];
    const { last } = endpoint.core;
    socket.pause();
    for (let n = 1; n <= 100; n++) last.emit([eventPayload(n, { title: 'x'.repeat(100_000) })]);
    socket.end();
    await until(() => connection.writableEnded);
    last.emit([eventPayload(101)]);
    socket.resume();
    await once(socket, 'close');
    expect(text().includes('cursor-100')).toBe(true);
  });

  it('begins at Last-Event-ID, else at after', async () => {
    const body = { query, variables: { after: 'original' } };
    (await subscribed({ body })).cut();
    expect(endpoint.core.last.requests[0]?.after).toBe('original');
    (await subscribed({ body, headers: { 'last-event-id': 'newer' } })).cut();
    expect(endpoint.core.last.requests[0]?.after).toBe('newer');
  });

  it('ends without complete in drain, so that the client comes back', async () => {
    const stream = await subscribed();
    endpoint.core.last.end('draining');
    await stream.ended;
    expect(stream.text()).not.toContain('complete');
  });

  it('is kept warm by comments, which are no acks', async () => {
    const stream = await subscribed();
    const { length } = stream.text();
    endpoint.core.last.link.mark({ counter: 1, tokenExpiresInMs: null, isProbe: false });
    await until(() => stream.text().length > length);
    expect(stream.text().slice(length)).toBe(':\n\n');
    stream.cut();
  });

  it('tells the actor that what was written is taken', async () => {
    const stream = await subscribed();
    const session = endpoint.core.last;
    session.emit([eventPayload(1)]);
    await until(() => session.drainedTimes > 0);
    stream.cut();
  });

  it('tells it to the last of what a slow reader has taken', async () => {
    const count = endpoint.core.opened.length;
    const headers = {
      accept: 'text/event-stream',
      authorization: 'Bearer user:ada',
      'content-type': 'application/json',
    };
    const client = request(endpoint.httpUrl, { method: 'POST', headers });
    const answered = new Promise<IncomingMessage>((resolve) => client.once('response', resolve));
    client.end(JSON.stringify({ query: 'subscription { notificationReceived { edge { node { body } } } }' }));
    const response = await answered;
    await until(() => endpoint.core.opened.length > count && endpoint.core.last.requests.length === 1);
    const session = endpoint.core.last;
    const told: number[] = [];
    session.drained = () => void told.push(session.link.bufferedBytes);
    while (session.link.bufferedBytes < 200_000) {
      session.emit([eventPayload(1, { body: 'x'.repeat(50_000) })]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.resume();
    await until(() => session.link.bufferedBytes === 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told.at(-1)).toBe(0);
    client.destroy();
  });

  it('that is refused is one result with errors, then complete', async () => {
    const body = { query: 'subscription { notificationReceived(filter: { topics: ["secret"] }) { cursor } }' };
    const stream = await open({ body });
    await stream.ended;
    expect(stream.text()).toMatch(
      /event: next\ndata: \{"errors":\[.*TOPIC_FORBIDDEN.*\]\}\n\nevent: complete\ndata:\n\n$/,
    );
  });

  it('that loses its right ends the same way', async () => {
    const stream = await subscribed();
    endpoint.core.last.link.fail('sse', new GatewayError('TOPIC_FORBIDDEN', 'gone'));
    await stream.ended;
    expect(stream.text()).toMatch(/TOPIC_FORBIDDEN.*\n\nevent: complete\ndata:\n\n$/s);
  });

  it.each([
    ['too_many_sockets', 503, 'OVERLOADED'],
    ['draining', 503, 'DRAINING'],
    ['token_expired', 401, 'UNAUTHENTICATED'],
  ] as const)('that is not admitted gets a status: %s', async (reason, status, code) => {
    const { core } = endpoint;
    core.isHeld = true;
    const count = core.opened.length;
    const opening = open();
    await until(() => core.opened.length > count);
    core.isHeld = false;
    core.last.end(reason);
    const stream = await opening;
    await stream.ended;
    expect(stream.response.status).toBe(status);
    expect(stream.text()).toContain(code);
  });

  it('is no other matter for queries: one result, complete', async () => {
    const stream = await open({ body: { query: '{ viewer { userId } }' } });
    await stream.ended;
    expect(stream.text()).toMatch(
      /event: next\ndata: \{"data":\{"viewer":\{"userId":"ada"\}\}\}\n\nevent: complete\ndata:/,
    );
  });
});
