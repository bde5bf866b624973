import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { LogRecord } from '../event.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { EventLog, GapChunk } from './event-log.ts';
import { followHistory, type History } from './history.ts';

/**
 * A keyed view of the control topic, which every node follows: parked positions and revocations. The log is the truth; the view is what
 * was read of it, so that a `put` shows once it comes back. The topic is compacted: it holds the newest record of each key.
 */

/** What a value may be: JSON. */
export type ControlValue =
  | string
  | number
  | boolean
  | null
  | readonly ControlValue[]
  | { readonly [key: string]: ControlValue };

export type ControlOptions = {
  /** The log over the control topic alone. */
  readonly log: EventLog;
  /** Entries that are kept; beyond it those written longest ago go, counted and logged. @default 1_000_000 */
  readonly maxEntries?: number;
  /** Bytes of a value's JSON. @default 16_384 */
  readonly maxValueBytes?: number;
};

export type ControlDeps = { readonly clock: Clock; readonly logger: Logger };

export type ControlTopic = {
  get(key: string): ControlValue | undefined;
  /** Every entry, the one written longest ago first. */
  entries(): IterableIterator<readonly [key: string, value: ControlValue]>;
  readonly size: number;
  /**
   * Writes `value` under `key`, or deletes it with undefined; resolves when it is durable, which may be before or after the view shows it.
   * - BAD_USER_INPUT: the key is empty or over 512 bytes; TOO_LARGE: the value is over the limit;
   * - LOG_UNAVAILABLE with its `outcome`: it may be repeated.
   */
  put(key: string, value: ControlValue | undefined): Promise<void>;
  /** Calls `listener` after each change of the view, history included; `value` undefined = deleted. Returns the way to stop. */
  onChange(listener: ControlListener): () => void;
  /** Records that were no entry: no key, not JSON, too large. */
  readonly malformed: number;
  /** Entries that went since there were too many. */
  readonly evicted: number;
  /** Resolves when what was there at the start is in the view. Rejects when the topic cannot be opened at all. */
  readonly ready: Promise<void>;
  /** Stops following. Leaves the log open. */
  close(): Promise<void>;
};

/** A throw is a bug: it is logged, and the other listeners are called. */
export type ControlListener = (key: string, value: ControlValue | undefined) => void;

/** Starts to follow the control topic from its beginning. */
export const createControlTopic = (options: ControlOptions, deps: ControlDeps): ControlTopic =>
  new Control(options, deps);

const maxKeyBytes = 512;

class Control implements ControlTopic {
  readonly ready: Promise<void>;
  readonly #options: Required<ControlOptions>;
  readonly #logger: Logger;
  readonly #history: History;
  readonly #view = new Map<string, ControlValue>();
  readonly #listeners = new Set<ControlListener>();
  malformed = 0;
  evicted = 0;

  constructor(options: ControlOptions, { clock, logger }: ControlDeps) {
    this.#options = { maxEntries: 1_000_000, maxValueBytes: 16_384, ...options };
    this.#logger = logger;
    this.#history = followHistory({
      log: options.log,
      clock,
      logger,
      maxPerPartition: null,
      records: (records) => {
        for (const record of records) this.#apply(record);
      },
      gap: (gap) => this.#lost(gap),
    });
    this.ready = this.#history.ready;
  }

  get size(): number {
    return this.#view.size;
  }

  get(key: string): ControlValue | undefined {
    return this.#view.get(key);
  }

  entries(): IterableIterator<readonly [key: string, value: ControlValue]> {
    return this.#view.entries();
  }

  async put(key: string, value: ControlValue | undefined): Promise<void> {
    const keyBytes = Buffer.from(key);
    if (keyBytes.length === 0 || keyBytes.length > maxKeyBytes) {
      throw new GatewayError('BAD_USER_INPUT', `a control key has 1 to ${maxKeyBytes} bytes, not ${keyBytes.length}`);
    }
    const valueBytes = value === undefined ? null : Buffer.from(JSON.stringify(value));
    const { maxValueBytes, log } = this.#options;
    if (valueBytes !== null && valueBytes.length > maxValueBytes) {
      throw new GatewayError(
        'TOO_LARGE',
        `a control value has at most ${maxValueBytes} bytes, not ${valueBytes.length}`,
      );
    }
    const [result] = await log.append([{ key: keyBytes, value: valueBytes, headers: [] }]);
    if (result?.ok !== true) throw result?.error ?? new GatewayError('LOG_UNAVAILABLE', 'the log gave no result');
  }

  onChange(listener: ControlListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    return this.#history.stop();
  }

  #apply(record: LogRecord): void {
    const entry = this.#entryOf(record);
    if (entry === null) {
      this.malformed += 1;
      return;
    }
    const { key, value } = entry;
    // Deleted first, so that the order of the map is that of the last writes.
    const wasThere = this.#view.delete(key);
    if (value !== undefined) this.#view.set(key, value);
    else if (!wasThere) return;
    this.#announce(key, value);
    this.#evict();
  }

  #entryOf({ key, value }: LogRecord): { key: string; value: ControlValue | undefined } | null {
    if (key === null || key.length === 0 || key.length > maxKeyBytes) return null;
    const name = key.toString();
    if (value === null) return { key: name, value: undefined };
    if (value.length > this.#options.maxValueBytes) return null;
    try {
      return { key: name, value: JSON.parse(value.toString()) as ControlValue };
    } catch {
      return null;
    }
  }

  #evict(): void {
    if (this.#view.size <= this.#options.maxEntries) return;
    for (const oldest of this.#view.keys()) {
      this.#view.delete(oldest);
      this.evicted += 1;
      this.#logger.error('the control view is full: its oldest entry goes', { entries: this.size });
      this.#announce(oldest, undefined);
      return;
    }
  }

  /** A re-created topic begins empty. What expired or was cut needs nothing: newer records of a key say what holds. */
  #lost({ reason }: GapChunk): void {
    if (reason !== 'RECREATED') return;
    this.#logger.warn('the control topic was re-created: its entries are forgotten');
    const keys = [...this.#view.keys()];
    this.#view.clear();
    for (const key of keys) this.#announce(key, undefined);
  }

  #announce(key: string, value: ControlValue | undefined): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(key, value);
      } catch (thrown) {
        this.#logger.error('a listener of the control topic threw', { error: (thrown as Error).message });
      }
    }
  }
}
