/** Names of the log topics that are not the deployer's, and how each topic is kept. */

/** Parked positions and revocations; compacted. */
export const controlTopic = 'carillon.control';

/** Where records of `topic` that cannot be read are put. */
export const deadLetterTopicOf = (topic: string): string => `${topic}.dlq`;

/** How a topic is created: `isCompacted` keeps the newest record of each key instead of the newest records. */
export type TopicPlan = { readonly name: string; readonly partitionCount: number; readonly isCompacted: boolean };

/** One partition for the control topic and for dead letters, `partitionCount` for everything else. */
export const planTopic = (name: string, partitionCount: number): TopicPlan => {
  const isCompacted = name === controlTopic;
  return { name, isCompacted, partitionCount: isCompacted || name.endsWith('.dlq') ? 1 : partitionCount };
};
