import type { TraceContext } from '../event.ts';
import type { SamplerSettings } from './trace-settings.ts';

/**
 * Whether a trace is sampled, decided before anything is allocated for it. The SDK's own samplers are asked after a span context is made,
 * which costs microseconds per record; this is one test of a flag, or one random number.
 */
export type Sampling = {
  /** Whether to trace what belongs to `context`; null = a new root. */
  isSampled(context: TraceContext | null): boolean;
};

/** The lower 56 bits of the trace id against the ratio (OpenTelemetry's consistent probability), so that all nodes decide alike. */
const isInRatio = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(18), 16) >= Math.round((1 - ratio) * 2 ** 56);

/** Creates the decision for `settings`. */
export const createSampling = (settings: SamplerSettings): Sampling => {
  const { isParentBased, ratio } = settings;
  return {
    isSampled(context) {
      if (context === null) return ratio >= 1 || (ratio > 0 && Math.random() < ratio);
      if (isParentBased) return context.isSampled;
      return ratio >= 1 || (ratio > 0 && isInRatio(context.traceId, ratio));
    },
  };
};
