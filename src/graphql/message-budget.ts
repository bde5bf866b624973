import type { Clock } from '../clock.ts';

/** How many messages a peer may send: `perSecond` on average, `burst` at once. */
export type MessageRate = { readonly perSecond: number; readonly burst: number };

export type MessageBudget = {
  /** Takes one; false when there is none left. */
  take(): boolean;
  /** Adds one beyond the rate, for the answer to a ping of ours: an echo is no message of the peer's own accord. */
  expect(): void;
};

/** Answers that may be outstanding beyond the rate; a peer that never answers has saved up no more than these. */
const maxExpected = 1_024;

/** A full budget that fills up with time. */
export const createMessageBudget = ({ perSecond, burst }: MessageRate, clock: Clock): MessageBudget => {
  let left = burst;
  let filledAtMs = clock.monotonic();
  let expected = 0;
  return {
    expect() {
      expected = Math.min(maxExpected, expected + 1);
    },
    take() {
      if (expected > 0) {
        expected--;
        return true;
      }
      const nowMs = clock.monotonic();
      left = Math.min(burst, left + ((nowMs - filledAtMs) * perSecond) / 1_000);
      filledAtMs = nowMs;
      if (left < 1) return false;
      left--;
      return true;
    },
  };
};
