import type { PartitionId } from '../event.ts';
import { AudienceIndex } from './audience-index.ts';
import type { Addressee, Entry } from './entry.ts';
import { EntryLine } from './entry-line.ts';

/** The recent entries of every partition, bounded in bytes, and the range of offsets that they cover without a hole. */

const entryBytes = (entry: Entry): number => 300 + (entry.kind === 'event' ? entry.envelope.bytes : 0);

/** One partition: covers `[from, to)`; offsets without an entry had nothing for anybody. */
class PartitionRing {
  from: bigint;
  to: bigint;
  readonly #entries = new EntryLine();
  #bytes = 0;
  readonly #index = new AudienceIndex();

  constructor(at: bigint) {
    this.from = at;
    this.to = at;
  }

  push(entry: Entry, maxBytes: number): void {
    if (entry.position.offset < this.from) return;
    this.#entries.push(entry);
    this.#index.add(entry);
    this.#bytes += entryBytes(entry);
    while (this.#bytes > maxBytes && !this.#entries.isEmpty) this.#evict();
  }

  #evict(): void {
    const oldest = this.#entries.shift();
    if (oldest === undefined) return;
    this.#bytes -= entryBytes(oldest);
    this.#index.removeOldest(oldest);
    this.from = oldest.position.offset + 1n;
  }

  first(addressee: Addressee, offset: bigint): Entry | undefined {
    return this.#index.first(addressee, offset);
  }
}

export class Ring {
  readonly #maxBytes: number;
  readonly #partitions = new Map<PartitionId, PartitionRing>();

  /** `maxBytes` bounds each partition. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Starts covering `partition` anew, with nothing before `at`. */
  reset(partition: PartitionId, at: bigint): void {
    this.#partitions.set(partition, new PartitionRing(at));
  }

  /** Keeps `entry`, unless it lies before the cover; older ones make room. `advance` tells how far the cover reaches. */
  push(entry: Entry): void {
    this.#partitions.get(entry.position.partition)?.push(entry, this.#maxBytes);
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

  /** First entry for `addressee` at or after `offset` that `covers` vouches for; undefined when there is none yet. */
  first(partition: PartitionId, offset: bigint, addressee: Addressee): Entry | undefined {
    return this.#partitions.get(partition)?.first(addressee, offset);
  }
}
