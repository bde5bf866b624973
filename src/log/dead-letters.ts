import type { Clock, Timer } from '../clock.ts';
import type { GatewayError } from '../errors.ts';
import type { DeadLetterReason, LogRecord, Position } from '../event.ts';
import type { Telemetry } from '../telemetry/facade.ts';
import type { Logger } from '../telemetry/logger.ts';
import { letterAddress, letterId, writeLetter } from './dead-letter.ts';
import { type FoundRecord, readRecords, type Wanted } from './dead-letter-source.ts';
import type { AppendResult, EventLog } from './event-log.ts';
import { followHistory, type History } from './history.ts';
import { headerTrace } from './record-attributes.ts';

/**
 * Puts records that cannot be read into the dead-letter topic, once per cluster without any talk between nodes: every node reads that
 * topic, waits a random time before it writes, and does not write what it has read there meanwhile. Two nodes may still write the same
 * letter; readers fold by key. What waits is kept as positions and read again from the source when its time has come, so that a flood
 * of poison records costs no memory. What waits at a kill is judged again by the next start's warm-up.
 */

export type DeadLettersOptions = {
  /** The log whose records are reported. */
  readonly source: EventLog;
  /** The log over the dead-letter topic, of its own: not part of tail or cursor. */
  readonly letters: EventLog;
  /** Of this node's event schema; written with each letter. */
  readonly schemaDigest: string;
  /** Longest random wait. @default 5_000 // 5 s */
  readonly maxDelayMs?: number;
  /** Reports that may wait; beyond it they are dropped, counted and logged. @default 100_000 */
  readonly maxWaiting?: number;
  /** Keys of letters that are remembered, and how many of the topic's newest are read at the start. @default 100_000 */
  readonly maxKnown?: number;
  /** Bytes of one letter; below the log's own limit for a record. @default 900_000 */
  readonly maxLetterBytes?: number;
};

export type DeadLettersDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /**
   * Counts what is lost: `dropped` and `refused`; what was found is counted, by reason, where it is found. Each letter is an error span in
   * its record's trace, of the node that writes it.
   */
  readonly telemetry: Pick<Telemetry, 'count' | 'recordFailure'>;
};

export type DeadLetters = {
  /** Reports a record that could not be read. Cheap; the same position again (warm-up) does nothing. */
  report(position: Position, fingerprint: string, reason: DeadLetterReason): void;
  /** Letters that wait to be written, or to be read from another node. */
  readonly size: number;
  /** Reports that were dropped since too many waited. */
  readonly dropped: number;
  /** Resolves when the topic's history is known: from then on letters are written. */
  readonly ready: Promise<void>;
  /** Stops following and writing; an append in flight is awaited. Leaves both logs open. */
  close(): Promise<void>;
};

/** Starts to follow the dead-letter topic. */
export const createDeadLetters = (options: DeadLettersOptions, deps: DeadLettersDeps): DeadLetters =>
  new DeadLetterWriter(options, deps);

type Waiting = Wanted & { readonly id: string; readonly reason: DeadLetterReason };

const slotMs = 100;
const batchLetters = 20;
const firstBackoffMs = 500;
const maxBackoffMs = 30_000;

class DeadLetterWriter implements DeadLetters {
  readonly ready: Promise<void>;
  readonly #options: Required<DeadLettersOptions>;
  readonly #deps: DeadLettersDeps;
  readonly #history: History;
  readonly #known = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  /** What falls due together: one timer per slot, not per letter. */
  readonly #slots = new Map<number, { ids: string[]; timer: Timer }>();
  readonly #abort = new AbortController();
  #due: string[] = [];
  #writing: Promise<void> | null = null;
  #isReady = false;
  dropped = 0;

