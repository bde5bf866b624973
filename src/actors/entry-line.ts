import type { Entry } from './entry.ts';

/** Entries in order of offset; the oldest go first. Places of what has gone are emptied at once, and removed by and by. */
export class EntryLine {
  #entries: (Entry | undefined)[] = [];
  #head = 0;

  get isEmpty(): boolean {
    return this.#head === this.#entries.length;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Takes out the oldest; undefined when there is none. */
  shift(): Entry | undefined {
    const oldest = this.#entries[this.#head];
    if (oldest === undefined) return undefined;
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    if (this.#head > 256 && this.#head * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    return oldest;
  }

  /** The first at or after `offset`. */
  first(offset: bigint): Entry | undefined {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.position.offset < offset) low = middle + 1;
      else high = middle;
    }
    return this.#entries[low];
  }
}
