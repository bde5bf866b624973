import type { CursorCodec, TopicPositions } from '../cursor.ts';
import { type NextOffset, type PartitionId, type PositionVector, partitionId } from '../event.ts';
import type { LogTopic } from '../log/event-log.ts';

/**
 * The node's tail vector: per partition, the next offset to dispatch. It is the position of every live subscription at once, so nobody keeps
 * one of its own. Topics are those that the intake has adopted: a fingerprint changes here together with its offsets, never before.
 */
export class Tail {
  readonly #cursors: CursorCodec;
  readonly #positions = new Map<PartitionId, NextOffset>();
  #topics: readonly LogTopic[] = [];
  #version = 0;
  #partitionsVersion = 0;
  #cursor: { readonly version: number; readonly text: string } | null = null;

  constructor(cursors: CursorCodec) {
    this.#cursors = cursors;
  }

  get topics(): readonly LogTopic[] {
    return this.#topics;
  }

  /** Rises with every move. */
  get version(): number {
    return this.#version;
  }

  /** Rises when a partition comes or goes. */
  get partitionsVersion(): number {
    return this.#partitionsVersion;
  }

  get partitions(): Iterable<PartitionId> {
    return this.#positions.keys();
  }

  /** Of the topic that `partition` is of; empty where none of the topics has it. */
  fingerprintOf(partition: PartitionId): string {
    return this.#topics.find((topic) => partitionsOf(topic).includes(partition))?.fingerprint ?? '';
  }

  at(partition: PartitionId): NextOffset | undefined {
    return this.#positions.get(partition);
  }

  move(partition: PartitionId, position: NextOffset): void {
    if (!this.#positions.has(partition)) this.#partitionsVersion += 1;
    this.#positions.set(partition, position);
    this.#version += 1;
  }

  /** Takes over topics; positions of partitions that are no longer in them are dropped. */
  adopt(topics: readonly LogTopic[]): void {
    this.#topics = topics;
    const known = new Set(topics.flatMap(partitionsOf));
    for (const partition of this.#positions.keys()) if (!known.has(partition)) this.#positions.delete(partition);
    this.#version += 1;
    this.#partitionsVersion += 1;
  }

  /** A copy that stands still. */
  snapshot(): Map<PartitionId, NextOffset> {
    return new Map(this.#positions);
  }

  /** "Now". Encoded once per version. */
  cursor(): string {
    if (this.#cursor?.version !== this.#version) {
      this.#cursor = { version: this.#version, text: this.encode(this.#positions) };
    }
    return this.#cursor.text;
  }

  /** The cursor of any vector over the adopted topics. */
  encode(vector: PositionVector): string {
    return this.#cursors.encode(
      this.#topics.map(
        (topic): TopicPositions => ({
          fingerprint: topic.fingerprint,
          partitions: partitionsOf(topic).map((partition) => vector.get(partition) ?? null),
        }),
      ),
    );
  }
}

const ids = new WeakMap<LogTopic, readonly PartitionId[]>();

/** The partitions of a topic, by index. */
export const partitionsOf = (topic: LogTopic): readonly PartitionId[] => {
  const known = ids.get(topic);
  if (known !== undefined) return known;
  const made = Array.from({ length: topic.partitionCount }, (_, index) => partitionId(topic.name, index));
  ids.set(topic, made);
  return made;
};
