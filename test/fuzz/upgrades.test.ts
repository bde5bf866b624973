import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRaw } from '../graphql/raw-client.ts';
import { heapBytes, type InProcessGateway, startInProcess } from '../support/in-process-gateway.ts';
import { createRandom, mutate, type Random, scale, seedOf } from './random.ts';

const count = 10_000 * scale;
const lanes = 16;

let gateway: InProcessGateway;
beforeAll(async () => {
  gateway = await startInProcess({
    CARILLON_LIMIT_OPENING_SOCKETS: '10000',
    CARILLON_LIMIT_UPGRADES_PER_SECOND: '100000',
    CARILLON_TRUSTED_PROXIES: '127.0.0.1',
  });
});
afterAll(() => gateway?.close());

const odd = (random: Random): string => random.text(random.int(40)).replace(/[\0\n\r]/g, '');

const headersOf = (random: Random): string[] => {
  const headers = [
    'Host: gateway.example',
    `Upgrade: ${random.pick(['websocket', 'websocket', 'websocket', 'WebSocket', 'h2c', odd(random)])}`,
    `Connection: ${random.pick(['Upgrade', 'Upgrade', 'keep-alive, Upgrade', 'close', odd(random)])}`,
    `Sec-WebSocket-Version: ${random.pick(['13', '13', '13', '8', '99', odd(random)])}`,
    `Sec-WebSocket-Key: ${random.pick(['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ==', 'short', odd(random)])}`,
    `Sec-WebSocket-Protocol: ${random.pick(['graphql-transport-ws', 'graphql-transport-ws', 'graphql-ws', 'a, b, a', ',', odd(random)])}`,
  ];
  const more: readonly (() => string)[] = [
    () =>
      `Sec-WebSocket-Extensions: ${random.pick(['permessage-deflate', 'permessage-deflate; server_max_window_bits=99', ';;', odd(random)])}`,
    () => `Origin: ${random.pick(['https://evil.example', 'null', odd(random)])}`,
    () => `X-Forwarded-For: ${random.pick(['1.2.3.4', '1.2.3.4, ::1, x', ',,,', odd(random), '9'.repeat(500)])}`,
    () => `Authorization: ${random.pick(['Bearer x', 'Bearer', odd(random)])}`,
    () => `traceparent: ${odd(random)}`,
    () => `Cookie: ${'x'.repeat(random.int(3_000))}`,
    () => `Content-Length: ${random.pick(['0', '5', '-1', '99999999999', odd(random)])}`,
    () => `Transfer-Encoding: ${random.pick(['chunked', 'identity', odd(random)])}`,
    () => `Expect: ${random.pick(['100-continue', odd(random)])}`,
    () => `${odd(random).replaceAll(':', '')}: ${odd(random)}`,
  ];
  for (let n = random.int(4); n > 0; n--) headers.splice(random.int(headers.length), 0, random.pick(more)());
  if (random.once(200)) headers.push(...Array.from({ length: 3_000 }, (_, n) => `h${n}: x`));
  return headers;
};

const goodRequest = [
  'GET /graphql HTTP/1.1',
  'Host: gateway.example',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws',
  '\r\n',
].join('\r\n');

const requestOf = (random: Random): string => {
  if (random.once(8)) return goodRequest;
  const path = random.pick([
    '/graphql',
    '/graphql',
    '/graphql',
    '/graphql/',
    '/graphql?token=x',
    '/',
    '//',
    '*',
    `/${odd(random)}`,
  ]);
  const first = `${random.pick(['GET', 'GET', 'GET', 'POST', 'OPTIONS', 'HEAD', 'CONNECT'])} ${path} HTTP/${random.pick(['1.1', '1.1', '1.0', '9.9'])}`;
  const text = `${[first, ...headersOf(random)].join('\r\n')}\r\n\r\n`;
  const request = random.once(3) ? mutate(text, random) : text;
  return random.once(10) ? request + random.bytes(random.int(60)).toString('latin1') : request;
};

/** Sends one request; resolves with the first line of what came, empty where nothing did before the other end hung up. */
const answerTo = (request: string): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    const socket = createConnection(gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (text.includes('\r\n\r\n')) socket.resetAndDestroy();
    });
    socket.on('close', () => resolve(text.split('\r\n', 1)[0] ?? ''));
    socket.on('end', () => socket.destroy());
    // A request that is not complete by itself is at its end here.
    socket.end(request, 'latin1');
  });

describe(`${count.toLocaleString('en')} random upgrade requests`, () => {
  it('are taken or refused with a status, and others come in; memory comes back', async () => {
    const seed = seedOf('upgrades');
    const statuses = new Map<string, number>();
    let sent = 0;
    const lane = async (random: Random): Promise<void> => {
      while (sent < count) {
        sent += 1;
        const status = (await answerTo(requestOf(random))).slice(0, 12);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const before = await heapBytes();
    await Promise.all(Array.from({ length: lanes }, (_, n) => lane(createRandom(seed + n))));
    await expect.poll(() => gateway.stats(), { timeout: 30_000 }).toMatchObject({ sessions: 0 });
    console.log('fuzz upgrades:', JSON.stringify({ sent, ...Object.fromEntries(statuses) }));
    for (const status of statuses.keys()) expect(status).toMatch(/^(HTTP\/1\.1 (100|101|2\d\d|4\d\d|503))?$/);
    for (const code of ['101', '400', '403', '404']) expect(statuses.get(`HTTP/1.1 ${code}`), code).toBeGreaterThan(0);
    expect((await heapBytes()) - before).toBeLessThan(30 * 2 ** 20);
    (await connectRaw(gateway.wsUrl)).ws.terminate();
  }, 900_000);
});
