import type { Clock } from '../clock.ts';

/** How many messages a peer may send: `perSecond` on average, `burst` at once. */
export type MessageRate = { readonly perSecond: number; readonly burst: number };

export type MessageBudget = {
  /** Takes one; false when there is none left. */
  take(): boolean;
};

/** A full budget that fills up with time. */
export const createMessageBudget = ({ perSecond, burst }: MessageRate, clock: Clock): MessageBudget => {
  let left = burst;
  let filledAtMs = clock.monotonic();
  return {
    take() {
      const nowMs = clock.monotonic();
      left = Math.min(burst, left + ((nowMs - filledAtMs) * perSecond) / 1_000);
      filledAtMs = nowMs;
      if (left < 1) return false;
      left--;
      return true;
    },
  };
};
