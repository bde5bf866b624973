import { median } from '../figures.ts';
import { type Rig, startRig } from './rig.ts';

/** What tracing costs where nothing is sampled: a gateway with an exporter and a sampler that says no, against one without traces, in turns. */

export type TracingFigures = {
  /** Microseconds of processor per delivery; values of one index were measured in turn. */
  readonly unsampledUs: readonly number[];
  readonly noneUs: readonly number[];
  /** The middle of the ratios, less one. */
  readonly overhead: number;
};

const ticks = 8;

const cpuOf = async (rig: Rig): Promise<number> => {
  await rig.round({ ticks: 2 });
  return (await rig.round({ ticks })).cpuUs;
};

type Traces = 'unsampled' | 'none';
type Pair = Readonly<Record<Traces, number>>;

/** One process for each, and `count` pairs of rounds; which is started and measured first changes. */
const measurePairs = async (sockets: number, count: number, order: readonly Traces[]): Promise<readonly Pair[]> => {
  const rigs = new Map<Traces, Rig>();
  try {
    for (const traces of order) rigs.set(traces, await startRig('carillon', { sockets, settings: { traces } }));
    for (const rig of rigs.values()) {
      await rig.open(sockets);
      await rig.round({ ticks: 20, intervalMs: 100 });
    }
    const pairs: Pair[] = [];
    for (let n = 0; n < count; n++) {
      const pair: Record<Traces, number> = { unsampled: 0, none: 0 };
      for (const [traces, rig] of n % 2 === 0 ? rigs : [...rigs].reverse()) pair[traces] = await cpuOf(rig);
      pairs.push(pair);
    }
    return pairs;
  } finally {
    for (const rig of rigs.values()) await rig.stop();
  }
};

/** Pairs of rounds per pair of processes: two of the same code differ by some per cent for as long as they live. */
const pairsEach = 4;

/** Measures `pairs` of rounds in all, in several processes of each kind. */
export const measureTracing = async (sockets: number, pairs: number): Promise<TracingFigures> => {
  const figures: Pair[] = [];
  const processes = Math.ceil(pairs / pairsEach);
  for (let n = 0; n < processes; n++) {
    const order: readonly Traces[] = n % 2 === 0 ? ['unsampled', 'none'] : ['none', 'unsampled'];
    figures.push(...(await measurePairs(sockets, pairsEach, order)));
  }
  return {
    unsampledUs: figures.map(({ unsampled }) => unsampled),
    noneUs: figures.map(({ none }) => none),
    overhead: median(figures.map(({ unsampled, none }) => unsampled / none)) - 1,
  };
};
