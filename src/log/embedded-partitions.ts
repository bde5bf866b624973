import { type LogRecord, type PartitionId, partitionId } from '../event.ts';
import { type BlockRecord, copyRecords, viewsOf } from '../record-block.ts';
import type { PartitionState, TopicState } from './embedded-protocol.ts';
import type { LogTopic } from './event-log.ts';

/** What the main thread knows of the worker's partitions: their bounds, and who waits for records. */

/** Hears of a partition's new records right after their commit. */
export type PartitionWatcher = {
  /** `own` gives the records for keeps, in memory that no other watcher has. */
  committed(records: readonly BlockRecord[], own: () => LogRecord[]): void;
  /** The bounds moved in another way: read to find out. */
  moved(): void;
};

/** One partition of the embedded log. */
export type EmbeddedPartition = {
  readonly row: number;
  readonly id: PartitionId;
  start: bigint;
  end: bigint;
  readonly watchers: Set<PartitionWatcher>;
};

export type EmbeddedTopic = {
  readonly shown: LogTopic;
  readonly isCompacted: boolean;
  readonly partitions: readonly EmbeddedPartition[];
};

/** All partitions that were asked for so far, kept in step with the worker's answers. */
export class EmbeddedPartitions {
  readonly #topics = new Map<string, EmbeddedTopic>();
  readonly #byRow = new Map<number, EmbeddedPartition>();
  readonly #byId = new Map<PartitionId, EmbeddedPartition>();

  topic(name: string): EmbeddedTopic | undefined {
    return this.#topics.get(name);
  }

  find(id: PartitionId): EmbeddedPartition | undefined {
    return this.#byId.get(id);
  }

  /** Takes over what the worker says; watchers of a partition whose end or start moved are woken. */
  learn({ name, fingerprint, isCompacted, partitions }: TopicState): void {
    const learned = partitions.map((state, index) => this.#learn(partitionId(name, index), state));
    const shown = { name, fingerprint, partitionCount: learned.length };
    this.#topics.set(name, { shown, isCompacted, partitions: learned });
  }

  /** Moves bounds of partitions that are known; others are ignored. */
  move(states: readonly PartitionState[]): void {
    for (const state of states) {
      const partition = this.#byRow.get(state.row);
      if (partition !== undefined) this.#learn(partition.id, state);
    }
  }

  /** Records were committed: moves the ends and tells the watchers. */
  committed(committed: readonly BlockRecord[]): void {
    for (const [row, records] of Map.groupBy(committed, (record) => record.row)) {
      const partition = this.#byRow.get(row);
      const last = records.at(-1);
      if (partition === undefined || last === undefined) continue;
      partition.end = last.offset + 1n;
      const watchers = [...partition.watchers];
      const { id } = partition;
      // Nobody else wants the block after this: the last watcher, nearly always the only one, may have it.
      for (const [n, watcher] of watchers.entries())
        watcher.committed(records, () => (n < watchers.length - 1 ? copyRecords : viewsOf)(records, id));
    }
  }

  #learn(id: PartitionId, { row, start, end }: PartitionState): EmbeddedPartition {
    const known = this.#byRow.get(row);
    if (known === undefined) {
      const partition = { row, id, start, end, watchers: new Set<PartitionWatcher>() };
      this.#byRow.set(row, partition);
      this.#byId.set(id, partition);
      return partition;
    }
    const hasMoved = known.start !== start || known.end !== end;
    known.start = start;
    // An answer may have crossed a commit that was told first.
    if (end > known.end) known.end = end;
    if (hasMoved) for (const watcher of [...known.watchers]) watcher.moved();
    return known;
  }
}
