import { GatewayError } from '../errors.ts';
import type { NewRecord } from '../event.ts';
import type { AppendResult } from '../log/event-log.ts';
import { partitionOf } from '../log/index.ts';
import type { Appender, AppenderOptions } from './appender.ts';
import { BatchLimit } from './batch-limit.ts';
import { PartitionQueue, tooLargeError } from './partition-queue.ts';
import { batchOverheadBytes } from './produce-message.ts';
import { ProducerPool } from './producer-pool.ts';
import { notWritten, WaitingRecord } from './waiting-record.ts';

/** What an append has, from its call. */
const deadlineMs = 5_000;
/** What may wait at once; more is refused. */
const maxPendingBytes = 32 * 2 ** 20;
const retryAfterMs = 1_000;

type Placed = { readonly waiting: WaitingRecord; readonly queue: PartitionQueue };

/** Writes records to one topic: durable in order of the calls, per partition, or given up with an honest outcome. */
class TopicAppender implements Appender {
  readonly #options: AppenderOptions;
  readonly #abort = new AbortController();
  readonly #pool: ProducerPool;
  readonly #limit: BatchLimit;
  readonly #queues = new Map<number, PartitionQueue>();
  readonly #calls = new Set<Promise<unknown>>();
  #pending = { records: 0, bytes: 0 };
  #nextKeyless = 0;
  #closing: Promise<void> | null = null;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#pool = new ProducerPool(options);
    this.#limit = new BatchLimit(options);
  }

  pending(): { readonly records: number; readonly bytes: number } {
    return { ...this.#pending };
  }

  async append(records: readonly NewRecord[]): Promise<readonly AppendResult[]> {
    const call = this.#append(records);
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #append(records: readonly NewRecord[]): Promise<readonly AppendResult[]> {
    if (records.length > 0) this.#limit.refresh();
    const placed: Placed[] = [];
    const results = records.map((record) => {
      const waiting = new WaitingRecord(record);
      const queue = this.#place(waiting);
      if (queue instanceof PartitionQueue) placed.push({ waiting, queue });
      else waiting.fail(queue);
      return waiting.result;
    });
    const timer = this.#options.clock.after(deadlineMs, () => this.#giveUp(placed));
    try {
      return await Promise.all(results);
    } finally {
      timer.cancel();
    }
  }

  /** Puts a record into its partition's queue, or says why not. */
  #place(waiting: WaitingRecord): PartitionQueue | GatewayError {
    const { topic, partitionCount } = this.#options;
    if (this.#closing !== null) return notWritten('LOG_UNAVAILABLE', 'the kafka log is closed: open another');
    const count = partitionCount();
    if (count === 0) {
      const message = `kafka topic ${topic} does not exist: carillon topics apply`;
      return notWritten('LOG_UNAVAILABLE', message, { retryAfterMs });
    }
    if (this.#limit.isBeyond(waiting.bytes + batchOverheadBytes)) return tooLargeError(topic, waiting.bytes);
    const index = this.#partitionOf(waiting.record, count);
    if (index >= count) return notWritten('LOG_UNAVAILABLE', `kafka topic ${topic} has no partition ${index}`);
    const queue = this.#queue(index);
    if (queue.isBlocked) {
      const message = `kafka has not answered an earlier append to partition ${index} of ${topic}: try again`;
      return notWritten('LOG_UNAVAILABLE', message, { retryAfterMs });
    }
    if (this.#pending.bytes + waiting.bytes > maxPendingBytes) {
      return notWritten('OVERLOADED', 'too many records wait for kafka: try again later', { retryAfterMs });
    }
    this.#enqueue(queue, waiting);
    return queue;
  }

  #enqueue(queue: PartitionQueue, waiting: WaitingRecord): void {
    this.#pending.records++;
    this.#pending.bytes += waiting.bytes;
    void waiting.result.then(() => {
      this.#pending.records--;
      this.#pending.bytes -= waiting.bytes;
    });
    queue.push(waiting);
  }

  #partitionOf({ partition, key }: NewRecord, count: number): number {
    return partition ?? (key === null ? this.#nextKeyless++ % count : partitionOf(key, count));
  }

  #queue(index: number): PartitionQueue {
    const { topic, clock, logger } = this.#options;
    const queue =
      this.#queues.get(index) ??
      new PartitionQueue(index, {
        topic,
        clock,
        logger,
        pool: this.#pool,
        maxBatchBytes: () => this.#limit.batchBytes,
        signal: this.#abort.signal,
      });
    this.#queues.set(index, queue);
    return queue;
  }

  /** Time is up: what was not sent never will be; what was may land, and its partition takes no more until that is settled. */
  #giveUp(placed: readonly Placed[]): void {
    const why = this.#pool.complaint === null ? '' : ` (${this.#pool.complaint.message})`;
    const waited = `kafka did not answer within ${deadlineMs} ms${why}`;
    for (const { waiting, queue } of placed) {
      if (waiting.isSettled) continue;
      if (waiting.isSent) {
        waiting.fail(
          new GatewayError('LOG_UNAVAILABLE', `${waited}: the record may still be written`, {
            outcome: 'unknown',
            retryAfterMs,
          }),
        );
      } else {
        queue.remove(waiting);
        waiting.fail(notWritten('LOG_UNAVAILABLE', waited, { retryAfterMs }));
      }
    }
  }

  async #close(): Promise<void> {
    await Promise.all(this.#calls);
    this.#abort.abort();
    this.#pool.destroy();
  }
}

/** Makes the appender of a topic. One partition per send, one send in flight per partition, everything that waits in the next. */
export const createAppender = (options: AppenderOptions): Appender => new TopicAppender(options);
