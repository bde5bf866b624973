import type { DecodeRecord, LogRecord, PartitionId } from '../event.ts';
import type { EventLog, GapChunk, LogChunk, RecordChunk } from '../log/event-log.ts';
import { DuplicateWindow, duplicateWindowOffsets } from './duplicate-window.ts';
import { type Entry, judge } from './entry.ts';

/**
 * Reads history of one partition for one subscription. It begins 4,096 offsets early, so that duplicates are judged as they were live, holds at
 * most one chunk, and reads the next one only when that is used up.
 */

export type ScanDeps = {
  readonly log: EventLog;
  readonly decode: DecodeRecord;
  /** A chunk, a gap or the end is there: go on. */
  wake(): void;
  /** A record could not be judged because of a bug, and is passed over. */
  failed(thrown: unknown): void;
};

/**
 * What comes next.
 * - `record`: one record was looked at, with an entry or without; it lies before `from` while pre-rolling.
 * - `passed`: everything before `next` has been read.
 * - `waiting`: `wake` is called when there is more.
 * - `ended`: the log has no more for now, or (`error`) did not answer.
 */
export type ScanStep =
  | {
      readonly kind: 'record';
      readonly offset: bigint;
      readonly epoch: number;
      readonly timestampMs: number;
      readonly entry: Entry | null;
      readonly bytes: number;
    }
  | { readonly kind: 'passed'; readonly next: bigint; readonly epoch: number }
  | { readonly kind: 'gap'; readonly gap: GapChunk }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ended'; readonly error: unknown };

export class Scan {
  readonly #deps: ScanDeps;
  readonly #window = new DuplicateWindow();
  readonly #abort = new AbortController();
  readonly #chunks: AsyncIterator<LogChunk>;
  #chunk: RecordChunk | null = null;
  #index = 0;
  #next: ScanStep | null = null;
  #isReading = false;

  constructor(deps: ScanDeps, range: { partition: PartitionId; from: bigint; to: bigint }) {
    this.#deps = deps;
    const preRoll = BigInt(duplicateWindowOffsets);
    const start = range.from > preRoll ? range.from - preRoll : 0n;
    const { signal } = this.#abort;
    this.#chunks = deps.log.read(range.partition, start, range.to, { signal })[Symbol.asyncIterator]();
  }

  step(): ScanStep {
    const step = this.#next;
    if (step !== null) {
      if (step.kind !== 'ended') this.#next = null;
      return step;
    }
    const chunk = this.#chunk;
    if (chunk === null) return this.#read();
    const record = chunk.records[this.#index];
    if (record === undefined) {
      this.#chunk = null;
      return { kind: 'passed', next: chunk.next.next, epoch: chunk.next.epoch };
    }
    this.#index += 1;
    const { offset, epoch, timestampMs } = record;
    const entry = this.#judge(record);
    return { kind: 'record', offset, epoch, timestampMs, entry, bytes: record.value?.length ?? 0 };
  }

  /** A bug of ours in one record costs that record only, here as it did live; else whoever resumes would meet it again and again. */
  #judge(record: LogRecord): Entry | null {
    try {
      return judge(record, this.#deps.decode, this.#window).entry;
    } catch (thrown) {
      this.#deps.failed(thrown);
      return null;
    }
  }

  /** Ends it; what is being read is thrown away. */
  stop(): void {
    this.#abort.abort();
    this.#next = { kind: 'ended', error: null };
    this.#chunk = null;
    // A generator that is in the middle of a read takes this note when it comes back.
    this.#chunks.return?.(undefined)?.then(undefined, () => {});
  }

  #read(): ScanStep {
    if (!this.#isReading) {
      this.#isReading = true;
      this.#chunks.next().then(
        (result) => this.#arrived(result.done === true ? null : result.value),
        (error: unknown) => this.#failed(error),
      );
    }
    return { kind: 'waiting' };
  }

  #arrived(chunk: LogChunk | null): void {
    this.#isReading = false;
    if (this.#abort.signal.aborted) return;
    if (chunk === null) this.#next = { kind: 'ended', error: null };
    else if (chunk.kind === 'gap') {
      if (chunk.reason !== 'EXPIRED') this.#window.truncate(chunk.from);
      this.#next = { kind: 'gap', gap: chunk };
    } else {
      this.#chunk = chunk;
      this.#index = 0;
    }
    this.#deps.wake();
  }

  #failed(error: unknown): void {
    this.#isReading = false;
    if (this.#abort.signal.aborted) return;
    this.#next = { kind: 'ended', error };
    this.#deps.wake();
  }
}
