import { median } from '../figures.ts';
import type { Traces } from '../sides/side.ts';
import { startRig } from './rig.ts';

/**
 * What tracing costs where nothing is sampled: rounds with an exporter and a sampler that says no, and rounds without traces, in turns. They share
 * process, sockets and clients: two processes of the same code differ by more than this for as long as they live.
 */

export type TracingFigures = {
  /** Microseconds of processor per delivery; values of one index were measured in turn. */
  readonly unsampledUs: readonly number[];
  readonly noneUs: readonly number[];
  /** The middle of the ratios, less one. */
  readonly overhead: number;
};

/** With the two before them five seconds: each connection gets one marker in that time, so that no round has more of them than another. */
const ticks = 18;

/** Measures `pairs` of rounds; which of a pair comes first changes. */
export const measureTracing = async (sockets: number, pairs: number): Promise<TracingFigures> => {
  const rig = await startRig('carillon', { sockets, settings: { hasTraceSwitch: true } });
  const figures: Record<Traces, number[]> = { unsampled: [], none: [] };
  const measure = async (traces: Traces): Promise<void> => {
    await rig.side.traces(traces);
    await rig.round({ ticks: 2 });
    figures[traces].push((await rig.round({ ticks })).cpuUs);
  };
  try {
    await rig.open(sockets);
    await rig.round({ ticks: 20, intervalMs: 100 });
    for (let n = 0; n < pairs; n++) {
      const order: readonly Traces[] = n % 2 === 0 ? ['unsampled', 'none'] : ['none', 'unsampled'];
      for (const traces of order) await measure(traces);
    }
  } finally {
    await rig.stop();
  }
  const ratios = figures.unsampled.map((us, n) => us / (figures.none[n] ?? Number.NaN));
  return { unsampledUs: figures.unsampled, noneUs: figures.none, overhead: median(ratios) - 1 };
};
