import type { Clock } from '../clock.ts';
import { nextTurn, type Scheduler } from './scheduler.ts';

/**
 * How much of the present turn of the event loop is left for work that can be sliced. All that use one Turn share its allowance, so that twelve
 * partitions do not take twelve times as long.
 */
export class Turn {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #maxMs: number;
  #endsAtMs: number | null = null;

  constructor(deps: { clock: Clock; scheduler: Scheduler; maxTurnMs: number }) {
    this.#clock = deps.clock;
    this.#scheduler = deps.scheduler;
    this.#maxMs = deps.maxTurnMs;
  }

  /** Whether the allowance is used up: stop here and go on after `next`. The first question in a turn starts the count. */
  get isOver(): boolean {
    const now = this.#clock.monotonic();
    if (this.#endsAtMs === null) {
      this.#endsAtMs = now + this.#maxMs;
      this.#scheduler.soon(() => {
        this.#endsAtMs = null;
      });
    }
    return now >= this.#endsAtMs;
  }

  /** The next turn. */
  next(): Promise<void> {
    return nextTurn(this.#scheduler);
  }
}
