import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { heapBytes, type InProcessGateway, startInProcess } from '../support/in-process-gateway.ts';
import { testToken } from '../support/token.ts';
import { allowedCloses } from './close-table.ts';
import { createRandom, json, mutate, type Random, scale, seedOf } from './random.ts';

const count = 100_000 * scale;
const lanes = 8;

let gateway: InProcessGateway;
beforeAll(async () => {
  gateway = await startInProcess({
    CARILLON_LIMIT_MESSAGES_PER_SECOND: '100000',
    CARILLON_LIMIT_MESSAGE_BURST: '1000000',
    CARILLON_LIMIT_AWAY_TIME: '1s',
    CARILLON_LIMIT_INIT_TIME: '300ms',
    CARILLON_LIMIT_OPENING_SOCKETS: '10000',
    CARILLON_LIMIT_UPGRADES_PER_SECOND: '100000',
  });
});
afterAll(() => gateway?.close());

const documents = [
  '{ viewer { userId } }',
  '{ viewer { nothing } }',
  '{',
  'subscription { notificationReceived { cursor } }',
  'subscription S($after: Cursor) { notificationReceived(after: $after) { cursor edge { node { id } } } }',
  'subscription { notificationReceived(filter: { topics: ["secret"] }) { cursor } }',
  'mutation { sessionRefresh(token: "x") { viewer { userId } } }',
  'mutation { publishNotification(input: { audience: { userId: "x" }, content: { message: { title: "t" } } }) { duplicate } }',
];

const ids = ['1', '2', '3', '__proto__', 'constructor', '🔔', ' '];

const payloadOf = (random: Random): unknown => {
  if (random.once(40)) return json(random);
  const members: Record<string, unknown> = { query: random.pick(documents) };
  if (random.once(12)) members['query'] = mutate(random.pick(documents), random);
  if (random.once(5)) members['variables'] = random.pick([json(random), { after: json(random) }, { after: 'x' }]);
  if (random.once(8)) members['operationName'] = random.pick([json(random), '', 'S', null]);
  if (random.once(8)) members['extensions'] = random.pick([json(random), { traceparent: random.text(55) }]);
  return members;
};

const messageOf = (random: Random): unknown => {
  const id = random.once(50) ? json(random) : random.pick(ids);
  const complete = { type: 'complete', id };
  return random.pick([
    { type: 'subscribe', id, payload: payloadOf(random) },
    // Twice: or every second subscribe would end the socket for its id.
    complete,
    complete,
    { type: 'ping', payload: random.once(9) ? json(random) : { a: 1 } },
    { type: 'pong', payload: { carillon: random.pick([0, 1, 2, 999, -1, 1e99, 'x', null]) } },
  ]);
};

const textOf = (random: Random): string => {
  if (random.once(150)) return mutate(JSON.stringify(messageOf(random)), random);
  if (random.once(300)) return JSON.stringify(json(random));
  if (random.once(600)) return random.pick(['{"type":"connection_init"}', '{"type":"connection_ack"}', '']);
  return JSON.stringify(messageOf(random));
};

type Tally = { sent: number; sockets: number; readonly codes: Map<number, number> };

/** One socket, until it closes or 400 messages are through; its close code. */
const socketLife = async (random: Random, token: string, tally: Tally): Promise<number> => {
  const socket = new WebSocket(gateway.wsUrl, 'graphql-transport-ws');
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  const acknowledged = new Promise((resolve) => socket.once('message', resolve));
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('open', resolve));
  const init = JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  socket.send(random.once(20) ? textOf(random) : init);
  await Promise.race([acknowledged, closed]);
  for (let n = 0; n < 400 && socket.readyState === socket.OPEN; n++) {
    socket.send(random.once(2_000) ? random.bytes(20) : textOf(random));
    tally.sent += 1;
    // Answers and closes come in between.
    if (n % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
  }
  socket.close(1000);
  return closed;
};

const lane = async (random: Random, tally: Tally, token: string): Promise<void> => {
  while (tally.sent < count) {
    tally.sockets += 1;
    const code = await socketLife(random, token, tally);
    tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
  }
};

describe(`${count.toLocaleString('en')} random protocol messages`, () => {
  it('end sockets with codes of the table, and nothing else; memory comes back', async () => {
    const seed = seedOf('messages');
    const tokens = await Promise.all(
      Array.from({ length: lanes }, (_, n) =>
        testToken(`fuzz-${n}`, { scopes: n % 2 === 0 ? ['notifications:publish'] : [] }),
      ),
    );
    const tally: Tally = { sent: 0, sockets: 0, codes: new Map() };
    const before = await heapBytes();
    await Promise.all(tokens.map((token, n) => lane(createRandom(seed + n), tally, token)));
    await expect
      .poll(() => gateway.stats(), { timeout: 30_000 })
      .toMatchObject({ sessions: 0, subscriptions: 0, users: 0 });
    console.log(
      'fuzz messages:',
      JSON.stringify({ sent: tally.sent, sockets: tally.sockets, codes: Object.fromEntries(tally.codes) }),
    );
    for (const code of tally.codes.keys()) expect(allowedCloses.has(code), `close ${code}`).toBe(true);
    expect((await heapBytes()) - before).toBeLessThan(30 * 2 ** 20);
  }, 900_000);
});
