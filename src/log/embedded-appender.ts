import type { Clock, Timer } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { NewRecord } from '../event.ts';
import { type PackableRecord, packedBytes, packRecords, toPackable, unpackRecords } from '../record-block.ts';
import { type EmbeddedLink, failureError, type LinkResult } from './embedded-link.ts';
import type { EmbeddedPartition, EmbeddedPartitions, EmbeddedTopic } from './embedded-partitions.ts';
import type { AppendResult } from './event-log.ts';
import { partitionOf } from './murmur2.ts';

const giveUpMs = 5_000;
const maxRecordBytes = 8 * 1_048_576;
const groupBytes = 1_048_576;
const groupRecords = 1_024;
const queueBytes = 64 * 1_048_576;

/** One record on its way; settled once, by commit, failure or time-out. */
type Entry = {
  readonly partition: EmbeddedPartition;
  readonly record: PackableRecord;
  readonly bytes: number;
  readonly dueMs: number;
  isSettled: boolean;
  settle(result: AppendResult): void;
};

type AppenderOptions = {
  readonly link: EmbeddedLink;
  readonly partitions: EmbeddedPartitions;
  readonly clock: Clock;
  readonly file: string;
  /** The transaction in flight has not been answered for `ms`; 0 once it is. */
  onStalled(ms: number): void;
};

const refuse = (code: 'LOG_UNAVAILABLE' | 'BAD_USER_INPUT' | 'TOO_LARGE' | 'OVERLOADED', message: string) =>
  ({ ok: false, error: new GatewayError(code, message, { outcome: 'not_written' }) }) as const;

/**
 * Group commit: one transaction is in flight at a time, and everything that waits goes into the next (at most 1,024 records or 1 MiB). At
 * most 64 MiB wait, then appends are refused with OVERLOADED. A record is given up 5 s after its call: `not_written` while it waits,
 * `unknown` once it was handed to the worker.
 */
