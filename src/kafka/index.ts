/** The EventLog port on Kafka: what the composition root may use of this room. */
export type { Appender, AppenderOptions, CreateAppender } from './appender.ts';
export { createKafkaStore, type KafkaDeps } from './create-store.ts';
export type { KafkaConnectionOptions, KafkaSaslOptions } from './options.ts';
