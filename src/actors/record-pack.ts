import type { Audience, LogRecord, PartitionId } from '../event.ts';
import { type PackableRecord, packedBytes, RecordView, writeRecord } from '../record-block.ts';
import { storedHeaders } from '../record-headers.ts';
import { type AddresseeKeys, AudienceFilter, type AudienceKey, audienceKeyOf } from './audience-filter.ts';
import type { Entry } from './entry.ts';
import type { EntryReader, Readable } from './entry-reader.ts';

/** Where a record stands, and the time at which it was written. */
export type Place = { readonly offset: bigint; readonly epoch: number; readonly timestampMs: number };

/** A record of a pack: its epoch stands where a log has its own number of the partition, plus one, since -1 is "unknown". */
class PackedRecord extends RecordView {
  override get epoch(): number {
    return this.row - 1;
  }
}

/** A record on its way into a pack. */
export const toPacked = (record: LogRecord): PackableRecord => {
  const { offset, timestampMs, key, value, epoch } = record;
  const headers = record instanceof RecordView ? record.encodedHeaders : storedHeaders(record);
  return { row: epoch + 1, offset, timestampMs, key, value, headers };
};

/** What a record costs beside its bytes: four numbers. */
const recordOverheadBytes = 32;
const packOverheadBytes = 512;
const firstBytes = 1_024;
/** Share of the memory that has to be in use. */
const worthKeeping = 0.8;

/**
 * Records of one partition in order, and whom each is for: what is kept of the log for those who come back. They lie in one piece of memory, without an
 * object for each, so that keeping many of them costs the collector nothing; one is read when somebody of its audience comes by.
 */
export class RecordPack implements Readable {
  readonly known: Readable['known'] = new Map();
  readonly #partition: PartitionId;
  readonly #reader: EntryReader;
  #memory: Buffer;
  #length = 0;
  readonly #ats: number[] = [];
  readonly #offsets: number[] = [];
  readonly #keys: AudienceKey[] = [];
  readonly #fetchedAtMs: number[] = [];
  #filter: AudienceFilter | null = null;

  /** `memory` is its own from now on; without any it takes what it needs. */
  constructor(partition: PartitionId, reader: EntryReader, memory: Buffer = Buffer.alloc(0)) {
    this.#partition = partition;
    this.#reader = reader;
    this.#memory = memory;
  }

  get size(): number {
    return this.#ats.length;
  }

  /** All that it takes in memory, but for entries that the reader remembers. */
  get bytes(): number {
    return packOverheadBytes + this.#memory.length + this.size * recordOverheadBytes;
  }

  /** Its memory, for another when nobody asks this one any more. */
  get memory(): Buffer {
    return this.#memory;
  }

  /** Whether `record` fits into the memory that it has. */
  hasRoomFor(record: PackableRecord): boolean {
    return this.#length + packedBytes(record) <= this.#memory.length;
  }

  /** Adds a record, which is copied; offsets rise. */
  add(record: PackableRecord, audience: Audience, fetchedAtMs: number): void {
    this.#put(record, audienceKeyOf(audience), fetchedAtMs);
  }

  /** A pack of record `first` and those after it that are for `keys`; of none where it is -1. */
  only(keys: AddresseeKeys, first: number): RecordPack {
    const some = new RecordPack(this.#partition, this.#reader);
    for (let n = first; n >= 0; n = this.next(keys, n))
      some.#put(toPacked(this.recordAt(n)), this.#keys[n] ?? 0, this.fetchedAtMs(n));
    some.seal();
    return some;
  }

  /** No more comes: gives back the memory that it does not need, where that is worth a copy. */
  seal(): void {
    this.#filter = AudienceFilter.of(new Set(this.#keys));
    if (this.#length < this.#memory.length * worthKeeping) this.#resize(this.#length);
  }

  /**
   * Number of the first record at or after `offset` that is for one of `keys`; -1 where there is none. Two audiences may have the same key: whoever
   * takes an entry looks whom it is for.
   */
  first(keys: AddresseeKeys, offset: bigint): number {
    // For very many keys the filter takes longer than a look at the records.
    if (keys.all.length < this.size && this.#filter?.mayHold(keys.all) === false) return -1;
    return this.next(keys, this.#seek(offset) - 1);
  }

  /** Number of the first record after number `n` that is for one of `keys`; -1 where there is none. */
  next(keys: AddresseeKeys, n: number): number {
    for (let at = n + 1; at < this.size; at++) if (keys.has(this.#keys[at] ?? 0)) return at;
    return -1;
  }

  placeAt(n: number): Place {
    const { offset, epoch, timestampMs } = this.recordAt(n);
    return { offset, epoch, timestampMs };
  }

  /** The entry of record `n`; null: it has none. */
  entryAt(n: number): Entry | null {
    return this.#reader.read(this, n);
  }

  recordAt(n: number): LogRecord {
    return new PackedRecord(this.#memory, this.#ats[n] ?? 0, this.#partition);
  }

  fetchedAtMs(n: number): number {
    return this.#fetchedAtMs[n] ?? 0;
  }

  /** Number of the first record at or after `offset`; `size` where there is none. */
  #seek(offset: bigint): number {
    const wanted = Number(offset);
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#offsets[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #put(record: PackableRecord, audience: AudienceKey, fetchedAtMs: number): void {
    this.#reserve(packedBytes(record));
    this.#ats.push(this.#length);
    this.#offsets.push(Number(record.offset));
    this.#keys.push(audience);
    this.#fetchedAtMs.push(fetchedAtMs);
    this.#length = writeRecord(this.#memory, this.#length, record);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed > this.#memory.length) this.#resize(Math.max(needed, firstBytes, this.#memory.length * 2));
  }

  /** Memory of its own, not a part of a pool that would live as long. */
  #resize(bytes: number): void {
    const resized = Buffer.allocUnsafeSlow(bytes);
    this.#memory.copy(resized, 0, 0, this.#length);
    this.#memory = resized;
  }
}
