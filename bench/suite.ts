import { startSharedKafka } from '../test/support/kafka-host.ts';
import { createTopics } from '../test/support/kafka-producer.ts';
import { type FanoutFigures, measureFanout, type PeerStart, ratioOf, type ShapeFigures } from './fanout/fanout.ts';
import { type MemoryFigures, measureMemory } from './fanout/memory.ts';
import { measureSubscribe, type SubscribeFigures } from './fanout/subscribe.ts';
import { measureTracing, type TracingFigures } from './fanout/tracing.ts';
import { median, quantile } from './figures.ts';
import { type Machine, thisMachine, versions } from './machine.ts';
import { measureResume, type ResumeFigures } from './resume.ts';
import { whyNoCentrifugo } from './sides/centrifugo-binary.ts';

/**
 * All that has a budget, in one run: what `npm run bench` prints and `-- --json` gives. A side that loses an event makes it reject; a side that cannot
 * be had leaves its ratios null, with the reason.
 */

export type SuiteOptions = {
  /** Under eight minutes on two cores; leaves out the naive stack, builds nothing, and takes fewer rounds of what is not in a budget. */
  readonly quick: boolean;
  /** Told of each step. */
  readonly progress: (step: string) => void;
};

export type RatioName =
  | 'fanout.cpu/c'
  | 'fanoutBare.cpu/c'
  | 'burst8.cpu/c'
  | 'burst8.cpu/stock'
  | 'fanout.last/stock'
  | 'fanout.loopLagP99Ms'
  | 'memory.rss/stock'
  | 'memory.rssKB'
  | 'subscribe.cpu/stock'
  | 'resume1000/oneByOne'
  | 'tracingOff.overhead'
  | 'fanout.cpu/centrifugo'
  | 'memory.rss/centrifugo';

/** What was measured, before it becomes ratios. `missing`: what could not be measured, and why. */
export type SuiteFigures = {
  readonly fanout: FanoutFigures;
  readonly fanoutLog: FanoutFigures;
  readonly memory: MemoryFigures;
  readonly subscribe: SubscribeFigures;
  readonly tracing: TracingFigures;
  readonly resume: ResumeFigures;
  readonly missing: Readonly<Record<string, string>>;
};

export type SuiteResult = {
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string | null>>;
  readonly ratios: Readonly<Record<RatioName, number | null>>;
  readonly raw: SuiteFigures;
};

const sockets = 5_000;
const memorySockets = 10_000;

type Peers = { readonly peers: readonly PeerStart[]; readonly missing: Record<string, string>; stop(): Promise<void> };

/** Who takes part; a broker for the naive stack. */
const findPeers = async ({ quick }: SuiteOptions): Promise<Peers> => {
  const missing: Record<string, string> = {};
  const peers: PeerStart[] = [{ name: 'stock' }];
  const reason = await whyNoCentrifugo({ mayBuild: !quick });
  if (reason === null) peers.push({ name: 'centrifugo' });
  else missing['centrifugo'] = reason;
  if (quick) {
    missing['naive'] = 'left out with --quick';
    return { peers, missing, stop: async () => {} };
  }
  try {
    const kafka = await startSharedKafka();
    const topic = `bench.${process.pid}`;
    await createTopics(kafka.brokers, [{ topic, partitions: 1 }]);
    peers.push({ name: 'naive', settings: { brokers: kafka.brokers, topic } });
    return { peers, missing, stop: () => kafka.stop() };
  } catch (error) {
    missing['naive'] = error instanceof Error ? error.message : String(error);
    return { peers, missing, stop: async () => {} };
  }
};

