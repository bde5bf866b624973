import { createConnection, type Socket } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heapBytes, type InProcessGateway, startInProcess } from '../support/in-process-gateway.ts';
import { testToken } from '../support/token.ts';
import { allowedCloses } from './close-table.ts';
import { createRandom, type Random, scale, seedOf } from './random.ts';

const count = 100_000 * scale;
const lanes = 8;

let gateway: InProcessGateway;
beforeAll(async () => {
  gateway = await startInProcess({
    CARILLON_LIMIT_MESSAGES_PER_SECOND: '100000',
    CARILLON_LIMIT_MESSAGE_BURST: '1000000',
    CARILLON_LIMIT_OPENING_SOCKETS: '10000',
    CARILLON_LIMIT_UPGRADES_PER_SECOND: '100000',
    CARILLON_LIMIT_AWAY_TIME: '1s',
  });
});
afterAll(() => gateway?.close());

type Frame = {
  readonly isFinal?: boolean;
  readonly reserved?: number;
  readonly opcode: number;
  readonly payload: Buffer;
  readonly isMasked?: boolean;
  /** What the head says, where that is not the truth. */
  readonly saidLength?: bigint;
};

const lengthBytes = (length: bigint): readonly [number, Buffer] => {
  if (length < 126n) return [Number(length), Buffer.alloc(0)];
  const short = length < 65_536n;
  const bytes = Buffer.alloc(short ? 2 : 8);
  if (short) bytes.writeUInt16BE(Number(length));
  else bytes.writeBigUInt64BE(length);
  return [short ? 126 : 127, bytes];
};

const encode = ({ isFinal = true, reserved = 0, opcode, payload, isMasked = true, saidLength }: Frame): Buffer => {
  const [code, extra] = lengthBytes(saidLength ?? BigInt(payload.length));
  const head = Buffer.from([(isFinal ? 0x80 : 0) | (reserved << 4) | opcode, (isMasked ? 0x80 : 0) | code]);
  // A mask of zeros: masked, and the same.
  return Buffer.concat([head, extra, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
};

const text = (value: string): Frame => ({ opcode: 1, payload: Buffer.from(value) });
const ping = text('{"type":"ping"}');
const bomb = deflateRawSync(Buffer.alloc(10_000_000));

/** Frames that a peer may send as often as it likes. */
const harmless: readonly ((random: Random) => readonly Frame[])[] = [
  () => [ping],
  () => [text('{"type":"pong"}')],
  () => [text('{"type":"complete","id":"x"}')],
  (random) => [{ opcode: 9, payload: random.bytes(random.int(126)) }],
  (random) => [{ opcode: 10, payload: random.bytes(random.int(126)) }],
  () => [
    { ...ping, isFinal: false, payload: ping.payload.subarray(0, 5) },
    { opcode: 9, payload: Buffer.alloc(0) },
    { opcode: 0, payload: ping.payload.subarray(5) },
  ],
  () => {
    const { payload } = text('{"type":"complete","id":"🔔"}');
    return [...payload].map((byte, n) => ({
      opcode: n === 0 ? 1 : 0,
      isFinal: n === payload.length - 1,
      payload: Buffer.from([byte]),
    }));
  },
];

/** Frames that end a connection. */
const harmful: readonly ((random: Random) => readonly Frame[])[] = [
  (random) => [{ ...ping, reserved: 1 + random.int(7) }],
  (random) => [{ opcode: random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), payload: random.bytes(random.int(20)) }],
  (random) => [{ opcode: 1, payload: random.bytes(1 + random.int(60)) }],
  (random) => [{ opcode: 2, payload: random.bytes(random.int(60)) }],
  () => [{ ...ping, isMasked: false }],
  () => [{ opcode: 0, payload: Buffer.from('x') }],
  () => [{ opcode: 1, isFinal: false, payload: Buffer.from('x') }, ping],
  (random) => [{ opcode: random.pick([8, 9, 10]), isFinal: false, payload: Buffer.alloc(0) }],
  (random) => [{ opcode: random.pick([8, 9, 10]), payload: random.bytes(126 + random.int(9)) }],
  () => [{ opcode: 1, payload: Buffer.from('x'), saidLength: 2n ** 63n }],
  () => [{ opcode: 1, payload: Buffer.from('x'), saidLength: 65_537n }],
  () => [{ opcode: 1, reserved: 4, payload: bomb }],
  () => [text('x'.repeat(70_000))],
  () =>
    Array.from({ length: 90 }, (_, n) => ({
      opcode: n === 0 ? 1 : 0,
      isFinal: false,
      payload: Buffer.alloc(1_000, 120),
    })),
  (random) => [
    { opcode: 8, payload: Buffer.from([random.int(256), random.int(256), ...random.bytes(random.int(20))]) },
  ],
  () => [{ opcode: 8, payload: Buffer.from([3]) }],
];

/** More fragments than ws takes of one message. */
const flood: readonly Frame[] = Array.from({ length: 17_000 }, (_, n) => ({
  opcode: n === 0 ? 1 : 0,
  isFinal: false,
  payload: Buffer.alloc(0),
}));

/** The code in the server's close frame; 1006 where the connection went without one. Frames of the server are not masked and below 64 KiB. */
const closeCode = (received: Buffer): number => {
  let at = received.indexOf('\r\n\r\n') + 4;
  while (at + 2 <= received.length) {
    const { opcode, body, size } = headAt(received, at);
    if (opcode === 8) return size >= 2 ? received.readUInt16BE(body) : 1005;
    at = body + size;
  }
  return 1006;
};

const headAt = (received: Buffer, at: number): { opcode: number; body: number; size: number } => {
  const short = received.readUInt8(at + 1) & 0x7f;
  const isLong = short === 126;
  return {
    opcode: received.readUInt8(at) & 0x0f,
    body: at + (isLong ? 4 : 2),
    size: isLong ? received.readUInt16BE(at + 2) : short,
  };
};

const handshake = [
  'GET /graphql HTTP/1.1',
  'Host: x',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws',
  'Sec-WebSocket-Extensions: permessage-deflate',
  '\r\n',
].join('\r\n');

type Tally = { frames: number; sockets: number; readonly codes: Map<number, number> };

const connected = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(gateway.port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });

