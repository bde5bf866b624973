import { WebSocket } from 'ws';
import { testToken } from '../test/support/token.ts';
import { rest } from './figures.ts';

/** Part of a benchmark, in a process of its own: clients that come back with a cursor, all at once or one after another. */

export type ReturnersOrder = {
  readonly wsUrl: string;
  /** Null: from now. */
  readonly after: string | null;
  readonly count: number;
  /** All at once, and they stay; else one after another, each leaving when it is caught up. */
  readonly isTogether: boolean;
};

/** `cursors`: where each was when it was caught up. */
export type ReturnersReport = { readonly tookMs: number; readonly cursors: readonly string[] };

const query =
  'subscription S($after: Cursor) { notificationReceived(after: $after) { cursor isLive edge { node { id } } } }';

type Step = { readonly cursor: string; readonly isLive: boolean };
type Message = {
  readonly type: string;
  readonly payload?: { readonly data?: { readonly notificationReceived: Step } };
};

/** Connects, resumes, and resolves with the cursor of the payload that says it is live; null where the connection ended before. */
const attempt = ({ wsUrl, after, isTogether }: ReturnersOrder, n: number, token: string): Promise<string | null> => {
  const localAddress = `127.0.0.${1 + (n % 250)}`;
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { perMessageDeflate: false, localAddress });
  const send = (message: unknown): void => socket.send(JSON.stringify(message));
  const init = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } };
  const subscribe = { id: '1', type: 'subscribe', payload: { query, variables: { after } } };
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => resolve(null));
    socket.on('open', () => send(init));
    socket.on('message', (data) => {
      const { type, payload } = JSON.parse(String(data)) as Message;
      if (type === 'connection_ack') send(subscribe);
      const step = payload?.data?.notificationReceived;
      if (step?.isLive !== true) return;
      resolve(step.cursor);
      if (!isTogether) socket.terminate();
    });
  });
};

/** Where the machine is too busy for its handshake, a client tries again, as clients do. */
const resume = async (order: ReturnersOrder, n: number, token: string): Promise<string> => {
  for (let attempts = 0; attempts < 10; attempts++) {
    const cursor = await attempt(order, n, token);
    if (cursor !== null) return cursor;
    await rest(500);
  }
  throw new Error('a client that came back was refused ten times');
};

const run = async (order: ReturnersOrder): Promise<ReturnersReport> => {
  const tokens = await Promise.all(Array.from({ length: order.count }, (_, n) => testToken(`user-${n}`)));
  const startedAt = performance.now();
  const cursors: string[] = [];
  if (order.isTogether) cursors.push(...(await Promise.all(tokens.map((token, n) => resume(order, n, token)))));
  else for (const [n, token] of tokens.entries()) cursors.push(await resume(order, n, token));
  return { tookMs: performance.now() - startedAt, cursors };
};

process.on('message', (order: ReturnersOrder) => {
  void run(order).then((report) => process.send?.(report));
});
process.send?.('ready');
