import { median } from '../figures.ts';
import type { Traces } from '../sides/side.ts';
import { startRig } from './rig.ts';

/**
 * What tracing costs where nothing is sampled: events with an exporter and a sampler that says no, and events without traces, in turns. They share
 * process, sockets, clients and the same seconds: two processes of the same code, and two rounds of one process, differ by more than this.
 */

export type TracingFigures = {
  /** Microseconds of processor per delivery; values of one index were measured in turn. */
  readonly unsampledUs: readonly number[];
  readonly noneUs: readonly number[];
  /** The middle of the ratios, less one. */
  readonly overhead: number;
};

/** Neither side comes always first, and what grows or shrinks steadily falls on both alike. */
const turn: readonly Traces[] = ['unsampled', 'none', 'none', 'unsampled'];
const edge: readonly Traces[] = ['none'];
const turnsPerRound = 10;
/** No part of the five seconds between two markers of a connection: else they would always fall on the same of the two. */
const intervalMs = 240;

/** Measures `rounds` of ten seconds, with ten turns each. */
export const measureTracing = async (sockets: number, rounds: number): Promise<TracingFigures> => {
  const rig = await startRig('carillon', { sockets, settings: { hasTraceSwitch: true } });
  const unsampledUs: number[] = [];
  const noneUs: number[] = [];
  try {
    await rig.open(sockets);
    await rig.round({ ticks: 20, intervalMs: 100 });
    for (let n = 0; n < rounds; n++) {
      // What comes before and after the round falls on ticks that do not count.
      const traces = [...edge, ...Array.from({ length: turnsPerRound }, () => turn).flat(), ...edge];
      const { ticksCpuUs } = await rig.round({ ticks: traces.length, intervalMs, traces });
      for (let at = edge.length; at < traces.length - edge.length; at += turn.length) {
        const [first = 0, second = 0, third = 0, fourth = 0] = ticksCpuUs.slice(at, at + turn.length);
        unsampledUs.push((first + fourth) / 2);
        noneUs.push((second + third) / 2);
      }
    }
  } finally {
    await rig.stop();
  }
  const ratios = unsampledUs.map((us, n) => us / (noneUs[n] ?? Number.NaN));
  return { unsampledUs, noneUs, overhead: median(ratios) - 1 };
};
