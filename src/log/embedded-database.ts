import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import {
  type BlockRecord,
  type PackableRecord,
  packedBytes,
  packRecords,
  setOffset,
  unpackRecords,
} from '../record-block.ts';
import type {
  PartitionState,
  ReadAnswer,
  ReadRequest,
  RetentionAnswer,
  RetentionRule,
  TopicState,
} from './embedded-protocol.ts';
import { createSchema, type PartitionRow, prepare, type Statements } from './embedded-schema.ts';
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

type Cut = { readonly partition: PartitionRow; readonly start: bigint; readonly deleted: readonly HeadRow[] };

type Heads = ReadonlyMap<PartitionRow, readonly HeadRow[]>;

type StoredPartition = {
  readonly row: bigint;
  readonly topic_id: bigint;
  readonly is_compacted: bigint;
  readonly start: bigint;
  readonly end: bigint;
  readonly bytes: bigint;
};

type StoredTopic = { readonly id: bigint; readonly fingerprint: string; readonly is_compacted: bigint };

type HeadRow = { readonly offset: bigint; readonly appended_ms: bigint; readonly size: bigint };

/** The SQLite file of the embedded log. Synchronous, one thread; every method is one transaction, done or not done as a whole. */
export class LogDatabase {
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #rows = new Map<number, PartitionRow>();

