import type { TopicPositions } from '../cursor.ts';
import { type NextOffset, type PartitionId, type PositionVector, partitionId } from '../event.ts';
import type { LogTopic, PositionVerdict, Topology } from '../log/event-log.ts';
import { partitionsOf, type Tail } from './tail.ts';

/** What a client's cursor means on this node: pure functions, so that every situation is a table row in a test. */

export type Start = {
  readonly positions: Map<PartitionId, NextOffset>;
  /** A topic of the cursor was created anew: its positions mean nothing any more. */
  readonly isRecreated: boolean;
};

/**
 * Lays a cursor over the topics of this node.
 * - Same fingerprint: its positions; a partition that the cursor does not know was added later and is read from its beginning.
 * - A topic that the cursor lacks, in the place of one that this node does not know: it was re-created, and is read from its beginning.
 * - A cursor without any topic was taken when there was none: whatever there is by now is read from its beginning.
 * - A topic that the cursor lacks otherwise: it was added to the list, and starts at the tail. One that the node lacks was removed: ignored.
 */
export const mapCursor = (cursor: readonly TopicPositions[], tail: Tail): Start => {
  const positions = new Map<PartitionId, NextOffset>();
  const known = new Map(cursor.map((topic) => [topic.fingerprint, topic]));
  const own = new Set(tail.topics.map((topic) => topic.fingerprint));
  const unclaimed = cursor.filter((topic) => !own.has(topic.fingerprint)).length;
  let recreated = 0;
  for (const topic of tail.topics) {
    const brought = known.get(topic.fingerprint);
    if (brought !== undefined) fromCursor(positions, topic, brought);
    else if (recreated < unclaimed) {
      recreated += 1;
      fromBeginning(positions, topic);
    } else if (cursor.length === 0) fromBeginning(positions, topic);
    else fromTail(positions, topic, tail);
  }
  return { positions, isRecreated: recreated > 0 };
};

const beginning: NextOffset = { next: 0n, epoch: -1 };

const fromCursor = (positions: Map<PartitionId, NextOffset>, topic: LogTopic, brought: TopicPositions): void => {
  for (const [index, partition] of partitionsOf(topic).entries()) {
    positions.set(partition, brought.partitions[index] ?? beginning);
  }
};

const fromBeginning = (positions: Map<PartitionId, NextOffset>, topic: LogTopic): void => {
  for (const partition of partitionsOf(topic)) positions.set(partition, beginning);
};

const fromTail = (positions: Map<PartitionId, NextOffset>, topic: LogTopic, tail: Tail): void => {
  for (const partition of partitionsOf(topic)) positions.set(partition, tail.at(partition) ?? beginning);
};

/** Whether a cursor speaks of topics or partitions that `topics` does not have: another node may have learned of them first. */
export const isUnfamiliar = (cursor: readonly TopicPositions[], topics: readonly LogTopic[]): boolean =>
  cursor.some(({ fingerprint, partitions }) => {
    const topic = topics.find((each) => each.fingerprint === fingerprint);
    return topic === undefined || topic.partitionCount < partitions.length;
  });

/** Partitions of which a cursor speaks, of topics that this node has with fewer of them: they were added since, and another node has noticed first. */
export const missingPartitions = (
  cursor: readonly TopicPositions[],
  topics: readonly LogTopic[],
): readonly PartitionId[] =>
  cursor.flatMap(({ fingerprint, partitions }) => {
    const topic = topics.find((each) => each.fingerprint === fingerprint);
    if (topic === undefined) return [];
    return partitions.flatMap((_, n) => (n < topic.partitionCount ? [] : [partitionId(topic.name, n)]));
  });

/** Whether the log has another topic in the place of this one. */
export const isReplaced = ({ name, fingerprint }: LogTopic, { topics }: Topology): boolean => {
  const topic = topics.find((each) => each.name === name);
  return topic !== undefined && topic.fingerprint !== fingerprint;
};

/** Whether the log knows something that this node has not adopted yet, and that the cursor speaks of: it is about to come. */
export const isAboutToAppear = (
  cursor: readonly TopicPositions[],
  where: { topology: Topology; adopted: readonly LogTopic[] },
): boolean =>
  cursor.some(({ fingerprint, partitions }) => {
    // The log has gone on to yet another topic: what this node still has says nothing about any of them.
    if (where.adopted.some((topic) => isReplaced(topic, where.topology))) return true;
    const ofLog = where.topology.topics.find((topic) => topic.fingerprint === fingerprint);
    const ofNode = where.adopted.find((topic) => topic.fingerprint === fingerprint);
    return ofLog !== undefined && Math.min(ofLog.partitionCount, partitions.length) > (ofNode?.partitionCount ?? 0);
  });

/** Where the log was cut below positions. */
export const cutsIn = (verdicts: ReadonlyMap<PartitionId, PositionVerdict>): PositionVector =>
  new Map(
    [...verdicts].flatMap(([partition, verdict]) =>
      typeof verdict === 'object' ? [[partition, verdict.cutAt] as const] : [],
    ),
  );

/**
 * Whether this node has not heard of the cut itself: what it has read beyond it is void too. Its feed will say so, and then it is said to all; until
 * then it would tell what the client had already.
 */
const isNews = (cutAt: NextOffset, position: NextOffset, tail: NextOffset | undefined): boolean =>
  tail !== undefined && tail.next > cutAt.next && tail.epoch <= position.epoch;

/** Where the log was cut below `positions`, as far as this node may act on it. */
export const cutsToApply = (
  positions: PositionVector,
  verdicts: ReadonlyMap<PartitionId, PositionVerdict>,
  tail: Pick<Tail, 'at'>,
): PositionVector =>
  new Map(
    [...cutsIn(verdicts)].filter(([partition, cutAt]) => {
      const position = positions.get(partition);
      return position !== undefined && !isNews(cutAt, position, tail.at(partition));
    }),
  );

/** Positions that the log says were cut off go to where it was cut; true when there was one. */
export const applyVerdicts = (
  positions: Map<PartitionId, NextOffset>,
  verdicts: ReadonlyMap<PartitionId, PositionVerdict>,
  tail: Pick<Tail, 'at'>,
): boolean => {
  const cuts = cutsToApply(positions, verdicts, tail);
  for (const [partition, cutAt] of cuts) positions.set(partition, cutAt);
  return cuts.size > 0;
};
