import { createConnection } from 'node:net';
import { testToken } from '../test/support/token.ts';
import { frame, handshake } from './bare-socket.ts';

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

const subscribing = frame({ type: 'subscribe', id: '1', payload: { query } });

type Outcome = { readonly ok: boolean; readonly code: number };

/** The close code in what the gateway sent last; 1006 where there is none. */
const closeCode = (data: Buffer): number => (data[0] === 0x88 && data.length >= 4 ? data.readUInt16BE(2) : 1006);

/**
 * One connection, by hand, since a client library would take more of the processor than what is measured; resolves with `ok` at the first payload of
 * its subscription.
 */
const join = (order: CrowdOrder, n: number, token: string): Promise<Outcome> =>
  new Promise((resolve) => {
    const socket = createConnection({
      host: '127.0.0.1',
      port: Number(new URL(order.wsUrl).port),
      localAddress: `127.0.0.${1 + (n % addresses)}`,
    });
    let last: Buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => resolve({ ok: false, code: closeCode(last) }));
    socket.on('connect', () => socket.write(handshake));
    socket.on('data', (data) => {
      last = data;
      if (data.includes('HTTP/1.1 101'))
        socket.write(frame({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
      if (data.includes('"connection_ack"')) socket.write(subscribing);
      if (data.includes('"type":"next"')) resolve({ ok: true, code: 0 });
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
