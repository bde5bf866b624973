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

/** Measures `pairs` of rounds; which side is first changes with each. */
export const measureTracing = async (sockets: number, pairs: number): Promise<TracingFigures> => {
  const rigs: Rig[] = [];
  try {
    const unsampled = await startRig('carillon', { sockets, settings: { traces: 'unsampled' } });
    rigs.push(unsampled);
    const none = await startRig('carillon', { sockets, settings: { traces: 'none' } });
    rigs.push(none);
    for (const rig of rigs) {
      await rig.open(sockets);
      await rig.round({ ticks: 20, intervalMs: 100 });
    }
    const figures: { unsampledUs: number; noneUs: number }[] = [];
    for (let n = 0; n < pairs; n++) {
      if (n % 2 === 0) figures.push({ unsampledUs: await cpuOf(unsampled), noneUs: await cpuOf(none) });
      else {
        const noneUs = await cpuOf(none);
        figures.push({ unsampledUs: await cpuOf(unsampled), noneUs });
      }
    }
    return {
      unsampledUs: figures.map(({ unsampledUs }) => unsampledUs),
      noneUs: figures.map(({ noneUs }) => noneUs),
      overhead: median(figures.map(({ unsampledUs, noneUs }) => unsampledUs / noneUs)) - 1,
    };
  } finally {
    for (const rig of rigs) await rig.stop();
  }
};
