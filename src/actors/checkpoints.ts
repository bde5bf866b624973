import type { Timer } from '../clock.ts';
import type { Directory } from './directory.ts';
import type { Subscription } from './subscription.ts';
import type { Tail } from './tail.ts';

/**
 * Positions move without events: a live subscription that had no payload for a while is told where the tail is, if that moved. One timer for
 * all: each second, those who rested long enough.
 */

export type CheckpointsDeps = {
  readonly directory: Directory;
  readonly tail: Tail;
  readonly checkpointMs: number;
  monotonic(): number;
  after(delayMs: number, task: () => void): Timer;
  /** 0 (inclusive) to 1 (exclusive). */
  random(): number;
};

const sweepMs = 1_000;

export class Checkpoints {
  readonly #deps: CheckpointsDeps;
  #timer: Timer | null = null;

  constructor(deps: CheckpointsDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = this.#deps.after(sweepMs, () => {
      this.start();
      this.#sweep();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #sweep(): void {
    const now = this.#deps.monotonic();
    for (const subscription of this.#deps.directory.all) if (subscription.isLive) this.#look(subscription, now);
  }

  #look(subscription: Subscription, now: number): void {
    const { tail, checkpointMs, random } = this.#deps;
    const { rest } = subscription;
    if (rest === null) {
      // A payload clears it: whoever is fed needs no clock of its own.
      subscription.rest = { version: tail.version, dueMs: now + checkpointMs * (0.8 + random() * 0.4) };
    } else if (now >= rest.dueMs && rest.version !== tail.version) {
      subscription.offerCheckpoint(tail.cursor());
    }
  }
}
