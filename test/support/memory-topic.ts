import type { LogRecord, NewRecord, NextOffset, PartitionId, Position } from '../../src/event.ts';
import { partitionId } from '../../src/event.ts';
import type { LogChunk, PositionVerdict } from '../../src/log/event-log.ts';

/** The data of the in-memory log: topics and partitions with offsets, epochs, expiry and truncation. No waiting, no delivery. */

const chunkRecords = 100;
const chunkBytes = 1_048_576;

const copy = (buffer: Buffer | null): Buffer | null => (buffer === null ? null : Buffer.from(buffer));

/** A copy whose buffers nobody else has. */
export const copyRecord = (record: LogRecord): LogRecord => ({
  ...record,
  key: copy(record.key),
  value: copy(record.value),
  headers: record.headers.map(([name, value]) => [name, Buffer.from(value)] as const),
});

/** Copies of the first records: as many as one chunk holds, at least one. */
const firstChunk = (records: readonly LogRecord[]): LogRecord[] => {
  let bytes = 0;
  const fits = (record: LogRecord): boolean => {
    bytes += record.value?.length ?? 0;
    return bytes <= chunkBytes;
  };
  return records
    .slice(0, chunkRecords)
    .filter((record, i) => fits(record) || i === 0)
    .map(copyRecord);
};

/** One partition: records in `[start, end)`, and where each leader epoch began. */
export class MemoryPartition {
  readonly id: PartitionId;
  start = 0n;
  end = 0n;
  #records: LogRecord[] = [];
  #epochs: { epoch: number; start: bigint }[] = [{ epoch: 0, start: 0n }];

  constructor(id: PartitionId) {
    this.id = id;
  }

  get epoch(): number {
    return this.#epochs.at(-1)?.epoch ?? 0;
  }

  append(record: NewRecord, timestampMs: number): Position {
    const { key, value, headers } = record;
    const position = { partition: this.id, offset: this.end, epoch: this.epoch };
    const stamped = record.timestampMs ?? timestampMs;
    this.#records.push(copyRecord({ ...position, timestampMs: stamped, key, value, headers }));
    this.end += 1n;
    return position;
  }

  /** Offsets that hold nothing for readers, as of control records or aborted transactions. */
  skip(count: bigint): void {
    this.end += count;
  }

  /** What stands at `from`, up to `to` and at most 100 records or 1 MiB: copies, or the gap below the start; null at the end. */
  chunk(from: bigint, to: bigint): LogChunk | null {
    if (from < this.start) {
      return { kind: 'gap', partition: this.id, from, to: to < this.start ? to : this.start, reason: 'EXPIRED' };
    }
    const first = this.#firstAt(from);
    const near = this.#records.slice(first, first + chunkRecords);
    const records = firstChunk(near.filter((record) => record.offset < to));
    const last = records.at(-1);
    if (last === undefined) {
      const next = to < this.end ? to : this.end;
      return from < next ? { kind: 'records', partition: this.id, records, next: { next, epoch: this.epoch } } : null;
    }
    return { kind: 'records', partition: this.id, records, next: { next: last.offset + 1n, epoch: last.epoch } };
  }

  /** Index of the first record at or after `offset`. */
  #firstAt(offset: bigint): number {
    let [low, high] = [0, this.#records.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#records[middle]?.offset ?? 0n) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  expire(to: bigint): void {
    if (to > this.start) this.start = to;
    if (this.end < this.start) this.end = this.start;
    this.#records = this.#records.filter((record) => record.offset >= this.start);
  }

  /** Offsets from `to` on are gone; what is written there next has a new leader epoch. */
  truncate(to: bigint): void {
    this.#records = this.#records.filter((record) => record.offset < to);
    this.end = to;
    if (this.start > to) this.start = to;
    const kept = this.#epochs.filter((entry) => entry.start < to);
    this.#epochs = [...kept, { epoch: this.epoch + 1, start: to }];
  }

  /** Where `epoch` ended, as Kafka's OffsetForLeaderEpoch answers. */
  endOfEpoch(epoch: number): bigint {
    return this.#epochs.find((entry) => entry.epoch > epoch)?.start ?? this.end;
  }

  /** Where the log was cut for one who had read up to `epoch`. */
  cutAt(epoch: number): NextOffset {
    const kept = this.#epochs.findLast((entry) => entry.epoch <= epoch);
    return { next: this.endOfEpoch(epoch), epoch: kept?.epoch ?? -1 };
  }

  verdict(position: NextOffset): PositionVerdict {
    if (position.epoch >= 0 && position.next > 0n && this.endOfEpoch(position.epoch) < position.next) {
      return position.epoch < this.epoch ? { cutAt: this.cutAt(position.epoch) } : 'ahead';
    }
    if (position.next > this.end) return 'ahead';
    return position.next < this.start ? 'expired' : 'valid';
  }
}

/** One incarnation of a topic. */
export class MemoryTopic {
  readonly name: string;
  readonly fingerprint: string;
  readonly partitions: MemoryPartition[] = [];

  constructor(name: string, incarnation: number, partitionCount: number) {
    this.name = name;
    this.fingerprint = Buffer.from(`${incarnation}:${name}`.padEnd(8, '.')).subarray(0, 8).toString('hex');
    this.grow(partitionCount);
  }

  grow(partitionCount: number): void {
    for (let i = this.partitions.length; i < partitionCount; i++) {
      this.partitions.push(new MemoryPartition(partitionId(this.name, i)));
    }
  }
}
