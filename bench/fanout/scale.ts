import { parseArgs } from 'node:util';
import { median, report, two } from '../figures.ts';
import { type Rig, startRig } from './rig.ts';

/** How the cost of a delivery grows: with sockets, subscribers per event, the size of events, partitions, events per second. One thing moves at a time. */

/** One row: what was moved, microseconds of processor per delivery, and what else is to be seen. */
type Row = { readonly at: string; readonly cpuUs: number; readonly cUs: number | null; readonly lastMs: number };

const rounds = 3;

type Shape = {
  readonly ticks: number;
  readonly intervalMs?: number;
  readonly bytes?: number;
  readonly withLoop?: boolean;
};

const measureRig = async (rig: Rig, { withLoop = true, ...shape }: Shape): Promise<Omit<Row, 'at'>> => {
  await rig.round({ ...shape, ticks: 6 });
  const own: Awaited<ReturnType<Rig['round']>>[] = [];
  const c: number[] = [];
  for (let n = 0; n < rounds; n++) {
    own.push(await rig.round(shape));
    if (withLoop) c.push((await rig.loop(shape)).cpuUs);
  }
  return {
    cpuUs: median(own.map(({ cpuUs }) => cpuUs)),
    cUs: withLoop ? median(c) : null,
    lastMs: median(own.flatMap(({ lastMs }) => lastMs)),
  };
};

const withRig = async <Result>(
  sockets: number,
  settings: Readonly<Record<string, unknown>>,
  task: (rig: Rig) => Promise<Result>,
): Promise<Result> => {
  const rig = await startRig('carillon', { sockets, settings: { loop: true, ...settings } });
  try {
    await rig.open(sockets);
    return await task(rig);
  } finally {
    await rig.stop();
  }
};

const bySockets = async (): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for (const sockets of [100, 1_000, 4_000, 16_000]) {
    const figures = await withRig(sockets, {}, (rig) => measureRig(rig, { ticks: 12 }));
    rows.push({ at: `${sockets}`, ...figures });
  }
  return rows;
};

/** Deliveries in a tick, whatever the group's size, where there are as many. */
const perTick = 2_000;
const groupTicks = 10;

/** Events for groups in turn, of whom each has numbers of its own. */
const groupRound = async (rig: Rig, size: number, last: number[]): Promise<Omit<Row, 'at'>> => {
  const groups = Math.floor(rig.sockets / size);
  const perGroup = Math.max(1, Math.floor(perTick / size));
  let next = 0;
  const ticks = Array.from({ length: groupTicks }, () =>
    Array.from({ length: perGroup }, () => {
      const group = next++ % groups;
      last[group] = (last[group] ?? 0) + 1;
      return { sequence: last[group], bytes: 52, target: { group } };
    }),
  );
  const deliveries = groupTicks * perGroup * size;
  const { cpuUs, lastMs } = await rig.send(ticks, { intervalMs: 250, deliveries });
  return { cpuUs, cUs: null, lastMs: median(lastMs) };
};

const bySubscribers = async (sockets: number): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for (const size of [1, 10, 100, 1_000, sockets]) {
    const rig = await startRig('carillon', { sockets, withGroups: true });
    try {
      await rig.open(sockets, { group: size });
      const last: number[] = [];
      await groupRound(rig, size, last);
      const results: Omit<Row, 'at'>[] = [];
      for (let n = 0; n < rounds; n++) results.push(await groupRound(rig, size, last));
      const middle = (of: (row: Omit<Row, 'at'>) => number): number => median(results.map(of));
      rows.push({ at: `${size}`, cpuUs: middle(({ cpuUs }) => cpuUs), cUs: null, lastMs: middle((row) => row.lastMs) });
    } finally {
      await rig.stop();
    }
  }
  return rows;
};

const bySize = (): Promise<readonly Row[]> =>
  withRig(500, {}, async (rig) => {
    const rows: Row[] = [];
    for (const bytes of [200, 1_024, 4_096, 16_384, 65_536]) {
      // Larger ones do not fit a socket at once: the C loop has no queue.
      const figures = await measureRig(rig, { ticks: 10, bytes, withLoop: bytes <= 16_384 });
      rows.push({ at: `${bytes} B`, ...figures });
    }
    return rows;
  });

const byPartitions = async (): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for (const partitions of [1, 12, 64]) {
    const figures = await withRig(2_000, { partitions }, (rig) => measureRig(rig, { ticks: 12 }));
    rows.push({ at: `${partitions}`, ...figures });
  }
  return rows;
};

const byRate = (): Promise<readonly Row[]> =>
  withRig(500, {}, async (rig) => {
    const rows: Row[] = [];
    for (const perSecond of [1, 4, 20, 100]) {
      const figures = await measureRig(rig, { ticks: Math.max(8, perSecond * 2), intervalMs: 1_000 / perSecond });
      rows.push({ at: `${perSecond}/s`, ...figures });
    }
    return rows;
  });

const show = (title: string, rows: readonly Row[]): void =>
  report(
    title,
    rows.map(({ at, cpuUs, cUs, lastMs }): readonly [string, string] => [
      at,
      `${two(cpuUs)} us${cUs === null ? '' : `, ${two(cpuUs / cUs)} of C (${two(cUs)} us)`}, last p50 ${two(lastMs)} ms`,
    ]),
  );

const dimensions: Readonly<Record<string, (most: number) => Promise<void>>> = {
  sockets: async () => show('scale: sockets, one event to all of them', await bySockets()),
  subscribers: async (most) => show(`scale: subscribers per event, of ${most} sockets`, await bySubscribers(most)),
  size: async () => show('scale: size of the body, 500 sockets', await bySize()),
  partitions: async () => show('scale: partitions, 2,000 sockets', await byPartitions()),
  rate: async () => show('scale: events per second to each of 500 sockets', await byRate()),
};

/** `npm run bench -- scale [--only sockets,subscribers,size,partitions,rate] [--most 16000]`: processor per delivery; `--most` sockets where subscribers are counted. */
export const scale = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: Object.keys(dimensions).join(',') },
      most: { type: 'string', default: '16000' },
    },
  });
  for (const name of values.only.split(',')) {
    const dimension = dimensions[name];
    if (dimension === undefined) throw new Error(`--only ${name}: there are ${Object.keys(dimensions).join(', ')}`);
    await dimension(Number(values.most));
  }
};