const measure = async (options: SuiteOptions): Promise<SuiteFigures> => {
  const { quick, progress } = options;
  progress(`who takes part${quick ? '' : ' (centrifugo is built the first time: some minutes)'}`);
  const { peers, missing, stop } = await findPeers(options);
  try {
    progress(`fan-out to ${sockets} sockets: carillon, C loop, ${peers.map(({ name }) => name).join(', ')}`);
    const fanout = await measureFanout({ sockets, rounds: 5, peers });
    progress('fan-out, published by the mutation and read from the log');
    const fanoutLog = await measureFanout({ sockets, rounds: quick ? 3 : 5, settings: { log: 'embedded' }, peers: [] });
    progress(`memory of ${memorySockets} connections`);
    const others = peers.some(({ name }) => name === 'centrifugo') ? (['centrifugo'] as const) : [];
    const memory = await measureMemory(['carillon', 'stock', 'stockCached', ...others], memorySockets);
    progress('connect, init and subscribe');
    const subscribe = await measureSubscribe(5, quick ? 400 : 1_000);
    progress('unsampled tracing');
    const tracing = await measureTracing(2_000, quick ? 6 : 12);
    progress('1,000 clients come back at once');
    const resume = await measureResume({ withOthers: !quick });
    return { fanout, fanoutLog, memory, subscribe, tracing, resume, missing };
  } finally {
    await stop();
  }
};

const orNull = (value: number | undefined): number | null =>
  value === undefined || Number.isNaN(value) ? null : Number(value.toPrecision(4));

const cpuRatio = (shape: ShapeFigures | undefined, to: 'c' | 'stock' | 'centrifugo'): number =>
  ratioOf(shape?.sides.get('carillon')?.cpuUs ?? [], shape?.sides.get(to)?.cpuUs);

/** The ratios that have budgets. */
export const ratiosOf = (figures: SuiteFigures): Readonly<Record<RatioName, number | null>> => {
  const { fanout, memory, subscribe, tracing, resume } = figures;
  const single = fanout.shapes.get('single');
  const burst8 = fanout.shapes.get('burst8');
  const last = (side: 'carillon' | 'stock'): number => quantile(single?.sides.get(side)?.lastMs ?? [], 0.5);
  const rss = memory.rssKiB;
  const own = rss.get('carillon') ?? Number.NaN;
  return {
    'fanout.cpu/c': orNull(cpuRatio(single, 'c')),
    'fanoutBare.cpu/c': orNull(ratioOf(single?.bareUs ?? [], single?.sides.get('c')?.cpuUs)),
    'burst8.cpu/c': orNull(cpuRatio(burst8, 'c')),
    'burst8.cpu/stock': orNull(cpuRatio(burst8, 'stock')),
    'fanout.last/stock': orNull(last('carillon') / last('stock')),
    'fanout.loopLagP99Ms': orNull(fanout.turnP99Ms.wall),
    'memory.rss/stock': orNull(own / (rss.get('stock') ?? Number.NaN)),
    'memory.rssKB': orNull(own),
    'subscribe.cpu/stock': orNull(ratioOf(subscribe.get('carillon') ?? [], subscribe.get('stock'))),
    'resume1000/oneByOne': orNull(resume.ratio),
    'tracingOff.overhead': orNull(tracing.overhead),
    'fanout.cpu/centrifugo': orNull(cpuRatio(single, 'centrifugo')),
    'memory.rss/centrifugo': orNull(own / (rss.get('centrifugo') ?? Number.NaN)),
  };
};

/** Runs it all. */
export const runSuite = async (options: SuiteOptions): Promise<SuiteResult> => {
  const machine = thisMachine();
  const raw = await measure(options);
  return { machine, versions: { ...(await versions()), ...raw.fanout.versions }, ratios: ratiosOf(raw), raw };
};

/** Maps become objects; long lists of times become their quantiles; numbers four digits. */
export const asJson = (result: SuiteResult): string =>
  JSON.stringify(
    result,
    (key, value: unknown) => {
      if (value instanceof Map) return Object.fromEntries(value);
      if (typeof value === 'number') return Number.isFinite(value) ? Number(value.toPrecision(6)) : null;
      const isTimes = ['lastMs', 'quiet', 'busy'].includes(key) && Array.isArray(value);
      if (!isTimes) return value;
      const times = value as number[];
      return { p50: median(times), p99: quantile(times, 0.99), most: Math.max(...times), count: times.length };
    },
    2,
  );
