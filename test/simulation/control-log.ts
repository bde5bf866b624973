import type { ParkedPosition, ParkingStore } from '../../src/actors/operation-records.ts';

/** The control topic: one log, which each node reads for itself, some time after it was written. */

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
    this.#log.written.push([key, value]);
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
  readonly written: (readonly [key: string, value: Value])[] = [];

  /** As a node has it that starts now: everything written before is read. */
  view(): ControlView {
    return new ControlView(this);
  }
}

export type { ControlView };
