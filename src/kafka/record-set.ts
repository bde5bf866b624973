import type { LogRecord, NextOffset, PartitionId } from '../event.ts';
import type { AbortedTransaction } from './fetch-request.ts';
import { type BatchHead, isAbortMarker, readBatchHead, readBatchRecords } from './record-batch.ts';

/** A batch that cannot be read: damaged, of an unknown codec, or of a format older than Kafka 0.11. */
export type BadBatch = {
  readonly from: bigint;
  readonly to: bigint;
  readonly epoch: number;
  readonly codec: number;
  readonly cause: unknown;
};

/** What one fetch gives of one partition: records up to `next`, or up to a bad batch that begins at `next`. */
export type RecordSet = {
  readonly records: readonly LogRecord[];
  readonly next: NextOffset;
  readonly bad: BadBatch | null;
};

/** Which transactions are open and aborted while batches go by in order of offset (as Java's consumer does it). */
class AbortedFilter {
  readonly #waiting: AbortedTransaction[];
  readonly #open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = [...aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  /** Whether the batch is data of a transaction that was taken back. A control batch is not data. */
  isAborted(head: BatchHead): boolean {
    while (this.#waiting[0] !== undefined && this.#waiting[0].firstOffset <= head.lastOffset) {
      this.#open.add(this.#waiting[0].producerId);
      this.#waiting.shift();
    }
    // Closed by its own marker only: the same producer's next transaction may be a good one, or aborted again.
    if (head.isControl && isAbortMarker(head)) this.#open.delete(head.producerId);
    return head.isTransactional && this.#open.has(head.producerId);
  }
}

type Fetched = {
  readonly partition: PartitionId;
  readonly from: NextOffset;
  readonly batches: Buffer;
  readonly aborted: readonly AbortedTransaction[];
};

/**
 * Reads the record batches of one partition's answer: drops records below the position asked for (a batch is sent whole),
 * control records and aborted transactions, and moves `next` past all of them. Never throws.
 */
export const readRecordSet = (fetched: Fetched): RecordSet => {
  const filter = new AbortedFilter(fetched.aborted);
  const lists: LogRecord[][] = [];
  let next = fetched.from;
  for (let at = 0; ; ) {
    const batch = readBatchHead(fetched.batches, at);
    if (batch === null) return { records: lists.flat(), next, bad: null };
    const { head, end } = batch;
    at = end;
    if (head.lastOffset < next.next) continue;
    try {
      if (!filter.isAborted(head) && !head.isControl) {
        lists.push(readBatchRecords(head, fetched.partition, fetched.from.next));
      }
    } catch (cause) {
      const bad = { from: next.next, to: head.lastOffset + 1n, epoch: head.epoch, codec: head.codec, cause };
      return { records: lists.flat(), next, bad };
    }
    next = { next: head.lastOffset + 1n, epoch: head.epoch };
  }
};
