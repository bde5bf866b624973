import { systemClock } from '../../src/clock.ts';
import { GatewayError } from '../../src/errors.ts';
import type { CreateAppender } from '../../src/kafka/appender.ts';
import type { ClientSettings } from '../../src/kafka/client.ts';
import { createStore } from '../../src/kafka/kafka-store.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import type { LogFields, Logger } from '../../src/telemetry/logger.ts';
import { type CollectOptions, collect, type LogCollector } from './log-collector.ts';

const refusingAppender: CreateAppender = () => ({
  append: async (records) =>
    records.map(() => ({ ok: false, error: new GatewayError('LOG_UNAVAILABLE', 'this log is for reading only') })),
  pending: () => ({ records: 0, bytes: 0 }),
  close: async () => {},
});

/** A Kafka log for reading, and what it logged. Other programs produce. */
export type KafkaReader = {
  readonly log: EventLog;
  readonly lines: readonly string[];
  close(): Promise<void>;
};

/** A log over `topics` that is not opened yet. */
export const kafkaReader = (
  brokers: readonly string[],
  topics: readonly string[],
  settings: Partial<ClientSettings> = {},
): KafkaReader => {
  const lines: string[] = [];
  const write = (message: string, fields?: LogFields): void => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const logger: Logger = { info: write, warn: write, error: write };
  const deps = { clock: systemClock, logger, createAppender: refusingAppender };
  const store = createStore({ clientId: 'reader', ...settings, brokers }, deps);
  return { log: store.log(topics), lines, close: () => store.close() };
};

/**
 * Follows from the end of every partition that exists now. Where another program produces, a feed without positions would race
 * with it: "the end at the call" is looked up after the call.
 */
export const followFromEnd = async (log: EventLog, options: CollectOptions = {}): Promise<LogCollector> => {
  const tail = [...(await log.offsets())].map(([id, { end }]) => [id, { next: end, epoch: -1 }] as const);
  return collect(log, new Map(tail), options);
};
