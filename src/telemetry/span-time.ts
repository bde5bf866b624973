import type { HrTime } from '@opentelemetry/api';
import type { Clock } from '../clock.ts';

/** Time for spans: the clock's wall time, carried on by its monotonic one, so that sub-millisecond steps show and a stepped clock reverses nothing. */
export type SpanTime = {
  /** Milliseconds since 1970, with fractions. */
  now(): number;
};

/** How far wall and carried time may drift apart before the wall's is taken anew. */
const maxDriftMs = 2;

/** Creates the time source. */
export const createSpanTime = (clock: Clock): SpanTime => {
  let offsetMs = clock.now() - clock.monotonic();
  return {
    now() {
      const carriedMs = clock.monotonic() + offsetMs;
      const wallMs = clock.now();
      if (Math.abs(carriedMs - wallMs) <= maxDriftMs) return carriedMs;
      offsetMs = wallMs - clock.monotonic();
      return wallMs;
    },
  };
};

/**
 * When something happened that the clock showed as `atMs`, which is rounded down to the millisecond: at its end, but not after `nowMs`.
 * By its beginning, a record that is read within the millisecond of its publish would be processed before it was published.
 */
export const endOfMs = (atMs: number, nowMs: number): number => Math.min(Math.floor(atMs) + 0.999, nowMs);

/** Seconds and nanoseconds. The SDK would take a plain number below the process's start for an offset to it. */
export const toHrTime = (ms: number): HrTime => {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
};
