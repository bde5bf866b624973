/**
 * Time, behind a port: the gateway uses the system's, tests a simulated one. Nothing else reads Date or sets timers.
 */

/** A timer that can be taken back. */
export type Timer = { cancel(): void };

export type Clock = {
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Monotonic milliseconds, for durations. */
  monotonic(): number;
  /** Runs `task` once after `delayMs`; delays beyond 2^31 ms are kept, not fired at once. A throw of the task is the caller's bug and surfaces. */
  after(delayMs: number, task: () => void): Timer;
};

const maxDelayMs = 2 ** 31 - 1;

/** Node's own timers; they do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, task) {
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(Math.max(leftMs, 0), maxDelayMs);
      handle = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : task()), stepMs);
      handle.unref();
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};
