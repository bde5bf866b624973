import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { published } from './hand-driven-sessions.ts';
import { connectAs, connectRaw, settle, subscribeMessage, until } from './raw-client.ts';

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint();
});
afterAll(() => endpoint.close());

const stream = 'subscription { notificationReceived { cursor edge { node { title } } } }';
const init = { type: 'connection_init', payload: { authorization: 'Bearer user:ada' } };
const publishing = (title: string): string =>
  `mutation { publishNotification(input: { audience: { userId: "ada" }, content: { message: { title: "${title}" } } }) { notificationId } }`;

describe('handshake', () => {
  it('acknowledges a good token, in whatever place and case', async () => {
    const payloads = [
      { authorization: 'Bearer user:ada' },
      { Authorization: 'bearer user:ada' },
      { AUTHORIZATION: 'BEARER user:ada' },
      { headers: { Authorization: 'Bearer user:ada' } },
    ];
    for (const payload of payloads) {
      const client = await connectRaw(endpoint.wsUrl);
      client.send({ type: 'connection_init', payload });
      expect(await client.next()).toEqual({ type: 'connection_ack' });
      client.ws.terminate();
    }
  });

  it('takes the token of the upgrade request when the payload has none', async () => {
    const headers = { authorization: 'Bearer user:ada' };
    for (const payload of [undefined, null, {}]) {
      const client = await connectRaw(endpoint.wsUrl, ['graphql-transport-ws'], { headers });
      client.send({ type: 'connection_init', payload });
      expect(await client.next()).toEqual({ type: 'connection_ack' });
      client.ws.terminate();
    }
  });

  it.each([
    ['no payload', undefined],
    ['empty', {}],
    ['null', { authorization: null }],
    ['object', { authorization: {} }],
    ['array', { authorization: ['a'] }],
    ['another name', { authToken: 'Bearer user:ada' }],
    ['no scheme', { authorization: 'user:ada' }],
    ['another scheme', { authorization: 'Basic abc' }],
    ['not a JWT', { authorization: 'Bearer abc' }],
    ['dots', { authorization: 'Bearer a.b.c' }],
    ['40 KB', { authorization: `Bearer ${'x'.repeat(40_000)}` }],
  ])('closes with 4403 and a short reason without the token on a bad one: %s', async (_, payload) => {
    const before = endpoint.logged.length;
    const client = await connectRaw(endpoint.wsUrl);
    client.send({ type: 'connection_init', payload });
    const close = await client.closed;
    expect(close.code).toBe(4403);
    expect(close.reason).toBe('Forbidden: the token is missing or refused');
    expect(endpoint.logged.length - before).toBeLessThanOrEqual(1);
    expect(client.frames).toEqual([]);
  });

  it('closes with 1013 while tokens cannot be verified, so that clients come back', async () => {
    const client = await connectRaw(endpoint.wsUrl);
    client.send({ type: 'connection_init', payload: { authorization: 'Bearer away' } });
    expect((await client.closed).code).toBe(1013);
  });

  it('closes with 4429 on a second connection_init in the same segment', async () => {
    const client = await connectRaw(endpoint.wsUrl);
    client.sendTogether([{ type: 'connection_init', payload: { authorization: 'Bearer never' } }, init]);
    expect((await client.closed).code).toBe(4429);
  });

  it('sends nothing before the init, and connection_ack first after it', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    expect(client.frames).toEqual(['{"type":"connection_ack"}']);
  });

  it('runs nothing before connection_ack: subscribe closes with 4401', async () => {
    const early = await connectRaw(endpoint.wsUrl);
    early.send(subscribeMessage('1', stream));
    expect((await early.closed).code).toBe(4401);
    const pipelined = await connectRaw(endpoint.wsUrl);
    pipelined.sendTogether([init, subscribeMessage('1', publishing('too early'))]);
    expect((await pipelined.closed).code).toBe(4401);
    expect(endpoint.core.published.some((request) => request.title === 'too early')).toBe(false);
  });

  it.each([
    [[], 4406],
    [['graphql-ws'], 4406],
    [['GRAPHQL-TRANSPORT-WS'], 4406],
    [['soap', 'graphql-ws'], 4406],
  ])('closes with 4406 when the subprotocol is %j', async (protocols, code) => {
    const client = await connectRaw(endpoint.wsUrl, protocols);
    client.send({ id: '1', type: 'start', payload: { query: stream } });
    expect((await client.closed).code).toBe(code);
    expect(client.frames).toEqual([]);
  });

  it('picks graphql-transport-ws out of a list', async () => {
    const many = Array.from({ length: 99 }, (_, n) => `p${n}`);
    for (const protocols of [
      ['graphql-ws', 'graphql-transport-ws'],
      [...many, 'graphql-transport-ws'],
    ]) {
      const client = await connectRaw(endpoint.wsUrl, protocols);
      expect(client.ws.protocol).toBe('graphql-transport-ws');
      client.ws.terminate();
    }
  });
});

