import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { scratchFolder, startGateway } from '../test/support/gateway.ts';
import { testToken } from '../test/support/token.ts';
import { frame, handshake } from './bare-socket.ts';
import { report, rest, two } from './figures.ts';

/**
 * Clients that take nothing, while much is written for them: what each costs the node is what it is allowed to wait with, whatever is written. A
 * WebSocket and an event stream whose clients stop to read: their windows fill, and are zero from then on.
 */

const stalled = Number(process.env['CARILLON_BENCH_STALLED'] ?? 200);
const events = Number(process.env['CARILLON_BENCH_EVENTS'] ?? 50_000);
const eventBytes = 10_240;
/** Events before anybody comes. */
const early = 8_000;
/** What a client may have waiting: the outbox and one delivery beyond it, and what the socket holds. */
const allowedBytes = 262_144 + 65_536 + 2 * eventBytes;

const stream = 'subscription { notificationReceived { cursor edge { node { title body } } } }';

/** Comes back whenever it is closed, until `isOver`. Reads until its subscription runs, then never again. */
const stallSocket = (port: number, token: string, isOver: () => boolean): void => {
  const socket: Socket = connect({ port, host: '127.0.0.1', localAddress: addressOf(token) });
  socket.on('error', () => {});
  socket.on('close', () => void (isOver() || setTimeout(() => stallSocket(port, token, isOver), 1_000)));
  socket.on('connect', () => socket.write(handshake));
  socket.on('data', (data) => {
    if (data.includes('HTTP/1.1 101'))
      socket.write(frame({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    if (data.includes('"connection_ack"'))
      socket.write(frame({ type: 'subscribe', id: '1', payload: { query: stream } }));
    if (data.includes('"type":"next"')) socket.pause();
  });
};

const stallStream = (port: number, token: string, isOver: () => boolean): void => {
  const headers = {
    accept: 'text/event-stream',
    'content-type': 'application/json',
    authorization: `Bearer ${token}`,
  };
  const again = (): void => void (isOver() || setTimeout(() => stallStream(port, token, isOver), 1_000));
  const call = request({ port, path: '/graphql', method: 'POST', headers, host: '127.0.0.1' }, (response) => {
    response.once('data', () => response.pause());
    response.on('error', () => {});
    response.on('close', again);
  });
  call.on('error', again);
  call.end(JSON.stringify({ query: stream }));
};

/** Another loopback address for each few. */
const addressOf = (token: string): string =>
  `127.0.0.${1 + (Buffer.from(token).reduce((sum, byte) => sum + byte, 0) % 250)}`;

const publishAll = async (httpUrl: string, count: number): Promise<void> => {
  const token = await testToken('service', { scopes: ['notifications:publish', 'notifications:publish:everyone'] });
  const query =
    'mutation P($input: [PublishNotificationInput!]!) { publishNotifications(input: $input) { results { notificationId } } }';
  const body = 'x'.repeat(eventBytes - 300);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  for (let n = 0; n < count; n += 80) {
    const input = Array.from({ length: 80 }, (_, k) => ({
      audience: { everyone: true },
      content: { message: { title: `event ${n + k}`, body } },
    }));
    const response = await fetch(httpUrl, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables: { input } }),
    });
    const text = await response.text();
    if (text.includes('"errors"')) throw new Error(text.slice(0, 300));
  }
};

/** Until the node has read so many records: who comes before would get what is left. */
const untilRead = async (adminUrl: string, count: number): Promise<void> => {
  for (let read = 0; read < count; await rest(100)) {
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    read = Number(/^carillon_records_read_total (\d+)/m.exec(metrics)?.[1] ?? 0);
  }
};

const rssMiB = async (pid: number): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;

/** The largest of what `pid` takes, looked at each second while `task` runs. */
const peakOf = async (pid: number, task: () => Promise<void>): Promise<number> => {
  let peak = 0;
  let isOver = false;
  const looking = (async () => {
    while (!isOver) {
      peak = Math.max(peak, await rssMiB(pid));
      await rest(1_000);
    }
  })();
  await task();
  isOver = true;
  await looking;
  return peak;
};

const run = async (kind: 'none' | 'socket' | 'stream'): Promise<{ base: number; peak: number }> => {
  const folder = await scratchFolder();
  const gateway = await startGateway({
    CARILLON_DATA_DIR: folder.path,
    CARILLON_LOG_LEVEL: 'error',
    CARILLON_LIMIT_PUBLISHES_PER_SECOND: '100000',
    CARILLON_LIMIT_PUBLISH_BURST: '1000000',
  });
  const port = Number(new URL(gateway.httpUrl).port);
  // What a node has in memory anyway is full, and its code compiled.
  await publishAll(gateway.httpUrl, early);
  await untilRead(gateway.adminUrl, early);
  let isOver = false;
  const stall = kind === 'socket' ? stallSocket : stallStream;
  for (let n = 0; kind !== 'none' && n < stalled; n++) stall(port, await testToken(`stalled-${n}`), () => isOver);
  await rest(5_000);
  const base = await rssMiB(gateway.pid);
  const peak = await peakOf(gateway.pid, () => publishAll(gateway.httpUrl, events));
  isOver = true;
  await gateway.end('SIGKILL');
  await folder.remove();
  return { base, peak };
};

export const stalls = async (): Promise<void> => {
  const without = await run('none');
  const allowedMiB = (stalled * allowedBytes) / 1_048_576;
  const rows: [string, string][] = [
    ['without stalled clients', `${two(without.base)} MiB, at most ${two(without.peak)} MiB meanwhile`],
  ];
  for (const kind of ['socket', 'stream'] as const) {
    const { base, peak } = await run(kind);
    // Not less what it had before: how much garbage a node has in a quiet moment is chance.
    const over = peak - without.peak;
    rows.push([
      `${stalled} stalled, ${kind}`,
      `${two(base)} MiB, at most ${two(peak)} MiB: ${two(over)} MiB above what the same costs without them, ${two(over / allowedMiB)} of what they may have waiting`,
    ]);
  }
  report(`stalled: ${events} events of ${eventBytes} bytes for everyone, ${two(allowedMiB)} MiB may wait in all`, rows);
};