export class EmbeddedAppender {
  readonly #options: AppenderOptions;
  #queue: Entry[] = [];
  #queuedBytes = 0;
  #inFlight: readonly Entry[] = [];
  #isScheduled = false;
  #nextKeyless = 0;
  #timer: Timer | null = null;
  #isStalled = false;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(options: AppenderOptions) {
    this.#options = options;
  }

  /** Appends to `topic`; one result per record, by index. Never rejects. */
  append(topic: EmbeddedTopic | undefined, records: readonly NewRecord[]): Promise<readonly AppendResult[]> {
    const results: AppendResult[] = new Array(records.length);
    let left = records.length;
    if (left === 0) return Promise.resolve(results);
    return new Promise((resolve) => {
      for (const [index, record] of records.entries()) {
        this.#enqueue(topic, record, (result) => {
          results[index] = result;
          left -= 1;
          if (left === 0) resolve(results);
        });
      }
      this.#schedule();
    });
  }

  /** Resolves when nothing waits and nothing is in flight. */
  idle(): Promise<void> {
    if (this.#queue.length === 0 && this.#inFlight.length === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  /** A worker is there again: what waited goes on. */
  resume(): void {
    this.#schedule();
  }

  #enqueue(topic: EmbeddedTopic | undefined, record: NewRecord, settle: Entry['settle']): void {
    const { clock } = this.#options;
    const partition = this.#place(topic, record);
    if ('ok' in partition) {
      settle(partition);
      return;
    }
    const packable = toPackable(record, partition.row, clock.now());
    const bytes = packedBytes(packable);
    const refusal = this.#refusal(packable, bytes, topic?.isCompacted === true);
    if (refusal !== null) {
      settle(refusal);
      return;
    }
    this.#queuedBytes += bytes;
    const dueMs = clock.monotonic() + giveUpMs;
    this.#queue.push({ partition, record: packable, bytes, dueMs, isSettled: false, settle });
  }

  #place(topic: EmbeddedTopic | undefined, { key, partition }: NewRecord): EmbeddedPartition | AppendResult {
    if (topic === undefined) return refuse('LOG_UNAVAILABLE', 'the topic is not open yet: open the log first');
    const count = topic.partitions.length;
    // Without a key any partition is right; in turn, they fill evenly.
    const index = partition ?? (key === null ? this.#nextKeyless++ % count : partitionOf(key, count));
    const found = topic.partitions[index];
    if (found !== undefined) return found;
    const { name } = topic.shown;
    return refuse('BAD_USER_INPUT', `topic ${name} has no partition ${index}: name one from 0 to ${count - 1}`);
  }

  #refusal(record: PackableRecord, bytes: number, isCompacted: boolean): AppendResult | null {
    if (bytes > maxRecordBytes) {
      return refuse('TOO_LARGE', `a record of ${bytes} bytes is over ${maxRecordBytes}: send less`);
    }
    if (!Number.isFinite(record.timestampMs)) return refuse('BAD_USER_INPUT', 'a timestamp is not a finite number');
    if (isCompacted && record.key === null) {
      return refuse('BAD_USER_INPUT', 'a compacted topic takes no record without a key: give it one');
    }
    if (this.#queuedBytes + bytes <= queueBytes) return null;
    return refuse('OVERLOADED', `${this.#queuedBytes} bytes wait for the embedded log's disk: retry later`);
  }

  #schedule(): void {
    this.#armTimer();
    this.#announceIdle();
    if (this.#isScheduled || this.#inFlight.length > 0 || this.#queue.length === 0) return;
    this.#isScheduled = true;
    // In a microtask, so that all appends of one turn share a transaction.
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (this.#options.link.isUp) void this.#commit();
    });
  }

  async #commit(): Promise<void> {
    const group = this.#takeGroup();
    if (group.length === 0) return;
    this.#inFlight = group;
    const block = packRecords(group.map(({ record }) => record));
    const body = { block: block.buffer, nowMs: Math.trunc(this.#options.clock.now()) };
    const result = await this.#options.link.call('append', body, [block.buffer]);
    this.#inFlight = [];
    if (this.#isStalled) this.#options.onStalled(0);
    this.#isStalled = false;
    this.#settleGroup(group, result);
    this.#schedule();
  }

  #takeGroup(): Entry[] {
    let bytes = 0;
    let end = 0;
    for (const entry of this.#queue) {
      if (end > 0 && (end >= groupRecords || bytes + entry.bytes > groupBytes)) break;
      bytes += entry.bytes;
      end += 1;
    }
    const group = this.#queue.slice(0, end);
    this.#queue = this.#queue.slice(end);
    this.#queuedBytes -= bytes;
    return group;
  }

  #settleGroup(group: readonly Entry[], result: LinkResult<'append'>): void {
    if (result.kind === 'done') {
      const records = [...unpackRecords(Buffer.from(result.answer))];
      for (const [index, entry] of group.entries()) {
        const offset = records[index]?.offset ?? -1n;
        settle(entry, { ok: true, position: { partition: entry.partition.id, offset, epoch: 0 } });
      }
      this.#options.partitions.committed(records);
      return;
    }
    const error = result.kind === 'lost' ? lostError() : failureError(result.failure, this.#options.file);
    for (const entry of group) settle(entry, { ok: false, error });
  }

  #armTimer(): void {
    // What is in flight and given up is no reason to wake again.
    const oldest = this.#inFlight.find(({ isSettled }) => !isSettled) ?? this.#queue[0];
    if (this.#timer !== null || oldest === undefined) return;
    const { clock } = this.#options;
    this.#timer = clock.after(Math.max(oldest.dueMs - clock.monotonic(), 0), () => {
      this.#timer = null;
      this.#giveUp(clock.monotonic());
      this.#armTimer();
      this.#announceIdle();
    });
  }

  #giveUp(nowMs: number): void {
    const isLate = (entry: Entry): boolean => !entry.isSettled && entry.dueMs <= nowMs;
    const late = this.#queue.filter(isLate);
    for (const entry of late) {
      settle(entry, refuse('LOG_UNAVAILABLE', 'the embedded log did not take the record in 5 s: retry'));
      this.#queuedBytes -= entry.bytes;
    }
    if (late.length > 0) this.#queue = this.#queue.filter(({ isSettled }) => !isSettled);
    const unknown = new GatewayError(
      'LOG_UNAVAILABLE',
      'the embedded log did not answer in 5 s: it may still be written',
      {
        outcome: 'unknown',
      },
    );
    const lateInFlight = this.#inFlight.filter(isLate);
    for (const entry of lateInFlight) settle(entry, { ok: false, error: unknown });
    if (lateInFlight.length === 0) return;
    this.#isStalled = true;
    this.#options.onStalled(giveUpMs);
  }

  #announceIdle(): void {
    if (this.#queue.length > 0 || this.#inFlight.length > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#idle?.resolve();
    this.#idle = null;
  }
}

const settle = (entry: Entry, result: AppendResult): void => {
  if (entry.isSettled) return;
  entry.isSettled = true;
  entry.settle(result);
};

const lostError = (): GatewayError => {
  const message = 'the embedded log worker ended before it answered: the record may be written';
  return new GatewayError('LOG_UNAVAILABLE', message, { outcome: 'unknown' });
};
