import type { GatewayError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';

/**
 * Positions of operations whose socket is gone, by a key that their client brings again when it comes back by itself. Kept here for a while, and in
 * the control topic, so that every node finds them.
 */

/** The control topic, as far as this room needs it. */
export type ParkingStore = {
  entries(): Iterable<readonly [key: string, value: unknown]>;
  put(key: string, value: ParkedPosition | undefined): Promise<void>;
  onChange(listener: (key: string, value: unknown) => void): () => void;
};

/** Where an operation stood. */
export type ParkedPosition = {
  /** What the client had for sure. */
  readonly cursor: string;
  /** The `after` that the operation began with: one who brings the same again has not moved on by itself. */
  readonly after: string | null;
  /** When it was parked, and until when it is kept; milliseconds since 1970. */
  readonly atMs: number;
  readonly untilMs: number;
};

export type ParkingDeps = {
  /** Null: this node alone. */
  readonly store: ParkingStore | null;
  readonly logger: Logger;
  readonly windowMs: number;
  /** Positions that are kept; beyond it the oldest goes. */
  readonly maxParked: number;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
};

const prefix = 'parked/';
/** What a node leaves behind that ends for good is cleared away by others, this much later. */
const othersGraceMs = 60_000;

const isParked = (value: unknown): value is ParkedPosition => {
  const { cursor, after, atMs, untilMs } = (value ?? {}) as Partial<Record<keyof ParkedPosition, unknown>>;
  const isAfter = after === null || typeof after === 'string';
  return typeof cursor === 'string' && isAfter && typeof atMs === 'number' && typeof untilMs === 'number';
};

export class Parking {
  readonly #deps: ParkingDeps;
  /** The one parked longest ago first. */
  readonly #parked = new Map<string, ParkedPosition>();
  /** When a key was taken here: what was parked before comes back from the log later, and counts no more. */
  readonly #takenAtMs = new Map<string, number>();
  readonly #own = new Set<string>();
  /** Deletions that were written here and have not come back from the log. */
  readonly #deletions = new Map<string, number>();
  readonly #unfollow: () => void;

  constructor(deps: ParkingDeps) {
    this.#deps = deps;
    for (const [key, value] of deps.store?.entries() ?? []) this.#learn(key, value);
    this.#unfollow = deps.store?.onChange((key, value) => this.#learn(key, value)) ?? (() => {});
  }

  /** Keeps a position; found here at once. Resolves when other nodes can find it; where that fails it is logged, and this node knows it all the same. */
  async park(key: string, position: Pick<ParkedPosition, 'cursor' | 'after'>): Promise<void> {
    const atMs = this.#deps.now();
    const parked = { ...position, atMs, untilMs: atMs + this.#deps.windowMs };
    this.#takenAtMs.delete(key);
    this.#own.add(key);
    this.#keep(key, parked);
    await this.#write(key, parked);
  }

  /** Gives a position to its client, once. Null where there is none, or where the client brings an `after` of its own, which wins. */
  take(key: string, after: string | null): string | null {
    const parked = this.#parked.get(key);
    if (parked === undefined) return null;
    this.#parked.delete(key);
    this.#own.delete(key);
    this.#takenAtMs.set(key, this.#deps.now());
    void this.#write(key, undefined);
    if (parked.untilMs <= this.#deps.now()) return null;
    return after === null || after === parked.after ? parked.cursor : null;
  }

  /** Forgets what is over; called from time to time. */
  sweep(): void {
    const nowMs = this.#deps.now();
    for (const [key, { untilMs }] of [...this.#parked]) {
      if (untilMs > nowMs) continue;
      if (!this.#own.has(key) && untilMs + othersGraceMs > nowMs) continue;
      this.#forget(key);
      void this.#write(key, undefined);
    }
    for (const [key, takenAtMs] of this.#takenAtMs) {
      if (takenAtMs + this.#deps.windowMs <= nowMs) this.#takenAtMs.delete(key);
    }
  }

  close(): void {
    this.#unfollow();
  }

  #learn(name: string, value: unknown): void {
    if (!name.startsWith(prefix)) return;
    const key = name.slice(prefix.length);
    if (value === undefined) {
      // One of ours comes back: what is parked here by now was parked behind it.
      if (!this.#isOwnDeletion(key)) this.#forget(key);
      return;
    }
    if (!isParked(value)) return;
    const known = this.#parked.get(key)?.atMs ?? this.#takenAtMs.get(key) ?? Number.NEGATIVE_INFINITY;
    if (value.atMs > known) this.#keep(key, value);
  }

  #isOwnDeletion(key: string): boolean {
    const left = this.#deletions.get(key) ?? 0;
    if (left > 1) this.#deletions.set(key, left - 1);
    else this.#deletions.delete(key);
    return left > 0;
  }

  #keep(key: string, parked: ParkedPosition): void {
    this.#parked.delete(key);
    this.#parked.set(key, parked);
    if (this.#parked.size <= this.#deps.maxParked) return;
    const [oldest] = this.#parked.keys();
    if (oldest !== undefined) this.#forget(oldest);
  }

  #forget(key: string): void {
    this.#parked.delete(key);
    this.#own.delete(key);
  }

  async #write(key: string, value: ParkedPosition | undefined): Promise<void> {
    const { store, logger } = this.#deps;
    if (store === null) return;
    if (value === undefined) this.#deletions.set(key, (this.#deletions.get(key) ?? 0) + 1);
    try {
      await store.put(prefix + key, value);
    } catch (cause) {
      // A deletion that may still land comes back as our own all the same, by when something newer may be parked.
      if (value === undefined && (cause as GatewayError).outcome !== 'unknown') this.#isOwnDeletion(key);
      logger.warn('a position could not be parked for other nodes', { error: (cause as Error).message });
    }
  }
}