/** Good frames, then one that ends the connection: all at once, or in pieces that end anywhere. */
const send = async (socket: Socket, random: Random): Promise<number> => {
  let sent = 0;
  for (let n = 20 + random.int(200); n > 0; n--) {
    const frames = random.pick(harmless)(random);
    sent += frames.length;
    socket.write(Buffer.concat(frames.map(encode)));
    if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const last = random.once(50) ? flood : random.pick(harmful)(random);
  const bytes = Buffer.concat(last.map(encode));
  const cut = random.once(2) ? bytes.length : random.int(bytes.length);
  socket.write(bytes.subarray(0, cut));
  await new Promise((resolve) => setImmediate(resolve));
  // Some frames promise more than comes: what the peer does then is its own affair, so it hangs up.
  socket.end(bytes.subarray(cut));
  return sent + last.length;
};

/** One connection, from the handshake to its close code. */
const connection = async (random: Random, init: Frame, tally: Tally): Promise<void> => {
  const socket = await connected();
  const received: Buffer[] = [];
  socket.on('error', () => {});
  socket.on('data', (part) => received.push(part));
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.write(handshake);
  socket.write(encode(init));
  tally.frames += await send(socket, random);
  tally.sockets += 1;
  await ended;
  expect(received.length).toBeGreaterThan(0);
  const code = closeCode(Buffer.concat(received));
  tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
};

const lane = async (random: Random, tally: Tally, token: string): Promise<void> => {
  const init = text(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  while (tally.frames < count) await connection(random, init, tally);
};

describe(`${count.toLocaleString('en')} WebSocket frames, good and bad`, () => {
  it('end connections with codes of the table, and nothing else; memory comes back', async () => {
    const seed = seedOf('frames');
    const tally: Tally = { frames: 0, sockets: 0, codes: new Map() };
    const before = await heapBytes();
    await Promise.all(
      Array.from({ length: lanes }, async (_, n) => lane(createRandom(seed + n), tally, await testToken(`fuzz-${n}`))),
    );
    await expect.poll(() => gateway.stats(), { timeout: 30_000 }).toMatchObject({ sessions: 0, users: 0 });
    console.log(
      'fuzz frames:',
      JSON.stringify({ frames: tally.frames, sockets: tally.sockets, codes: Object.fromEntries(tally.codes) }),
    );
    const own = new Set([...allowedCloses, 1005]);
    const odd = [...tally.codes.keys()].filter((code) => !own.has(code));
    // A close of the peer is answered with its own code.
    expect(odd.filter((code) => code < 3_000 || code > 4_999)).toEqual([]);
    for (const code of [1002, 1007, 1008, 1009, 4400])
      expect(tally.codes.get(code), `close ${code}`).toBeGreaterThan(0);
    expect((await heapBytes()) - before).toBeLessThan(30 * 2 ** 20);
    const rss = process.memoryUsage().rss / 2 ** 20;
    expect(rss).toBeLessThan(1_500);
  }, 900_000);
});
