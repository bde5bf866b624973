import type { NextOffset, PartitionId, Position } from '../event.ts';
import { AudienceFilter, type AudienceKey } from './audience-filter.ts';
import { type Block, BlockBuilder, blockBytes, type Noted } from './block.ts';

/**
 * What this node knows of the log without reading it again: per partition and stretch of offsets, whom something is for. Made from what the
 * intake reads, kept by a store across restarts, completed in the background. Bounded in bytes: the oldest go.
 */

/** A partition of one incarnation of its topic. */
export type StoredPartition = { readonly partition: PartitionId; readonly fingerprint: string };

/** A block with its filter as bits. */
export type KeptBlock = Omit<Block, 'filter'> & { readonly bits: Uint8Array };

/** Keeps blocks across restarts. Neither call waits or throws. */
export type BlockStore = {
  /** Blocks in any order; resolves with none where there are none or they cannot be read. */
  load(partition: StoredPartition): Promise<readonly KeptBlock[]>;
  add(partition: StoredPartition, block: KeptBlock): void;
  /** Blocks from `index` on are void. */
  cut(partition: StoredPartition, index: number): void;
};

export type BlocksOptions = {
  /** Offsets per block. */
  readonly size: number;
  readonly maxBytes: number;
  /** Null: they are made anew after each start. */
  readonly store: BlockStore | null;
  /** Of the topic that the node's tail is about. */
  fingerprintOf(partition: PartitionId): string;
};

/** One in so many blocks goes when there are too many. */
const evictedShare = 20;

type PartitionBlocks = {
  readonly blocks: Map<number, Block>;
  builder: BlockBuilder;
  /** Rises when blocks become void: who asked the log before then knows nothing about what is here now. */
  version: number;
};

export class Blocks {
  readonly size: number;
  readonly #options: BlocksOptions;
  readonly #partitions = new Map<PartitionId, PartitionBlocks>();
  #bytes = 0;

  constructor(options: BlocksOptions) {
    this.size = options.size;
    this.#options = options;
  }

  /** Reading goes on at `offset`. */
  begin(partition: PartitionId, offset: bigint): void {
    this.#of(partition).builder = this.#builder(partition, offset);
  }

  /** The intake has judged a record. */
  note(position: Position, noted: Noted): void {
    this.#partitions.get(position.partition)?.builder.note(position, noted);
  }

  /** The intake has read everything before `next`. */
  advance(partition: PartitionId, { next, epoch }: NextOffset): void {
    this.#partitions.get(partition)?.builder.advance(next, epoch);
  }

  /** What the store has of `partition`; resolves with none without a store. */
  async load(partition: PartitionId): Promise<readonly Block[]> {
    const kept = (await this.#options.store?.load(this.#stored(partition))) ?? [];
    return kept.map(({ bits, ...block }) => ({ ...block, filter: new AudienceFilter(bits) }));
  }

  /** A block that was made or loaded by somebody else; one that is known already stays. */
  adopt(partition: PartitionId, block: Block, isStored: boolean): void {
    if (!this.#of(partition).blocks.has(block.index)) this.#keep(partition, block, isStored);
  }

  /** The log was cut at `from`: other records may stand there by now. */
  truncate(partition: PartitionId, from: bigint): void {
    const first = this.#indexOf(from);
    this.#forget(partition, first);
    const { store } = this.#options;
    store?.cut(this.#stored(partition), first);
  }

  /** The topic may be another one: what the store has of that one stays with it. */
  clear(partition: PartitionId): void {
    this.#forget(partition, 0);
  }

  /** How many are known. */
  get count(): number {
    return [...this.#partitions.values()].reduce((sum, { blocks }) => sum + blocks.size, 0);
  }

  /** No more can be kept without losing others. */
  get isFull(): boolean {
    return this.#bytes > this.#options.maxBytes;
  }

  version(partition: PartitionId): number {
    return this.#of(partition).version;
  }

  isKnown(partition: PartitionId, offset: bigint): boolean {
    return this.#partitions.get(partition)?.blocks.has(this.#indexOf(offset)) ?? false;
  }

  /** From `offset` on everything is known up to there; `offset` itself where nothing is. */
  knownTo(partition: PartitionId, offset: bigint): bigint {
    const blocks = this.#partitions.get(partition)?.blocks;
    const first = this.#indexOf(offset);
    let index = first;
    while (blocks?.has(index) === true) index += 1;
    return index === first ? offset : this.#startOf(index);
  }

  /** Whether the record at `offset`, in a block that is known, is a duplicate. */
  isDuplicate(partition: PartitionId, offset: bigint): boolean {
    const block = this.#partitions.get(partition)?.blocks.get(this.#indexOf(offset));
    return block?.duplicates.includes(Number(offset) % this.size) ?? false;
  }

  /**
   * The first position after `offset` before which nothing is for `keys`, and how many blocks lie between; null: `offset` has to be read. Never one of
   * unknown epoch: that the log was cut below it could not be told.
   */
  leap(
    partition: PartitionId,
    offset: bigint,
    keys: readonly AudienceKey[],
  ): { readonly position: NextOffset; readonly blocks: number } | null {
    const blocks = this.#partitions.get(partition)?.blocks;
    const first = this.#indexOf(offset);
    let last: Block | null = null;
    let block = blocks?.get(first);
    while (block !== undefined && !block.filter.mayHold(keys)) {
      if (block.epoch >= 0) last = block;
      block = blocks?.get(block.index + 1);
    }
    if (last === null) return null;
    const end = last.index + 1;
    return { position: { next: this.#startOf(end), epoch: last.epoch }, blocks: end - first };
  }

  #of(partition: PartitionId): PartitionBlocks {
    const known = this.#partitions.get(partition);
    if (known !== undefined) return known;
    const made = { blocks: new Map(), builder: this.#builder(partition, 0n), version: 0 };
    this.#partitions.set(partition, made);
    return made;
  }

  #builder(partition: PartitionId, from: bigint): BlockBuilder {
    return new BlockBuilder(this.size, from, (block) => this.adopt(partition, block, false));
  }

  #keep(partition: PartitionId, block: Block, isStored: boolean): void {
    this.#of(partition).blocks.set(block.index, block);
    this.#bytes += blockBytes(block);
    const { store } = this.#options;
    const { filter, ...rest } = block;
    if (!isStored) store?.add(this.#stored(partition), { ...rest, bits: filter.bits });
    while (this.isFull) this.#evict();
  }

  /** The oldest of the partition with most of them; several at once, since finding them costs as much as one. */
  #evict(): void {
    let most: PartitionBlocks | null = null;
    for (const each of this.#partitions.values()) if (each.blocks.size > (most?.blocks.size ?? 0)) most = each;
    if (most === null) return;
    const byAge = [...most.blocks.values()].sort((a, b) => a.index - b.index);
    for (const block of byAge.slice(0, Math.ceil(byAge.length / evictedShare))) this.#drop(most, block);
  }

  #forget(partition: PartitionId, first: number): void {
    const known = this.#of(partition);
    known.version += 1;
    for (const block of known.blocks.values()) if (block.index >= first) this.#drop(known, block);
  }

  #drop(from: PartitionBlocks, block: Block): void {
    from.blocks.delete(block.index);
    this.#bytes -= blockBytes(block);
  }

  #stored(partition: PartitionId): StoredPartition {
    return { partition, fingerprint: this.#options.fingerprintOf(partition) };
  }

  #indexOf(offset: bigint): number {
    return Math.floor(Number(offset) / this.size);
  }

  #startOf(index: number): bigint {
    return BigInt(index) * BigInt(this.size);
  }
}