const badMessages = [
  'not json',
  '[]',
  'null',
  '5',
  '{}',
  '',
  '{"type":1}',
  '{"type":"start"}',
  '{"type":"subscribe"}',
  '{"type":"subscribe","id":"1"}',
  '{"type":"subscribe","id":"1","payload":"x"}',
  '{"type":"subscribe","id":"","payload":{"query":"{__typename}"}}',
  '{"type":"subscribe","id":1,"payload":{"query":"{__typename}"}}',
  '{"type":"complete"}',
  '{"type":"next","id":"1","payload":{}}',
  '{"type":"connection_ack"}',
  '{"type":"__proto__"}',
  `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
];

describe('messages that are not of the protocol', () => {
  it.each(badMessages.map((text) => [text.slice(0, 60), text]))(
    'close with 4400, before and after the ack: %s',
    async (_, text) => {
      const fresh = await connectRaw(endpoint.wsUrl);
      fresh.send(text);
      expect((await fresh.closed).code).toBe(4400);
      const ready = await connectAs(endpoint.wsUrl, 'user:ada');
      ready.send(text);
      const close = await ready.closed;
      expect(close.code).toBe(4400);
      expect(Buffer.byteLength(close.reason)).toBeLessThanOrEqual(123);
      expect(endpoint.core.last.ended).toBe('protocol_violation');
    },
  );

  it('close with 4400 when a message comes in a binary frame', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    client.ws.send(Buffer.from('{"type":"ping"}'));
    expect((await client.closed).code).toBe(4400);
  });

  it('close with 1009 when a frame is larger than 64 KiB, in one piece or in fragments (C68)', async () => {
    const whole = await connectRaw(endpoint.wsUrl);
    whole.send({ type: 'connection_init', payload: { padding: 'x'.repeat(70_000) } });
    expect((await whole.closed).code).toBe(1009);
    const fragmented = await connectRaw(endpoint.wsUrl);
    for (let n = 0; n < 80; n++) fragmented.ws.send('x'.repeat(1_000), { fin: false });
    expect((await fragmented.closed).code).toBe(1009);
  });

  it.each([
    ['bad UTF-8', '818200000000c328'],
    ['unmasked', '81027b7d'],
    ['RSV1', 'c18000000000'],
    ['opcode 3', '838000000000'],
    ['control frame of 126 bytes', `89fe007e00000000${'00'.repeat(126)}`],
    ['close code 1005', '88820000000003ed'],
    ['length 2^63', '81ff800000000000000000000000'],
  ])('end the socket and nothing else when a frame is malformed: %s (C69)', async (_, hex) => {
    const socket = createConnection(endpoint.port, '127.0.0.1');
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    socket.write(
      `GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    const answered = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.write(Buffer.from(hex, 'hex'));
    expect((await answered)[0]).toBe(0x88);
    socket.destroy();
    const other = await connectAs(endpoint.wsUrl, 'user:ada');
    other.ws.terminate();
  });

  it('close with 1013 when they come faster than the budget', async () => {
    const strict = await openEndpoint({ limits: { messages: { perSecond: 20, burst: 60 } } });
    const client = await connectAs(strict.wsUrl, 'user:ada');
    for (let n = 0; n < 61; n++) client.send({ type: 'ping' });
    expect((await client.closed).code).toBe(1013);
    await strict.close();
  });

  it('close with 1013 when their answers are left unread, so that nobody fills the memory with them', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const { last } = endpoint.core;
    client.ws.pause();
    const ping = JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(65_000) } });
    for (let n = 0; n < 600 && last.ended === null; n++) {
      client.send(ping);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(last.ended).toBe('stalled');
    expect(last.link.bufferedBytes).toBeLessThan(5_000_000);
    client.ws.resume();
    expect((await client.closed).code).toBe(1013);
  });

  it('that answer our pings are not counted, each ping once', async () => {
    const strict = await openEndpoint({ limits: { messages: { perSecond: 1, burst: 5 } } });
    const client = await connectAs(strict.wsUrl, 'user:ada');
    for (let counter = 1; counter <= 100; counter++) {
      strict.core.last.link.mark({ counter, tokenExpiresInMs: null, isProbe: false });
      client.send({ type: 'pong', payload: { carillon: counter } });
    }
    await until(() => strict.core.last.echoes.some(({ counter, by }) => counter === 100 && by === 'echo'));
    expect(client.ws.readyState).toBe(client.ws.OPEN);
    for (let n = 0; n < 20; n++) client.send({ type: 'pong', payload: { carillon: 100 } });
    expect((await client.closed).code).toBe(1013);
    await strict.close();
  });
});

