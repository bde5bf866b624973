import type { Clock } from '../clock.ts';
import type { EventLog, LogStore } from '../log/event-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CreateAppender } from './appender.ts';
import { parseBrokerAddress } from './broker-address.ts';
import { type ClientSettings, createKafkaClient } from './client.ts';
import { KafkaLog } from './kafka-log.ts';
import { brokerFactory } from './kafkajs-internals.ts';
import { Links } from './links.ts';
import { createProducerClient, type ProducerClient } from './producer-client.ts';

/** What a store needs from outside. */
export type KafkaStoreDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly createAppender: CreateAppender;
};

/** A store over one cluster. Throws CONFIG_INVALID where an address cannot be read; nothing is contacted before a log's `open`. */
export const createStore = (settings: ClientSettings, deps: KafkaStoreDeps): LogStore => {
  const { clock, logger, createAppender } = deps;
  const bootstrap = settings.brokers.map(parseBrokerAddress);
  const kafka = createKafkaClient(settings, { clock, logger });
  const links = new Links({ makeBroker: brokerFactory(kafka), clock });
  const newClient = (): ProducerClient => createProducerClient(settings, { clock, logger });
  const logs: EventLog[] = [];
  return {
    log(topics) {
      const log = new KafkaLog(topics, { newClient, links, bootstrap, createAppender, clock, logger });
      logs.push(log);
      return log;
    },
    async close() {
      await Promise.all(logs.map((log) => log.close()));
      links.close();
    },
  };
};
