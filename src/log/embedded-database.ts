import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { PartitionState, ReadAnswer, ReadRequest, RetentionAnswer, TopicState } from './embedded-protocol.ts';
import { createSchema, type PartitionRow, prepare, type Statements } from './embedded-schema.ts';
import {
  type BlockRecord,
  type PackableRecord,
  packedBytes,
  packRecords,
  setOffset,
  unpackRecords,
} from './record-block.ts';
import type { TopicPlan } from './topics.ts';

/** Rows deleted in one transaction; keeps appends from waiting longer than a few milliseconds. */
const sliceRows = 500;
/** What a record takes besides its own bytes. */
const rowBytes = 32;

type Counters = { end: bigint; bytes: number };

type StoredRow = {
  readonly offset: bigint;
  readonly timestamp_ms: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Uint8Array;
};

type StoredPartition = {
  readonly row: bigint;
  readonly topic_id: bigint;
  readonly is_compacted: bigint;
  readonly start: bigint;
  readonly end: bigint;
  readonly bytes: bigint;
};

type HeadRow = { readonly offset: bigint; readonly appended_ms: bigint; readonly size: bigint };

/** The SQLite file of the embedded log. Synchronous, one thread; every method is one transaction, done or not done as a whole. */
export class LogDatabase {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #rows = new Map<number, PartitionRow>();

  /** Opens or creates `file`. Throws SQLite's error. */
  constructor(file: string) {
    this.#db = new DatabaseSync(file);
    createSchema(this.#db);
    this.#sql = prepare(this.#db);
    for (const stored of this.#sql.allPartitions.all() as StoredPartition[]) this.#remember(stored);
  }

  close(): void {
    this.#db.close();
  }

  /** Creates the planned topics where missing; grows those with fewer partitions. Never shrinks. */
  topics(plans: readonly TopicPlan[]): TopicState[] {
    return this.#transaction(() => plans.map((plan) => this.#topic(plan)));
  }

  /** Writes the block's records and fills in their offsets. */
  append(block: Buffer, nowMs: number): void {
    const counters = new Map<number, Counters>();
    this.#transaction(() => {
      for (const record of unpackRecords(block)) this.#insert(block, record, { counters, nowMs });
      for (const [row, { end, bytes }] of counters) this.#sql.setEnd.run(end, bytes, row);
    });
    for (const [row, { end, bytes }] of counters) Object.assign(this.#row(row), { end, bytes });
  }

  /** Records of `[from, to)` up to `maxBytes`, at least one; or the gap below the start. */
  read({ row, from, to, maxBytes }: ReadRequest): ReadAnswer {
    const partition = this.#row(row);
    if (from < partition.start) return { kind: 'gap', to: partition.start < to ? partition.start : to };
    const records: PackableRecord[] = [];
    let next = to < partition.end ? to : partition.end;
    let bytes = 0;
    for (const stored of this.#sql.range.iterate(row, from, to) as Iterable<unknown> as Iterable<StoredRow>) {
      if (bytes >= maxBytes) {
        next = stored.offset;
        break;
      }
      const record = { ...stored, row, timestampMs: stored.timestamp_ms };
      bytes += packedBytes(record);
      records.push(record);
    }
    return { kind: 'records', block: packRecords(records).buffer, next };
  }

  /** Deletes up to one slice of the records below `to`. */
  trim(row: number, to: bigint): RetentionAnswer {
    const partition = this.#row(row);
    const bound = to < partition.end ? to : partition.end;
    if (bound <= partition.start) return { moved: [], isDone: true };
    const heads = this.#heads(row).filter(({ offset }) => offset < bound);
    const isDone = heads.length < sliceRows;
    const last = heads.at(-1)?.offset;
    const start = isDone || last === undefined ? bound : last + 1n;
    return { moved: [this.#deleteBelow(partition, start, heads)], isDone };
  }

  /** Deletes up to one slice of what is too old, or too much, or a tombstone that had its time. */
  retain(rule: { cutoffMs: number; bytes: number }): RetentionAnswer {
    for (const partition of this.#rows.values()) {
      if (partition.isCompacted) this.#dropTombstones(partition.row, rule.cutoffMs);
      const old = partition.isCompacted ? [] : this.#expired(partition, rule.cutoffMs);
      const last = old.at(-1);
      if (last !== undefined) return { moved: [this.#deleteBelow(partition, last.offset + 1n, old)], isDone: false };
    }
    const moved = this.#shrink(rule.bytes);
    if (moved === null) this.#sql.vacuum.all();
    return { moved: moved === null ? [] : [moved], isDone: moved === null };
  }

  #expired(partition: PartitionRow, cutoffMs: number): HeadRow[] {
    const head = this.#sql.heads.get(partition.row, 1) as HeadRow | undefined;
    if (head === undefined || head.appended_ms >= cutoffMs) return [];
    const heads = this.#heads(partition.row);
    const kept = heads.findIndex(({ appended_ms }) => appended_ms >= cutoffMs);
    return kept < 0 ? heads : heads.slice(0, kept);
  }

  #dropTombstones(row: number, cutoffMs: number): void {
    this.#transaction(() => {
      this.#sql.forgetTombstones.run(row, row, cutoffMs);
      this.#sql.dropTombstones.run(row, cutoffMs);
    });
  }

  /** Deletes from the head of the partition with the oldest record of a topic that is over its bytes; null = none is. */
  #shrink(limit: number): PartitionState | null {
    const byTopic = Map.groupBy(this.#rows.values(), ({ topicId }) => topicId);
    for (const partitions of byTopic.values()) {
      const excess = partitions.reduce((sum, { bytes }) => sum + bytes, 0) - limit;
      if (excess <= 0 || partitions[0]?.isCompacted !== false) continue;
      const oldest = this.#oldest(partitions);
      if (oldest === null) continue;
      const heads = takeUntil(this.#heads(oldest.row), excess);
      const last = heads.at(-1);
      if (last !== undefined) return this.#deleteBelow(oldest, last.offset + 1n, heads);
    }
    return null;
  }

  #oldest(partitions: readonly PartitionRow[]): PartitionRow | null {
    let oldest: PartitionRow | null = null;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const partition of partitions) {
      const head = this.#sql.heads.get(partition.row, 1) as HeadRow | undefined;
      if (head === undefined || Number(head.appended_ms) >= oldestMs) continue;
      oldest = partition;
      oldestMs = Number(head.appended_ms);
    }
    return oldest;
  }

