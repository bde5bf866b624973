import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the event loop runs. */
export type EventLoopLag = {
  /** The 99th percentile in seconds since it was read last. */
  read(): number;
  stop(): void;
};

/** How often the loop is probed; it is part of what the probe measures, and is taken off. */
const resolutionMs = 20;

/** Starts to measure. */
export const startEventLoopLag = (): EventLoopLag => {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  return {
    read() {
      const seconds = delays.count === 0 ? 0 : Math.max(0, delays.percentile(99) / 1e9 - resolutionMs / 1e3);
      delays.reset();
      return seconds;
    },
    stop: () => {
      delays.disable();
    },
  };
};