  /** Opens or creates `file`, of at most `maxPages` pages of 4 KiB (0 = no limit). Throws SQLite's error. */
  constructor(file: string, maxPages = 0) {
    this.#db = new DatabaseSync(file);
    createSchema(this.#db);
    if (maxPages > 0) this.#db.exec(`PRAGMA max_page_count = ${maxPages}`);
    this.#sql = prepare(this.#db);
    for (const stored of this.#sql.allPartitions.all() as StoredPartition[]) this.#remember(stored);
  }

  close(): void {
    this.#db.close();
  }

  /**
   * After a full disk: moves what the write-ahead log holds into the database, so that its file is used from its beginning again. Without
   * that not even deleting would have the room that it needs.
   */
  relieve(): void {
    try {
      this.#sql.checkpoint.all();
    } catch {
      // Still full: the next failure tries again.
    }
  }

  /** Creates the planned topics where missing; grows those with fewer partitions. Never shrinks. */
  topics(plans: readonly TopicPlan[]): TopicState[] {
    this.#transaction(() => {
      for (const plan of plans) this.#create(plan);
    });
    return plans.map(({ name }) => this.#topic(name));
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

  /** Records of `[from, to)` up to `maxBytes` or `maxRecords`, at least one; or the gap below the start. */
  read({ row, from, to, maxBytes, maxRecords }: ReadRequest): ReadAnswer {
    const partition = this.#row(row);
    if (from < partition.start) return { kind: 'gap', to: partition.start < to ? partition.start : to };
    const records: PackableRecord[] = [];
    let next = to < partition.end ? to : partition.end;
    let bytes = 0;
    for (const stored of this.#sql.range.iterate(row, from, to) as Iterable<unknown> as Iterable<StoredRow>) {
      if (bytes >= maxBytes || records.length >= maxRecords) {
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
    return { moved: this.#cut([{ partition, start, deleted: heads }]), isDone };
  }

  /** Deletes up to one slice of what is too old, or too much, or a tombstone that had its time. */
  retain(rule: RetentionRule): RetentionAnswer {
    for (const partition of this.#rows.values()) {
      if (partition.isCompacted) this.#dropTombstones(partition.row, rule.cutoffMs);
    }
    const kept = [...this.#rows.values()].filter(({ isCompacted }) => !isCompacted);
    const heads = this.#firstExpired(kept, rule.cutoffMs) ?? this.#firstExcess(kept, rule.bytes);
    if (heads !== null) return { moved: this.#deleteHeads(heads), isDone: false };
    this.#sql.vacuum.all();
    return { moved: [], isDone: true };
  }

  #firstExpired(partitions: readonly PartitionRow[], cutoffMs: number): Heads | null {
    for (const partition of partitions) {
      const old = this.#expired(partition, cutoffMs);
      if (old.length > 0) return new Map([[partition, old]]);
    }
    return null;
  }

  #firstExcess(partitions: readonly PartitionRow[], limit: number): Heads | null {
    for (const topic of Map.groupBy(partitions, ({ topicId }) => topicId).values()) {
      const excess = topic.reduce((sum, { bytes }) => sum + bytes, 0) - limit;
      if (excess > 0) return this.#oldest(topic, excess);
    }
    return null;
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

  /** The oldest records of all the partitions together, one slice or until their bytes make up `excess`. */
  #oldest(partitions: readonly PartitionRow[], excess: number): Heads {
    const candidates = partitions.flatMap((partition) => {
      let ms = 0;
      // Never younger than the record before: else a clock that was set back would have a partition deleted in its middle.
      return this.#heads(partition.row).map((head) => {
        ms = Math.max(ms, Number(head.appended_ms));
        return { partition, head, ms };
      });
    });
    candidates.sort((a, b) => a.ms - b.ms);
    let bytes = 0;
    const enough = candidates.findIndex(({ head }) => {
      bytes += Number(head.size);
      return bytes >= excess;
    });
    const chosen = candidates.slice(0, Math.min(enough < 0 ? candidates.length : enough + 1, sliceRows));
    const grouped = Map.groupBy(chosen, ({ partition }) => partition);
    return new Map([...grouped].map(([partition, group]) => [partition, group.map(({ head }) => head)]));
  }

  #heads(row: number): HeadRow[] {
    return this.#sql.heads.all(row, sliceRows) as unknown as HeadRow[];
  }

  /** Deletes the first records of partitions, in one transaction. */
  #deleteHeads(heads: Heads): PartitionState[] {
    const cuts = [...heads].map(([partition, deleted]) => ({
      partition,
      start: (deleted.at(-1)?.offset ?? partition.start - 1n) + 1n,
      deleted,
    }));
    return this.#cut(cuts);
  }

  #cut(cuts: readonly Cut[]): PartitionState[] {
    const bytesLeft = cuts.map(({ partition, deleted }) => {
      return partition.bytes - deleted.reduce((sum, { size }) => sum + Number(size), 0);
    });
    this.#transaction(() => {
      for (const [i, { partition, start }] of cuts.entries()) {
        this.#sql.deleteBelow.run(partition.row, start);
        this.#sql.deleteKeysBelow.run(partition.row, start);
        this.#sql.setStart.run(start, bytesLeft[i] ?? 0, partition.row);
      }
    });
    return cuts.map(({ partition, start }, i) => {
      Object.assign(partition, { start, bytes: bytesLeft[i] ?? 0 });
      return { row: partition.row, start, end: partition.end };
    });
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
    const { row, timestampMs, key, value, encodedHeaders } = record;
    this.#sql.insert.run(row, offset, timestampMs, group.nowMs, key, value, encodedHeaders);
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

  #create({ name, isCompacted, partitionCount }: TopicPlan): void {
    this.#sql.addTopic.run(name, randomBytes(8).toString('hex'), isCompacted ? 1 : 0);
    const { id } = this.#sql.topic.get(name) as StoredTopic;
    for (let index = 0; index < partitionCount; index++) this.#sql.addPartition.run(id, index);
  }

  #topic(name: string): TopicState {
    const topic = this.#sql.topic.get(name) as StoredTopic;
    const partitions = (this.#sql.partitions.all(topic.id) as StoredPartition[]).map((stored) => {
      const { row, start, end } = this.#remember(stored);
      return { row, start, end };
    });
    const isCompacted = topic.is_compacted === 1n;
    return { name, fingerprint: topic.fingerprint, isCompacted, partitions };
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

const sizeOf = ({ key, value, encodedHeaders }: BlockRecord): number =>
  rowBytes + (key?.length ?? 0) + (value?.length ?? 0) + encodedHeaders.length;
