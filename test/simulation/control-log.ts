import type { ParkedPosition, ParkingStore } from '../../src/actors/operation-records.ts';
import type { Clock } from '../../src/clock.ts';

/** The control topic: one log, which each node reads for itself. It may be slow to take what is written, and to say that it has. */

type Value = ParkedPosition | string | undefined;
type Listener = (key: string, value: unknown) => void;

/** What one node has read of it. */
class ControlView implements ParkingStore {
  readonly #log: ControlLog;
  readonly #view = new Map<string, Value>();
  readonly #listeners = new Set<Listener>();
  #next = 0;
  isCut = false;

  constructor(log: ControlLog) {
    this.#log = log;
    this.read();
  }

  get(key: string): unknown {
    return this.#view.get(key);
  }

  entries(): Iterable<readonly [string, unknown]> {
    return this.#view.entries();
  }

  async put(key: string, value: Value): Promise<void> {
    if (this.isCut) await new Promise(() => {});
    await this.#log.slowness();
    this.#log.written.push([key, value]);
    await this.#log.slowness();
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads what is there by now. True when there was something. */
  read(): boolean {
    const from = this.#next;
    while (!this.isCut && this.#next < this.#log.written.length) {
      const [key, value] = this.#log.written[this.#next] ?? ['', undefined];
      this.#next += 1;
      if (value === undefined) this.#view.delete(key);
      else this.#view.set(key, value);
      for (const listener of this.#listeners) listener(key, value);
    }
    return this.#next > from;
  }
}

export class ControlLog {
  readonly #clock: Clock;
  readonly #slowMs: number;
  readonly written: (readonly [key: string, value: Value])[] = [];

  /** `slowMs`: how long each half of a write takes. */
  constructor(clock: Clock, slowMs: number) {
    this.#clock = clock;
    this.#slowMs = slowMs;
  }

  async slowness(): Promise<void> {
    if (this.#slowMs > 0) await new Promise<void>((resolve) => this.#clock.after(this.#slowMs, resolve));
  }

  /** As a node has it that starts now: everything written before is read. */
  view(): ControlView {
    return new ControlView(this);
  }
}

export type { ControlView };