describe('ping and pong', () => {
  it('answers a ping with its payload, or without the field', async () => {
    const client = await connectRaw(endpoint.wsUrl);
    for (const stage of ['before init', 'after ack']) {
      client.send('{"type":"ping"}');
      client.send('{"type":"ping","payload":null}');
      client.send('{"type":"ping","payload":{"a":[1]}}');
      client.send('{"type":"pong"}');
      client.send('{"type":"pong","payload":{"carillon":"x"}}');
      expect([await client.next(), await client.next(), await client.next()], stage).toEqual([
        { type: 'pong' },
        { type: 'pong' },
        { type: 'pong', payload: { a: [1] } },
      ]);
      if (stage === 'before init') {
        client.send(init);
        await client.next();
      }
    }
    expect(endpoint.core.last.echoes).toEqual([]);
    expect(client.frames.join('')).not.toContain('null');
  });

  it('carries markers to both kinds of peers until the peer echoes one in the protocol', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const { core } = endpoint;
    core.last.link.mark({ counter: 7, tokenExpiresInMs: null, isProbe: false });
    expect(await client.next()).toEqual({ type: 'ping', payload: { carillon: 7 } });
    await until(() => core.last.echoes.length === 1);
    expect(core.last.echoes).toEqual([{ counter: 7, by: 'bare' }]);
    client.send({ type: 'pong', payload: { carillon: 7 } });
    core.last.link.mark({ counter: 8, tokenExpiresInMs: null, isProbe: false });
    await settle(client);
    client.send({ type: 'pong', payload: { carillon: 8 } });
    await until(() => core.last.echoes.length >= 3);
    expect(core.last.echoes.at(-1)).toEqual({ counter: 8, by: 'echo' });
  });

  it('pings below the protocol one at a time, so that a peer with a limit takes a burst of markers', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const { core } = endpoint;
    const pings: string[] = [];
    client.ws.on('ping', (data: Buffer) => pings.push(String(data)));
    for (let counter = 1; counter <= 200; counter++)
      core.last.link.mark({ counter, tokenExpiresInMs: null, isProbe: false });
    await until(() => core.last.echoes.some(({ counter }) => counter === 200));
    expect(pings).toEqual(['1', '200']);
    expect(client.ws.readyState).toBe(client.ws.OPEN);
    client.ws.terminate();
  });
});