  constructor(options: DeadLettersOptions, deps: DeadLettersDeps) {
    this.#options = { maxDelayMs: 5_000, maxWaiting: 100_000, maxKnown: 100_000, maxLetterBytes: 900_000, ...options };
    this.#deps = deps;
    this.#history = followHistory({
      log: options.letters,
      clock: deps.clock,
      logger: deps.logger,
      maxPerPartition: this.#options.maxKnown,
      records: (records) => this.#read(records),
      gap: () => undefined,
    });
    const begin = (): void => this.#begin();
    this.ready = this.#history.ready.then(begin, (thrown: Error) => {
      deps.logger.error('the dead-letter topic cannot be followed', { error: thrown.message });
      begin();
    });
  }

  get size(): number {
    return this.#waiting.size;
  }

  report(position: Position, fingerprint: string, reason: DeadLetterReason): void {
    const address = letterAddress(position, fingerprint);
    const id = letterId(address);
    if (this.#abort.signal.aborted || this.#known.has(id) || this.#waiting.has(id)) return;
    if (this.#waiting.size >= this.#options.maxWaiting) {
      this.dropped += 1;
      this.#deps.telemetry.count('deadLetters', 'dropped');
      this.#deps.logger.error('a dead letter is dropped: too many wait to be written', { waiting: this.size });
      return;
    }
    this.#waiting.set(id, { id, position, address, reason });
    if (this.#isReady) this.#schedule(id);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    for (const { timer } of this.#slots.values()) timer.cancel();
    this.#slots.clear();
    await this.#history.stop();
    await this.#writing;
  }

  #begin(): void {
    this.#isReady = true;
    for (const id of this.#waiting.keys()) this.#schedule(id);
  }

  #read(records: readonly LogRecord[]): void {
    for (const { key } of records) {
      const id = key?.toString();
      if (id === undefined) continue;
      this.#waiting.delete(id);
      this.#remember(id);
    }
  }

  #remember(id: string): void {
    this.#known.add(id);
    if (this.#known.size <= this.#options.maxKnown) return;
    for (const oldest of this.#known) {
      this.#known.delete(oldest);
      return;
    }
  }

  #schedule(id: string): void {
    if (this.#abort.signal.aborted) return;
    const { clock, random } = this.#deps;
    const nowMs = clock.monotonic();
    const slot = Math.ceil((nowMs + random() * this.#options.maxDelayMs) / slotMs);
    const open = this.#slots.get(slot);
    if (open !== undefined) {
      open.ids.push(id);
      return;
    }
    const timer = clock.after(slot * slotMs - nowMs, () => {
      this.#due.push(...(this.#slots.get(slot)?.ids ?? []));
      this.#slots.delete(slot);
      this.#wake();
    });
    this.#slots.set(slot, { ids: [id], timer });
  }

  #wake(): void {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = null;
    });
  }

  async #drain(): Promise<void> {
    let backoffMs = firstBackoffMs;
    while (!this.#abort.signal.aborted) {
      const batch = this.#nextBatch();
      if (batch.length === 0) return;
      const failure = await this.#write(batch);
      if (failure === null) {
        backoffMs = firstBackoffMs;
        continue;
      }
      this.#due.unshift(...batch.map(({ id }) => id));
      this.#deps.logger.warn('dead letters cannot be written, trying again', {
        error: failure.message,
        inMs: backoffMs,
      });
      await this.#pause(backoffMs);
      backoffMs = Math.min(backoffMs * 2, maxBackoffMs);
    }
  }

  /** The next letters that nobody wrote meanwhile. */
  #nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let taken = 0;
    for (const id of this.#due) {
      if (batch.length >= batchLetters) break;
      taken += 1;
      const waiting = this.#waiting.get(id);
      if (waiting !== undefined) batch.push(waiting);
    }
    this.#due = this.#due.slice(taken);
    return batch;
  }

  /** Writes what it can; null, or the error after which what is left of the batch is to be tried again. */
  async #write(batch: readonly Waiting[]): Promise<Error | null> {
    const { source, letters, schemaDigest, maxLetterBytes } = this.#options;
    let found: Map<string, FoundRecord>;
    try {
      found = await readRecords(source, batch, this.#abort.signal);
    } catch (thrown) {
      return thrown as Error;
    }
    // Another node may have been faster while the records were read.
    const due = batch.filter(({ id }) => this.#waiting.has(id));
    if (this.#abort.signal.aborted || due.length === 0) return null;
    const records = due.map(({ id, address, reason }) =>
      writeLetter({ address, reason, schemaDigest, record: found.get(id) ?? 'truncated' }, maxLetterBytes),
    );
    return this.#settleAll(due, found, await letters.append(records));
  }

  #settleAll(
    due: readonly Waiting[],
    found: ReadonlyMap<string, FoundRecord>,
    results: readonly AppendResult[],
  ): Error | null {
    let failure: Error | null = null;
    for (const [i, waiting] of due.entries()) {
      const result = results[i];
      if (result?.ok === true) this.#settle(waiting.id);
      else if (result?.error.isRetryable === false) this.#refused(waiting.id, result.error);
      else {
        failure = result?.error ?? new Error('the log gave no result');
        continue;
      }
      this.#trace(waiting, found.get(waiting.id));
    }
    return failure;
  }

  #trace({ position, reason }: Waiting, record: FoundRecord | undefined): void {
    const parent = typeof record === 'object' ? headerTrace(record) : null;
    this.#deps.telemetry.recordFailure('dead_letter', parent, { ...position, reason: reason.code });
  }

  #settle(id: string): void {
    this.#waiting.delete(id);
    this.#remember(id);
  }

  /** No retry would help. */
  #refused(id: string, error: GatewayError): void {
    this.#settle(id);
    this.#deps.telemetry.count('deadLetters', 'refused');
    this.#deps.logger.error('a dead letter cannot be written', { error: error.message, letter: id });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.clock.after(ms, resolve);
      this.#abort.signal.addEventListener(
        'abort',
        () => {
          timer.cancel();
          resolve();
        },
        { once: true },
      );
    });
  }
}
