import type { Clock } from '../clock.ts';
import type { LogStore } from '../log/event-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createStore } from './kafka-store.ts';
import type { FetchToken } from './oauth-token.ts';
import { clientSettings, type KafkaConnectionOptions } from './options.ts';
import { createAppender } from './producer.ts';

/** What the room needs from outside. */
export type KafkaDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gets OAuth tokens. @default fetch */
  readonly fetch?: FetchToken;
};

/** Any number of logs over one cluster. Throws CONFIG_INVALID where an address cannot be read; nothing is contacted before a log's `open`. */
export const createKafkaStore = (options: KafkaConnectionOptions, deps: KafkaDeps): LogStore => {
  const { clock, logger, fetch = globalThis.fetch } = deps;
  return createStore(clientSettings(options, { clock, fetch }), { clock, logger, createAppender });
};