describe('operation ids', () => {
  it.each([
    [stream, stream],
    [stream, '{ viewer { userId } }'],
    [publishing('a'), stream],
  ])('close with 4409 when taken, and both operations end', async (first, second) => {
    const { core } = endpoint;
    core.onPublish = () => new Promise(() => {});
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    client.sendTogether([subscribeMessage('a', first), subscribeMessage('a', second)]);
    expect(await client.closed).toEqual({ code: 4409, reason: 'Subscriber for a already exists' });
    expect(core.last.subscriptions.size).toBe(0);
    core.onPublish = null;
  });

  it('fit the reason of a close frame whatever their length', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const id = 'é'.repeat(500);
    client.sendTogether([subscribeMessage(id, stream), subscribeMessage(id, stream)]);
    const close = await client.closed;
    expect(close.code).toBe(4409);
    expect(Buffer.byteLength(close.reason)).toBeLessThanOrEqual(123);
  });

  it('may be any text, and each operation lives for itself', async () => {
    const ids = ['1', 'toString', '__proto__', 'constructor', ' ', '🔔', 'x'.repeat(4_096), crypto.randomUUID()];
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    for (const id of ids) client.send(subscribeMessage(id, stream));
    await settle(client);
    expect([...endpoint.core.last.subscriptions.keys()]).toEqual(ids);
    for (const id of ids.slice(0, 4)) client.send({ type: 'complete', id });
    await settle(client);
    expect([...endpoint.core.last.subscriptions.keys()]).toEqual(ids.slice(4));
  });

  it('may be completed when unknown, twice, or when the result is on its way: nothing more comes for them', async () => {
    const { core } = endpoint;
    let finish = (): void => {};
    core.onPublish = () => new Promise((resolve) => (finish = () => resolve(published('late'))));
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    client.send({ type: 'complete', id: 'zz' });
    client.send({ type: 'complete', id: 'zz' });
    client.send(subscribeMessage('m', publishing('x')));
    client.send({ type: 'complete', id: 'm' });
    await settle(client);
    finish();
    await settle(client);
    expect(client.frames.filter((frame) => frame.includes('"m"'))).toEqual([]);
    core.onPublish = null;
    client.send(subscribeMessage('m', '{ viewer { userId } }'));
    await until(() => client.frames.some((frame) => frame.includes('"complete"')));
  });

  it('are refused one by one beyond 32 operations; the socket lives on', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    for (let n = 0; n < 33; n++) client.send(subscribeMessage(`s${n}`, stream));
    const message = await client.next();
    expect(message).toMatchObject({
      type: 'error',
      id: 's32',
      payload: [{ extensions: { code: 'OVERLOADED', retryable: true } }],
    });
    client.send({ type: 'complete', id: 's0' });
    client.send(subscribeMessage('s32', stream));
    await settle(client);
    expect(endpoint.core.last.subscriptions.size).toBe(32);
  });
});

describe('the end of a session', () => {
  it.each([
    ['draining', 1012],
    ['stopped', 1012],
    ['actor_failed', 1012],
    ['stalled', 1013],
    ['too_many_sockets', 1013],
    ['token_expired', 4403],
    ['revoked', 4403],
    ['init_timeout', 4408],
  ] as const)('tells %s by close code %i, after what was delivered', async (reason, code) => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    endpoint.core.last.end(reason);
    expect((await client.closed).code).toBe(code);
  });

  it('is told to the actor when the client goes', async () => {
    const client = await connectAs(endpoint.wsUrl, 'user:ada');
    const session = endpoint.core.last;
    client.ws.close(1000);
    await until(() => session.ended !== null);
    expect(session.ended).toBe('client_closed');
  });
});
