import { WebSocket } from 'ws';
import { testToken } from '../test/support/token.ts';

/**
 * Part of a benchmark, in a process of its own: opens many sockets at once, each its own user with one subscription, from many loopback addresses as
 * if they were as many clients. Told by its parent what to do; tells how it went.
 */

export type CrowdOrder = {
  readonly wsUrl: string;
  readonly count: number;
  readonly prefix: string;
};

/** `codes`: close codes that were seen on the way in; `refused`: handshakes that failed and were made again. */
export type CrowdReport = {
  readonly inMs: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly codes: Readonly<Record<string, number>>;
};

const query = 'subscription { notificationReceived { cursor edge { node { title } } } }';
const addresses = 250;

/** Waits a little more after each failure, with jitter, as clients do. */
const pause = (attempt: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, (100 * 2 ** attempt + Math.random() * 200) % 5_000));

type Outcome = { readonly ok: boolean; readonly code: number };

/** One connection; resolves with `ok` at the first payload of its subscription. */
const join = (order: CrowdOrder, n: number, token: string): Promise<Outcome> =>
  new Promise((resolve) => {
    const socket = new WebSocket(order.wsUrl, 'graphql-transport-ws', {
      perMessageDeflate: false,
      localAddress: `127.0.0.${1 + (n % addresses)}`,
    });
    const send = (message: unknown): void => socket.send(JSON.stringify(message));
    socket.on('error', () => {});
    socket.on('close', (code) => resolve({ ok: false, code }));
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    socket.on('message', (data) => {
      const text = String(data);
      if (text.includes('"connection_ack"')) send({ type: 'subscribe', id: '1', payload: { query } });
      else if (text.includes('"type":"ping"')) send({ ...JSON.parse(text), type: 'pong' });
      else if (text.includes('"type":"next"')) resolve({ ok: true, code: 0 });
    });
  });

const run = async (order: CrowdOrder): Promise<CrowdReport> => {
  const tokens = await Promise.all(Array.from({ length: order.count }, (_, n) => testToken(`${order.prefix}-${n}`)));
  const codes: Record<string, number> = {};
  let refused = 0;
  const startedAt = performance.now();
  const one = async (token: string, n: number): Promise<number> => {
    for (let attempt = 0; attempt < 10; attempt++) {
      const { ok, code } = await join(order, n, token);
      if (ok) return 1;
      if (code === 1006) refused += 1;
      else codes[code] = (codes[code] ?? 0) + 1;
      await pause(attempt);
    }
    return 0;
  };
  const acknowledged = await Promise.all(tokens.map(one));
  return {
    inMs: performance.now() - startedAt,
    acknowledged: acknowledged.reduce((sum, each) => sum + each, 0),
    refused,
    codes,
  };
};

process.on('message', (order: CrowdOrder) => {
  void run(order).then((report) => process.send?.(report));
});
process.send?.('ready');
