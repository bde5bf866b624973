import type { Clock } from '../clock.ts';
import type { GatewayError, PublishOutcome } from '../errors.ts';
import { partitionId } from '../event.ts';
import type { Logger } from '../telemetry/logger.ts';
import { backoffMs, pause } from './pause.ts';
import { batchOverheadBytes, toMessage } from './produce-message.ts';
import type { ProducerInstance, SendResult } from './producer-instance.ts';
import type { ProducerPool } from './producer-pool.ts';
import { isRefusal, judgeFailure } from './send-failure.ts';
import { notWritten, type WaitingRecord } from './waiting-record.ts';

/** What the queues of one topic share. */
export type QueueDeps = {
  readonly topic: string;
  readonly pool: ProducerPool;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The broker's limit of one batch, where it is known. */
  readonly maxBatchBytes: () => number;
  readonly signal: AbortSignal;
};

/** Kept in step by `too_large`: batches halve until they fit, and grow again with each that does. */
const unlimited = Number.POSITIVE_INFINITY;
const grownEnough = 10_000;

/**
 * The records that wait for one partition. At most one send is in flight; everything that waits by then goes into the next. kafkajs loses
 * acknowledged records with sends in parallel to a partition, and with one send over several.
 */
export class PartitionQueue {
  readonly #index: number;
  readonly #deps: QueueDeps;
  #waiting: WaitingRecord[] = [];
  #sent: readonly WaitingRecord[] = [];
  #maxRecords = unlimited;
  #isRunning = false;

  constructor(index: number, deps: QueueDeps) {
    this.#index = index;
    this.#deps = deps;
  }

  /** Whether a send is out whose callers have been told that its outcome is unknown: nothing may follow it before kafkajs settles. */
  get isBlocked(): boolean {
    return this.#sent.some(({ isSettled }) => isSettled);
  }

  push(record: WaitingRecord): void {
    this.#waiting.push(record);
    if (!this.#isRunning) void this.#run();
  }

  /** Takes out a record that was not sent in time. */
  remove(record: WaitingRecord): void {
    const at = this.#waiting.indexOf(record);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let failures = 0; this.#waiting.length > 0 && !this.#deps.signal.aborted; ) {
      const instance = await this.#connected();
      if (instance === null) await pause(this.#deps.clock, backoffMs(++failures), this.#deps.signal);
      else {
        failures = 0;
        await this.#sendNext(instance);
      }
    }
    this.#isRunning = false;
  }

  /** Null where it failed. If trying again cannot help, whoever waits is told at once. */
  async #connected(): Promise<ProducerInstance | null> {
    const { pool, topic, logger } = this.#deps;
    try {
      return await pool.current();
    } catch (cause) {
      const failure = judgeFailure(cause, topic, 'not_written');
      if (failure.kind !== 'failed' || !failure.isLasting) return null;
      logger.error('kafka cannot be written to', { topic, reason: failure.error.message });
      for (const record of this.#waiting.splice(0)) record.fail(failure.error);
      return null;
    }
  }

  async #sendNext(instance: ProducerInstance): Promise<void> {
    const batch = this.#take();
    if (batch.length === 0) return;
    for (const each of batch) each.isSent = true;
    this.#sent = batch;
    const messages = batch.map(({ record }) => toMessage(record, this.#index));
    const result = await instance.send({ topic: this.#deps.topic, partition: this.#index, messages });
    this.#sent = [];
    if (result.ok) this.#wereWritten(batch, result.baseOffset);
    else this.#failed(batch, result);
  }

  /** The oldest records that fit into one batch; at least one. */
  #take(): readonly WaitingRecord[] {
    const limit = this.#deps.maxBatchBytes();
    let bytes = batchOverheadBytes;
    const end = this.#waiting.findIndex((record, index) => {
      bytes += record.bytes;
      return index > 0 && (bytes > limit || index >= this.#maxRecords);
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  #wereWritten(batch: readonly WaitingRecord[], baseOffset: bigint): void {
    const partition = partitionId(this.#deps.topic, this.#index);
    for (const [step, record] of batch.entries()) {
      record.settle({ ok: true, position: { partition, offset: baseOffset + BigInt(step), epoch: -1 } });
    }
    this.#maxRecords = this.#maxRecords > grownEnough ? unlimited : this.#maxRecords * 2;
  }

  #failed(batch: readonly WaitingRecord[], result: FailedSend): void {
    const { topic, logger } = this.#deps;
    const failure = judgeFailure(result.cause, topic, outcomeOf(result));
    if (failure.kind === 'too_large') {
      this.#tooLarge(batch);
      return;
    }
    const reason = failure.error.message;
    logger.warn('kafka append failed', {
      topic,
      partition: this.#index,
      reason,
      outcome: failure.error.outcome ?? null,
    });
    for (const record of batch) record.fail(failure.error);
  }

  /** Nothing of the batch is written: half of it goes next, until the record that is at fault is alone. */
  #tooLarge(batch: readonly WaitingRecord[]): void {
    const { topic } = this.#deps;
    const [only] = batch;
    if (batch.length === 1) {
      only?.fail(tooLargeError(topic, only.bytes));
      return;
    }
    const due = batch.filter(({ isSettled }) => !isSettled);
    for (const record of due) record.isSent = false;
    this.#waiting.unshift(...due);
    this.#maxRecords = Math.ceil(batch.length / 2);
  }
}

/** Says that a record exceeds what its topic takes. */
export const tooLargeError = (topic: string, bytes: number): GatewayError =>
  notWritten(
    'TOO_LARGE',
    `a record of ${bytes} bytes is too large for topic ${topic}: send less, or raise max.message.bytes`,
  );

type FailedSend = Extract<SendResult, { ok: false }>;

/** A broker that said no at the first attempt has nothing of it; after any other end, it may. */
const outcomeOf = ({ cause, attempts }: FailedSend): PublishOutcome => {
  if (attempts === 0) return 'not_written';
  return attempts === 1 && isRefusal(cause) ? 'not_written' : 'unknown';
};
