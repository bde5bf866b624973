import type { ParkedPosition, ParkingStore } from '../../src/actors/operation-records.ts';
import { GatewayError } from '../../src/errors.ts';
import type { TestNode } from './node.ts';

/** The control topic, as all nodes have it; writes show at once unless they are held. */
export class SharedStore implements ParkingStore {
  readonly view: Map<string, ParkedPosition | string> = new Map();
  readonly #listeners = new Set<(key: string, value: unknown) => void>();
  readonly #nodes = new Map<TestNode, string>();
  readonly #left = new Set<string>();
  /** What a node that stands still has not heard and not told. */
  readonly #frozen = new Map<string, (() => void)[]>();
  refuses = false;
  writes = 0;
  held: Promise<void> | null = null;
  #takesLate: ((write: () => void) => void) | null = null;

  /** The next write fails with an unknown outcome, and lands when the returned function is called. */
  loseNextAnswer(): () => void {
    let land = (): void => {};
    this.#takesLate = (write) => {
      land = write;
    };
    return () => land();
  }

  /** As `node` has it, until it leaves: then it neither tells nor hears. */
  for(node: string): ParkingStore {
    return {
      get: (key) => this.get(key),
      entries: () => this.entries(),
      put: (key, value) => (this.#left.has(node) ? new Promise(() => {}) : this.put(key, value)),
      onChange: (listener) =>
        this.onChange((key, value) => {
          const waiting = this.#frozen.get(node);
          if (waiting !== undefined) waiting.push(() => listener(key, value));
          else if (!this.#left.has(node)) listener(key, value);
        }),
    };
  }

  freeze(node: string): void {
    this.#frozen.set(node, []);
  }

  thaw(node: string): void {
    const waiting = this.#frozen.get(node) ?? [];
    this.#frozen.delete(node);
    for (const task of waiting) task();
  }

  join(node: TestNode, name: string): TestNode {
    this.#nodes.set(node, name);
    return node;
  }

  leave(node: TestNode): void {
    this.#left.add(this.#nodes.get(node) ?? '');
  }

  get(key: string): unknown {
    return this.view.get(key);
  }

  entries(): Iterable<readonly [string, unknown]> {
    return this.view.entries();
  }

  async put(key: string, value: ParkedPosition | string | undefined): Promise<void> {
    this.writes += 1;
    const takesLate = this.#takesLate;
    this.#takesLate = null;
    if (takesLate !== null) {
      takesLate(() => this.#write(key, value));
      throw new GatewayError('LOG_UNAVAILABLE', 'the record may still be written', { outcome: 'unknown' });
    }
    await this.held;
    if (this.refuses) throw new GatewayError('LOG_UNAVAILABLE', 'refused', { outcome: 'not_written' });
    this.#write(key, value);
  }

  #write(key: string, value: ParkedPosition | string | undefined): void {
    if (value === undefined) this.view.delete(key);
    else this.view.set(key, value);
    for (const listener of this.#listeners) listener(key, value);
  }

  onChange(listener: (key: string, value: unknown) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
