import { createConnection, type Socket } from 'node:net';
import { testToken } from '../test/support/token.ts';
import { FrameReader, frame, handshake } from './bare-socket.ts';
import { rest } from './figures.ts';

/** Part of a benchmark, in a process of its own: clients that come back with a cursor, all at once or one after another. */

export type ReturnersOrder = {
  readonly wsUrl: string;
  /** Null: from now. */
  readonly after: string | null;
  readonly count: number;
  /** How many events each has missed, and how many users they went to in turn. */
  readonly missed: number;
  readonly users: number;
  /** All at once, and they stay; else one after another, each leaving when it is caught up. */
  readonly isTogether: boolean;
};

/** `cursors`: where each was when it was caught up. `wrong`: how many did not get each event they had missed, once. */
export type ReturnersReport = {
  readonly tookMs: number;
  readonly cursors: readonly string[];
  readonly wrong: number;
};

const query =
  'subscription S($after: Cursor) { notificationReceived(after: $after) { cursor isLive edge { node { title } } } }';

/** `events`: the numbers in their titles. */
type Return = { readonly cursor: string; readonly events: readonly number[] };

const open = (wsUrl: string, n: number): Socket =>
  createConnection({ host: '127.0.0.1', port: Number(new URL(wsUrl).port), localAddress: `127.0.0.${1 + (n % 250)}` });

/** None or one. */
const eventIn = (text: string): readonly number[] => (/"title":"event (\d+)"/.exec(text)?.slice(1) ?? []).map(Number);

/** Of a payload that says it is live. */
const liveCursorIn = (text: string): string | undefined => /"cursor":"([^"]+)","isLive":true/.exec(text)?.[1];

/** Connects, resumes, and resolves at the payload that says it is live; null where the connection ended before. By hand, as `crowd.ts`. */
const attempt = ({ wsUrl, after, isTogether }: ReturnersOrder, n: number, token: string): Promise<Return | null> => {
  const socket = open(wsUrl, n);
  const subscribe = frame({ id: '1', type: 'subscribe', payload: { query, variables: { after } } });
  const init = frame({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  const reader = new FrameReader();
  const events: number[] = [];
  return new Promise((resolve) => {
    const take = (text: string): void => {
      if (text.includes('"connection_ack"')) socket.write(subscribe);
      events.push(...eventIn(text));
      const cursor = liveCursorIn(text);
      if (cursor === undefined) return;
      resolve({ cursor, events });
      if (!isTogether) socket.destroy();
    };
    socket.on('error', () => {});
    socket.on('close', () => resolve(null));
    socket.on('connect', () => socket.write(handshake));
    socket.on('data', (data) => {
      const { isOpen } = reader;
      for (const text of reader.read(data)) take(text);
      if (!isOpen && reader.isOpen) socket.write(init);
    });
  });
};

/** Where the machine is too busy for its handshake, a client tries again, as clients do. */
const resume = async (order: ReturnersOrder, n: number, token: string): Promise<Return> => {
  for (let attempts = 0; attempts < 10; attempts++) {
    const back = await attempt(order, n, token);
    if (back !== null) return back;
    await rest(500);
  }
  throw new Error('a client that came back was refused ten times');
};

const run = async (order: ReturnersOrder): Promise<ReturnersReport> => {
  const tokens = await Promise.all(Array.from({ length: order.count }, (_, n) => testToken(`user-${n}`)));
  const startedAt = performance.now();
  const returns: Return[] = [];
  if (order.isTogether) returns.push(...(await Promise.all(tokens.map((token, n) => resume(order, n, token)))));
  else for (const [n, token] of tokens.entries()) returns.push(await resume(order, n, token));
  const tookMs = performance.now() - startedAt;
  // Each event of theirs, once: event n is of user n modulo the number of users.
  const isWrong = ({ events }: Return, user: number): boolean =>
    events.length !== order.missed ||
    new Set(events).size !== order.missed ||
    events.some((event) => event % order.users !== user);
  return { tookMs, cursors: returns.map(({ cursor }) => cursor), wrong: returns.filter(isWrong).length };
};

process.on('message', (order: ReturnersOrder) => {
  void run(order).then((report) => process.send?.(report));
});
process.send?.('ready');
