import type { Clock } from '../clock.ts';

/** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects. */
export const pause = (clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(delayMs, end);
    signal?.addEventListener('abort', end, { once: true });
  });

/** Delay before attempt number `failures` (1 = first repetition): doubles from 50 ms to 1 s, of which half is random. */
export const backoffMs = (failures: number): number => {
  const full = Math.min(1_000, 50 * 2 ** Math.min(failures - 1, 10));
  return full / 2 + Math.random() * (full / 2);
};
