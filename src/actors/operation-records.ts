import type { GatewayError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';

/**
 * What nodes tell each other of operations, through the control topic: one record per operation, and the newest of all nodes holds. What another
 * node wrote before one of our own records came back stands before it in the topic, and is overtaken.
 */

/** The control topic, as far as this room needs it. */
export type ParkingStore = {
  get(key: string): unknown;
  entries(): Iterable<readonly [key: string, value: unknown]>;
  put(key: string, value: ParkedPosition | string | undefined): Promise<void>;
  onChange(listener: (key: string, value: unknown) => void): () => void;
};

/** Where an operation stood whose socket is gone. */
export type ParkedPosition = {
  /** What the client had for sure. */
  readonly cursor: string;
  /** The `after` that the operation began with: one who brings the same again has not moved on by itself. */
  readonly after: string | null;
  /**
   * Its client came when nobody could say where it stood: the position is that of its coming, at this time. Absent: it is where it stood.
   * Milliseconds since 1970, as the next.
   */
  readonly guessedAtMs?: number;
  /** Until when it is kept. */
  readonly untilMs: number;
  /** The node that wrote it. */
  readonly node: string;
};

/**
 * - `parked`: its client may come back for it, to any node;
 * - `held`: it runs on `node`, as far as that one has noticed; where its client stood when it began was known, or guessed as in `ParkedPosition`;
 * - `claimed`: its client is at `node` now, and whoever holds it is to park it; `node` waits for that until `atMs`.
 */
export type OperationRecord =
  | { readonly kind: 'parked'; readonly position: ParkedPosition }
  | { readonly kind: 'claimed'; readonly node: string; readonly atMs: number }
  | { readonly kind: 'held'; readonly node: string; readonly atMs: number; readonly guessedAtMs: number | null };

/** Told of every record of other nodes; undefined: the operation is over. `isOvertaken`: a record of ours stands behind it. */
export type OperationListener = (key: string, record: OperationRecord | undefined, isOvertaken: boolean) => void;

const prefix = 'parked/';

/** A string is small: there may be one for each operation of all nodes. */
const encode = (record: OperationRecord): ParkedPosition | string => {
  if (record.kind === 'parked') return record.position;
  const text = `${record.kind} ${record.node} ${record.atMs}`;
  return record.kind === 'held' && record.guessedAtMs !== null ? `${text} ${record.guessedAtMs}` : text;
};

/** Null: nothing of ours. */
const decode = (value: unknown): OperationRecord | null =>
  typeof value === 'string' ? decodeText(value) : decodePosition(value);

const decodeText = (value: string): OperationRecord | null => {
  const [kind, node = '', at, guess] = value.split(' ');
  const atMs = Number(at);
  if (kind === 'claimed') return { kind, node, atMs };
  return kind === 'held' ? { kind, node, atMs, guessedAtMs: guess === undefined ? null : Number(guess) } : null;
};

const decodePosition = (value: unknown): OperationRecord | null => {
  const { cursor, after, untilMs, node, guessedAtMs } = (value ?? {}) as Partial<Record<keyof ParkedPosition, unknown>>;
  const isAfter = after === null || typeof after === 'string';
  if (typeof cursor !== 'string' || !isAfter || typeof untilMs !== 'number') return null;
  const guess = typeof guessedAtMs === 'number' ? { guessedAtMs } : {};
  return { kind: 'parked', position: { cursor, after, untilMs, node: typeof node === 'string' ? node : '', ...guess } };
};

/** The node that wrote it. */
export const nodeOf = (record: OperationRecord): string =>
  record.kind === 'parked' ? record.position.node : record.node;

export class OperationRecords {
  /** The name of this process among all that write to the store, before it and beside it. */
  readonly node: string;
  readonly #store: ParkingStore | null;
  readonly #logger: Logger;
  /** Records that were written here and have not come back. */
  readonly #underway = new Map<string, number>();
  #isFailing = false;

  constructor(deps: { readonly store: ParkingStore | null; readonly node: string; readonly logger: Logger }) {
    this.#store = deps.store;
    this.node = deps.node;
    this.#logger = deps.logger;
  }

  get(key: string): OperationRecord | null {
    return decode(this.#store?.get(prefix + key));
  }

  *entries(): Generator<readonly [key: string, record: OperationRecord]> {
    for (const [name, value] of this.#store?.entries() ?? []) {
      const record = name.startsWith(prefix) ? decode(value) : null;
      if (record !== null) yield [name.slice(prefix.length), record];
    }
  }

  /** Calls `listener` from now on. Returns the way to stop. */
  follow(listener: OperationListener): () => void {
    const stop = this.#store?.onChange((name, value) => {
      if (!name.startsWith(prefix)) return;
      const key = name.slice(prefix.length);
      const record = value === undefined ? undefined : decode(value);
      if (record !== null && !this.#isOwn(key, record)) listener(key, record, this.#underway.has(key));
    });
    return stop ?? (() => {});
  }

  /** Writes the newest record of `key`, or deletes it. Resolves with true when other nodes can read it, with false, and a line in the log, where that failed. */
  async put(key: string, record: OperationRecord | undefined): Promise<boolean> {
    if (this.#store === null) return true;
    // A deletion of nothing never comes back: waiting for it would have this node deaf to whatever is told of the key later.
    if (record === undefined && !this.#underway.has(key) && this.get(key) === null) return true;
    this.#underway.set(key, (this.#underway.get(key) ?? 0) + 1);
    try {
      await this.#store.put(prefix + key, record === undefined ? undefined : encode(record));
      this.#isFailing = false;
      return true;
    } catch (cause) {
      // One that may still land comes back as our own all the same, by when something newer may stand here.
      if ((cause as GatewayError).outcome !== 'unknown') this.#cameBack(key);
      // One line for a log that does not answer, not one for each operation.
      if (!this.#isFailing) {
        const what =
          'what becomes of operations cannot be told to other nodes: stock clients that come to them may begin anew';
        this.#logger.warn(what, { error: (cause as Error).message });
      }
      this.#isFailing = true;
      return false;
    }
  }

  /** Whether a record of ours has been written and has not come back. */
  isUnderway(key: string): boolean {
    return this.#underway.has(key);
  }

  /** A deletion does not say whose it is: with one of ours on its way, it is taken for ours. */
  #isOwn(key: string, record: OperationRecord | undefined): boolean {
    const isOwn = record === undefined ? this.#underway.has(key) : nodeOf(record) === this.node;
    if (isOwn) this.#cameBack(key);
    return isOwn;
  }

  #cameBack(key: string): void {
    const left = (this.#underway.get(key) ?? 0) - 1;
    if (left > 0) this.#underway.set(key, left);
    else this.#underway.delete(key);
  }
}
