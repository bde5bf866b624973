import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { systemClock } from '../src/clock.ts';
import { type Audience, isUserId } from '../src/event.ts';
import { createEmbeddedStore, createRecordCodec } from '../src/log/index.ts';
import { silentLogger } from '../src/telemetry/logger.ts';
import { type GatewayProcess, scratchFolder, snapshotOf, startGateway } from '../test/support/gateway.ts';
import { testToken } from '../test/support/token.ts';
import { startEstablished } from './established.ts';
import { quantile, report, rest, two } from './figures.ts';

/**
 * Somebody was away while very much was written, hardly anything of it theirs. Measured is what it costs them and the node to come back, once the
 * node knows its log; beside it, the same on a node that does not know it yet and has to read it all.
 */

const records = Number(process.env['CARILLON_BENCH_RECORDS'] ?? 1_000_000);
const own = 5;
const returners = 200;
const query =
  'subscription S($after: Cursor) { notificationReceived(after: $after) { cursor isLive edge { node { title } } } }';

type Step = {
  readonly cursor: string;
  readonly isLive: boolean;
  readonly edge: { readonly node: { readonly title: string } } | null;
};
type Message = {
  readonly type: string;
  readonly payload?: { readonly data?: { readonly notificationReceived: Step } };
};
type Return = { readonly cursor: string; readonly titles: readonly string[]; readonly ms: number };

/** Connects, resumes, and resolves when a payload says that it is live. */
const comeBack = async (wsUrl: string, user: string, after: string | null): Promise<Return> => {
  const token = await testToken(user);
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { perMessageDeflate: false });
  const send = (message: unknown): void => socket.send(JSON.stringify(message));
  const titles: string[] = [];
  let begunAt = 0;
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    const take = ({ cursor, isLive, edge }: Step): void => {
      if (edge !== null) titles.push(edge.node.title);
      if (!isLive) return;
      socket.terminate();
      resolve({ cursor, titles, ms: performance.now() - begunAt });
    };
    const answers: Readonly<Record<string, (message: Message) => void>> = {
      ping: (message) => send({ ...message, type: 'pong' }),
      connection_ack() {
        begunAt = performance.now();
        send({ id: '1', type: 'subscribe', payload: { query, variables: { after } } });
      },
      next({ payload }) {
        if (payload?.data !== undefined) take(payload.data.notificationReceived);
      },
    };
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Message;
      answers[message.type]?.(message);
    });
  });
};

const nobodys = (n: number): string => `somebody-${n % 100_000}`;
const returner = (n: number): string => `returner-${n}`;

/** Whom the record at `n` of `records` is for: at even distances each who comes back, else somebody else. */
const addressee = (n: number): string => {
  const every = Math.floor(records / (own * (returners + 1)));
  const turn = Math.floor(n / every);
  const isOwn = n % every === every - 1 && turn < own * (returners + 1);
  return isOwn ? returner(turn % (returners + 1)) : nobodys(n);
};

const userOf = (name: string): Audience => {
  if (!isUserId(name)) throw new Error(`${name} is no user id`);
  return { kind: 'user', userId: name };
};

/** Writes them as services do that have the log itself, straight into the data folder. */
const write = async (dataDir: string): Promise<void> => {
  const limits = { partitionCount: 12, retentionMs: 86_400_000, retentionBytes: 2 ** 40 };
  const store = await createEmbeddedStore({ dataDir, ...limits }, { clock: systemClock, logger: silentLogger });
  const log = store.log(['notifications']);
  await log.open();
  const { encode } = createRecordCodec({
    content: { read: () => ({ ok: false, code: 'unknown_type', detail: '' }) },
    defaultType: 'message',
    clock: systemClock,
    fingerprintOf: () => '',
  });
  const record = (n: number) =>
    encode({
      source: '/bench',
      ceId: String(n),
      type: 'message',
      audience: userOf(addressee(n)),
      createdAtMs: Date.now(),
      expiresAtMs: null,
      title: `event ${n}`,
      value: { title: `event ${n}`, body: 'x'.repeat(100) },
      traceparent: null,
      tracestate: null,
    });
  for (let n = 0; n < records; n += 2_000) {
    const count = Math.min(2_000, records - n);
    const results = await log.append(Array.from({ length: count }, (_, k) => record(n + k)));
    if (results.some(({ ok }) => !ok)) throw new Error('the log refused a record');
  }
  await log.close();
  await store.close();
};

/** Milliseconds of processor that a process has used, all its threads together. */
const cpuMs = async (pid: number): Promise<number> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

const knownBlocks = async (gateway: GatewayProcess): Promise<number> =>
  ((await snapshotOf(gateway)) as unknown as { readonly knownBlocks: number }).knownBlocks;

/** Resolves when the node knows its log, but for what is in memory anyway. */
const untilKnown = async (gateway: GatewayProcess): Promise<void> => {
  while ((await knownBlocks(gateway)) < Math.floor(records / 1_024) - 24) await rest(1_000);
};

export const behind = async (): Promise<void> => {
  const folder = await scratchFolder();
  const settings = {
    CARILLON_DATA_DIR: folder.path,
    CARILLON_LOG_LEVEL: 'error',
    CARILLON_RETENTION_BYTES: '1024GiB',
    CARILLON_LIMIT_UPGRADES_PER_SECOND: '100000',
  };
  const first = await startGateway(settings);
  const { cursor } = await comeBack(first.wsUrl, 'before', null);
  await first.end();
  await write(folder.path);
  const unknowing = await startGateway(settings);
  const reading = records > 1_000_000 ? null : await comeBack(unknowing.wsUrl, returner(0), cursor);
  await untilKnown(unknowing);
  await unknowing.end();

  const gateway = await startGateway(settings);
  await rest(5_000);
  const known = await knownBlocks(gateway);
  // What is compiled by the first who comes is not what is measured.
  await comeBack(gateway.wsUrl, returner(1), cursor);
  const cpuBefore = await cpuMs(gateway.pid);
  const one = await comeBack(gateway.wsUrl, returner(0), cursor);
  const cpu = (await cpuMs(gateway.pid)) - cpuBefore;

  const established = await startEstablished(gateway, { count: 200, perSecond: 100 });
  await rest(5_000);
  established.take();
  await rest(15_000);
  const before = established.take();
  const times: number[] = [];
  for (let n = 1; n <= returners; n++) {
    const back = await comeBack(gateway.wsUrl, returner(n), cursor);
    if (back.titles.length !== own) throw new Error(`${returner(n)} got ${back.titles.length} of ${own}`);
    times.push(back.ms);
  }
  const during = established.take();
  const [quiet, busy] = [quantile(before, 0.99), quantile(during, 0.99)];
  report(`behind: ${records} records behind in 12 partitions, ${own} of them one's own`, [
    ['read by a node that has just started', reading === null ? 'not measured' : `${two(reading.ms / 1_000)} s`],
    [
      'a node that knows its log',
      `${two(one.ms / 1_000)} s, ${two(cpu / 1_000)} s of processor, ${one.titles.length} of ${own}`,
    ],
    ['ratio', reading === null ? '-' : two(one.ms / reading.ms)],
    ['blocks known after a restart', `${known} of ${Math.floor(records / 1_024)}`],
    [
      `${returners} such, one after another`,
      `p50 ${two(quantile(times, 0.5))} ms, slowest ${two(Math.max(...times))} ms`,
    ],
    [
      "the others' p99, before / meanwhile",
      `${two(quiet)} / ${two(busy)} ms (${before.length} / ${during.length} events)`,
    ],
  ]);
  await established.stop();
  await gateway.end();
  await folder.remove();
};
