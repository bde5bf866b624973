import type { Clock, Timer } from '../clock.ts';

/** Lets a loop sleep until somebody wakes it, or a time has passed. A call of `wake` while nobody sleeps is kept for the next sleep. */
export class Wake {
  readonly #clock: Clock;
  #isAwake = false;
  #sleeper: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#isAwake = true;
    this.#sleeper?.();
  }

  /** Sleeps at most `ms`. One sleeper at a time. */
  async sleep(ms: number): Promise<void> {
    if (!this.#isAwake) {
      let timer: Timer | undefined;
      await new Promise<void>((resolve) => {
        this.#sleeper = resolve;
        timer = this.#clock.after(ms, resolve);
      });
      timer?.cancel();
      this.#sleeper = null;
    }
    this.#isAwake = false;
  }
}
