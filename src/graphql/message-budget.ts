import type { Clock } from '../clock.ts';

/** How many messages a peer may send: `perSecond` on average, `burst` at once. */
export type MessageRate = { readonly perSecond: number; readonly burst: number };

/** Answers that may be outstanding beyond the rate; a peer that never answers has saved up no more than these. */
const maxExpected = 1_024;

/** The messages that one peer may send: full at first, fills up with time. */
export class MessageBudget {
  readonly #rate: MessageRate;
  readonly #clock: Clock;
  #left: number;
  #filledAtMs: number;
  #expected = 0;

  constructor(rate: MessageRate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#left = rate.burst;
    this.#filledAtMs = clock.monotonic();
  }

  /** Adds one beyond the rate, for the answer to a ping of ours: an echo is no message of the peer's own accord. */
  expect(): void {
    this.#expected = Math.min(maxExpected, this.#expected + 1);
  }

  /** Takes one; false when there is none left. */
  take(): boolean {
    if (this.#expected > 0) {
      this.#expected--;
      return true;
    }
    const { perSecond, burst } = this.#rate;
    const nowMs = this.#clock.monotonic();
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#filledAtMs) * perSecond) / 1_000);
    this.#filledAtMs = nowMs;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