  #heads(row: number): HeadRow[] {
    return this.#sql.heads.all(row, sliceRows) as unknown as HeadRow[];
  }

  #deleteBelow(partition: PartitionRow, start: bigint, deleted: readonly HeadRow[]): PartitionState {
    const bytes = partition.bytes - deleted.reduce((sum, { size }) => sum + Number(size), 0);
    this.#transaction(() => {
      this.#sql.deleteBelow.run(partition.row, start);
      this.#sql.deleteKeysBelow.run(partition.row, start);
      this.#sql.setStart.run(start, bytes, partition.row);
    });
    Object.assign(partition, { start, bytes });
    return { row: partition.row, start, end: partition.end };
  }

  #insert(block: Buffer, record: BlockRecord, group: { counters: Map<number, Counters>; nowMs: number }): void {
    const partition = this.#row(record.row);
    let counters = group.counters.get(record.row);
    if (counters === undefined) {
      counters = { end: partition.end, bytes: partition.bytes };
      group.counters.set(record.row, counters);
    }
    const offset = counters.end;
    counters.end += 1n;
    counters.bytes += sizeOf(record);
    const { row, timestampMs, key, value, headers } = record;
    this.#sql.insert.run(row, offset, timestampMs, group.nowMs, key, value, headers);
    if (partition.isCompacted && key !== null) counters.bytes -= this.#supersede(row, key, offset);
    setOffset(block, record.at, offset);
  }

  /** Deletes the record that `key` had before; returns the bytes that this freed. */
  #supersede(row: number, key: Uint8Array, offset: bigint): number {
    const before = this.#sql.keyOffset.get(row, key) as { offset: bigint } | undefined;
    this.#sql.setKey.run(row, key, offset);
    if (before === undefined) return 0;
    const old = this.#sql.size.get(row, before.offset) as { size: bigint } | undefined;
    this.#sql.deleteOne.run(row, before.offset);
    return Number(old?.size ?? 0n);
  }

  #topic(plan: TopicPlan): TopicState {
    this.#sql.addTopic.run(plan.name, randomBytes(8).toString('hex'), plan.isCompacted ? 1 : 0);
    const topic = this.#sql.topic.get(plan.name) as { id: bigint; fingerprint: string; is_compacted: bigint };
    for (let index = 0; index < plan.partitionCount; index++) this.#sql.addPartition.run(topic.id, index);
    const partitions = (this.#sql.partitions.all(topic.id) as StoredPartition[]).map((stored) => {
      const { row, start, end } = this.#remember(stored);
      return { row, start, end };
    });
    const isCompacted = topic.is_compacted === 1n;
    return { name: plan.name, fingerprint: topic.fingerprint, isCompacted, partitions };
  }

  #remember(stored: StoredPartition): PartitionRow {
    const row = Number(stored.row);
    const known = this.#rows.get(row);
    if (known !== undefined) return known;
    const { start, end } = stored;
    const [topicId, bytes, isCompacted] = [Number(stored.topic_id), Number(stored.bytes), stored.is_compacted === 1n];
    const partition = { row, topicId, isCompacted, start, end, bytes };
    this.#rows.set(row, partition);
    return partition;
  }

  #row(row: number): PartitionRow {
    const partition = this.#rows.get(row);
    if (partition === undefined) throw new Error(`the embedded log has no partition row ${row}`);
    return partition;
  }

  #transaction<Result>(run: () => Result): Result {
    this.#sql.begin.run();
    try {
      const result = run();
      this.#sql.commit.run();
      return result;
    } catch (thrown) {
      // SQLite ends the transaction itself after some errors (full disk, I/O): then there is nothing to roll back.
      if (this.#db.isTransaction) this.#sql.rollback.run();
      throw thrown;
    }
  }
}

const sizeOf = ({ key, value, headers }: BlockRecord): number =>
  rowBytes + (key?.length ?? 0) + (value?.length ?? 0) + headers.length;

const takeUntil = (heads: readonly HeadRow[], bytes: number): HeadRow[] => {
  let sum = 0;
  const end = heads.findIndex(({ size }) => {
    sum += Number(size);
    return sum >= bytes;
  });
  return end < 0 ? [...heads] : heads.slice(0, end + 1);
};
