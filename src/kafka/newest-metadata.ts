import type { ClusterMetadata, PartitionMetadata, TopicMetadata } from './metadata-request.ts';

const newestPartitions = (known: TopicMetadata, told: TopicMetadata): readonly PartitionMetadata[] => {
  const partitions = told.partitions.map((partition) => {
    const before = known.partitions[partition.index];
    return before !== undefined && before.epoch > partition.epoch ? before : partition;
  });
  return [...partitions, ...known.partitions.slice(partitions.length)];
};

/**
 * What a broker told, without what is older than what is known: of one topic (by id), leader epochs and the number of partitions only
 * grow (KIP-320). A leader that was frozen and goes on believes for some moments that it leads; who follows it reads an old end, and takes
 * records that were written meanwhile for lost.
 */
export const newestMetadata = (known: ClusterMetadata, told: ClusterMetadata): ClusterMetadata => {
  const byId = new Map(known.topics.filter(({ error }) => error === 0).map((topic) => [topic.id, topic]));
  const topics = told.topics.map((topic) => {
    const before = topic.error === 0 ? byId.get(topic.id) : undefined;
    return before === undefined ? topic : { ...topic, partitions: newestPartitions(before, topic) };
  });
  return { brokers: told.brokers, topics };
};
