import type { Audience, Position } from '../event.ts';
import { AudienceFilter, type AudienceKey, audienceKeyOf } from './audience-filter.ts';

/** A stretch of a partition that has been read to its end: whom it is for, and which of its records are duplicates. */
export type Block = {
  /** Its offsets are `[index * blockOffsets, (index + 1) * blockOffsets)`. */
  readonly index: number;
  /** Leader epoch of the last record before its end; -1: not known. */
  readonly epoch: number;
  readonly filter: AudienceFilter;
  /** Within the block, rising. Who reads it later need not read what comes before to know them. */
  readonly duplicates: readonly number[];
};

/** What was found out about a record. */
export type Noted = { readonly audience: Audience | null; readonly isDuplicate: boolean };

/** What a block takes in memory, beside its filter. */
const overheadBytes = 160;

/** Bytes of a block in memory. */
export const blockBytes = ({ filter, duplicates }: Block): number =>
  overheadBytes + filter.bits.length + duplicates.length * 8;

/** A jump over more blocks than this leaves them unknown: nobody writes so many records that are nothing. */
const maxEmptyBlocks = 1_000;

/** Makes blocks of one partition from its records, as they are read one after another. */
export class BlockBuilder {
  readonly #size: number;
  readonly #sealed: (block: Block) => void;
  readonly #from: bigint;
  #index: number;
  /** Read from its first offset on. */
  #isWhole: boolean;
  /** Of the newest record. */
  #epoch = -1;
  #keys = new Set<AudienceKey>();
  #duplicates: number[] = [];

  /** `size`: offsets per block. Reading begins at `from`; what is told of before it counts for nothing. */
  constructor(size: number, from: bigint, sealed: (block: Block) => void) {
    this.#size = size;
    this.#from = from;
    this.#sealed = sealed;
    this.#index = Math.floor(Number(from) / size);
    this.#isWhole = Number(from) % size === 0;
  }

  /** A record was judged; without an audience it is for nobody. Offsets rise. */
  note({ offset, epoch }: Position, { audience, isDuplicate }: Noted): void {
    if (offset < this.#from) return;
    this.advance(offset, epoch === this.#epoch ? epoch : -1);
    this.#epoch = epoch;
    if (audience !== null && !isDuplicate) this.#keys.add(audienceKeyOf(audience));
    if (isDuplicate) this.#duplicates.push(Number(offset) % this.#size);
  }

  /** Everything before `next` has been noted; `epoch` is that of the record before it, -1: not known. */
  advance(next: bigint, epoch: number): void {
    if (next < this.#from) return;
    const index = Math.floor(Number(next) / this.#size);
    // Where records of another epoch may stand before the block's end, nobody can say which was the last.
    const isAtEnd = Number(next) === index * this.#size;
    const isOneLater = index === this.#index + 1;
    if (index > this.#index) this.#seal(isAtEnd && isOneLater ? epoch : sameOr(-1, epoch, this.#epoch));
    if (index - this.#index <= maxEmptyBlocks) while (this.#index < index) this.#seal(-1);
    this.#index = index;
    if (epoch >= 0) this.#epoch = epoch;
  }

  #seal(epoch: number): void {
    const [index, keys, duplicates] = [this.#index, this.#keys, this.#duplicates];
    if (this.#isWhole) this.#sealed({ index, epoch, filter: AudienceFilter.of(keys), duplicates });
    this.#keys = new Set();
    this.#duplicates = [];
    this.#index += 1;
    this.#isWhole = true;
  }
}

const sameOr = (otherwise: number, a: number, b: number): number => (a === b ? a : otherwise);
