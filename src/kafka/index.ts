/** The EventLog port on Kafka: what the composition root may use of this room. */
export type { Appender, AppenderOptions, CreateAppender } from './appender.ts';
export type { ClientSettings } from './client.ts';
export { createKafkaClient } from './client.ts';
export type { KafkaStoreDeps } from './kafka-store.ts';
export { createStore } from './kafka-store.ts';
