import type { Audience, LogRecord, PartitionId } from '../event.ts';
import { type PackableRecord, packedBytes } from '../record-block.ts';
import type { AddresseeKeys } from './audience-filter.ts';
import type { Entry } from './entry.ts';
import type { EntryReader } from './entry-reader.ts';
import { RecordPack, toPacked } from './record-pack.ts';

/** The recent records of every partition, bounded in bytes, and the range of offsets that they cover without a hole. */

/** The oldest go pack by pack: so many fill the ring. */
const packs = 64;

/** One partition: covers `[from, to)`; offsets without a record had nothing for anybody. */
class PartitionRing {
  from: bigint;
  to: bigint;
  readonly #partition: PartitionId;
  readonly #reader: EntryReader;
  readonly #maxBytes: number;
  /** The usual size of a pack's memory. */
  readonly #packBytes: number;
  readonly #packs: { readonly pack: RecordPack; next: bigint }[] = [];
  /** Of the pack that was given up last, where it is one of the usual size. */
  #spare: Buffer | null = null;
  /** Of all but the newest pack. */
  #sealedBytes = 0;

  constructor(partition: PartitionId, at: bigint, { maxBytes, reader }: { maxBytes: number; reader: EntryReader }) {
    this.from = at;
    this.to = at;
    this.#partition = partition;
    this.#reader = reader;
    this.#maxBytes = maxBytes;
    this.#packBytes = Math.floor(maxBytes / packs);
  }

  push(record: LogRecord, audience: Audience, fetchedAtMs: number): void {
    if (record.offset < this.from) return;
    const packed = toPacked(record);
    const newest = this.#open(packed);
    newest.pack.add(packed, audience, fetchedAtMs);
    newest.next = record.offset + 1n;
    while (this.#packs.length > 0 && this.#bytes > this.#maxBytes) this.#evict();
  }

  /** The pack that takes what comes. */
  #open(record: PackableRecord): { readonly pack: RecordPack; next: bigint } {
    const newest = this.#packs.at(-1);
    if (newest?.pack.hasRoomFor(record) === true) return newest;
    newest?.pack.seal();
    this.#sealedBytes += newest?.pack.bytes ?? 0;
    const memory = this.#memoryFor(Math.max(this.#packBytes, packedBytes(record)));
    const made = { pack: new RecordPack(this.#partition, this.#reader, memory), next: this.to };
    this.#packs.push(made);
    return made;
  }

  /** That of a pack that was given up, nearly always: what is allocated and freed all the time leaves holes in the process's memory. */
  #memoryFor(bytes: number): Buffer {
    const spare = this.#spare;
    this.#spare = null;
    return spare?.length === bytes ? spare : Buffer.allocUnsafeSlow(bytes);
  }

  get #bytes(): number {
    return this.#sealedBytes + (this.#packs.at(-1)?.pack.bytes ?? 0);
  }

  #evict(): void {
    const oldest = this.#packs.shift();
    if (oldest === undefined) return;
    if (this.#packs.length > 0) this.#sealedBytes -= oldest.pack.bytes;
    this.from = oldest.next;
    const { memory } = oldest.pack;
    if (memory.length === this.#packBytes) this.#spare = memory;
  }

  first(offset: bigint, keys: AddresseeKeys): Entry | undefined {
    for (const { pack, next } of this.#packs) {
      if (next <= offset) continue;
      for (let n = pack.first(keys, offset); n >= 0; n = pack.next(keys, n)) {
        const entry = pack.entryAt(n);
        if (entry !== null) return entry;
      }
    }
    return undefined;
  }
}

export class Ring {
  readonly #maxBytes: number;
  readonly #reader: EntryReader;
  readonly #partitions = new Map<PartitionId, PartitionRing>();

  /** `maxBytes` bounds each partition. */
  constructor(maxBytes: number, reader: EntryReader) {
    this.#maxBytes = maxBytes;
    this.#reader = reader;
  }

  /** Starts covering `partition` anew, with nothing before `at`. */
  reset(partition: PartitionId, at: bigint): void {
    this.#partitions.set(
      partition,
      new PartitionRing(partition, at, { maxBytes: this.#maxBytes, reader: this.#reader }),
    );
  }

  /** Keeps a record that has an entry, unless it lies before the cover; older ones make room. `advance` tells how far the cover reaches. */
  push(record: LogRecord, audience: Audience, fetchedAtMs: number): void {
    this.#partitions.get(record.partition)?.push(record, audience, fetchedAtMs);
  }

  /** Everything before `next` has been read. */
  advance(partition: PartitionId, next: bigint): void {
    const ring = this.#partitions.get(partition);
    if (ring !== undefined && next > ring.to) ring.to = next;
  }

  /** Whether all entries from `offset` to the tail are here. */
  covers(partition: PartitionId, offset: bigint): boolean {
    const ring = this.#partitions.get(partition);
    return ring !== undefined && offset >= ring.from && offset <= ring.to;
  }

  /** First entry for one of `keys` at or after `offset` that `covers` vouches for; undefined when there is none yet. */
  first(partition: PartitionId, offset: bigint, keys: AddresseeKeys): Entry | undefined {
    return this.#partitions.get(partition)?.first(offset, keys);
  }
}
