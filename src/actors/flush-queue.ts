import type { Scheduler } from './scheduler.ts';
import type { Turn } from './turn.ts';

/** Something with deliveries to write. */
export type Flushable = { flush(): void };

/** Sessions that have something to write, each once per turn. Dispatch only puts names down; writing comes after, and may be sliced. */
export class FlushQueue {
  readonly #scheduler: Scheduler;
  readonly #turn: Turn;
  #waiting: Flushable[] = [];
  #isScheduled = false;

  constructor(deps: { scheduler: Scheduler; turn: Turn }) {
    this.#scheduler = deps.scheduler;
    this.#turn = deps.turn;
  }

  /** `flushable.flush` is called once after this turn; the caller sees to it that nobody is put down twice. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#scheduler.soon(() => this.#run());
  }

  #run(): void {
    this.#isScheduled = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let index = 0; index < waiting.length; index++) {
      if (index > 0 && this.#turn.isOver) {
        this.#waiting = [...waiting.slice(index), ...this.#waiting];
        break;
      }
      waiting[index]?.flush();
    }
    if (this.#waiting.length > 0) this.#schedule();
  }
}
