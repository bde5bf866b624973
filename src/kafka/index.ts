/** The EventLog port on Kafka: what the composition root may use of this room. */
export type { Appender, AppenderOptions, CreateAppender } from './appender.ts';
export { createKafkaStore } from './create-store.ts';
export { type Finding, type FindingLevel, runDoctor } from './doctor.ts';
export type { KafkaConnectionOptions, KafkaDeps, KafkaSaslOptions } from './options.ts';
export {
  applyTopics,
  planTopics,
  type TopicDifference,
  type TopicSpec,
  type TopicsPlan,
  type TopicWishes,
} from './topics.ts';
