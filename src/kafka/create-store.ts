import type { LogStore } from '../log/event-log.ts';
import { createStore } from './kafka-store.ts';
import { clientSettings, type KafkaConnectionOptions, type KafkaDeps } from './options.ts';
import { createAppender } from './producer.ts';

/** Any number of logs over one cluster. Throws CONFIG_INVALID where an address cannot be read; nothing is contacted before a log's `open`. */
export const createKafkaStore = (options: KafkaConnectionOptions, deps: KafkaDeps): LogStore => {
  const { clock, logger } = deps;
  return createStore(clientSettings(options, deps), { clock, logger, createAppender });
};
