import { type Clock, systemClock } from '../../src/clock.ts';
import type { Appender } from '../../src/kafka/appender.ts';
import type { ClientSettings } from '../../src/kafka/client.ts';
import { createAppender } from '../../src/kafka/producer.ts';
import { createProducerClient } from '../../src/kafka/producer-client.ts';
import type { LogFields, Logger } from '../../src/telemetry/logger.ts';

/** An appender without the reading side, and what it logged. */
export type TestAppender = Appender & { readonly lines: readonly string[] };

type Target = {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  readonly settings?: Partial<ClientSettings>;
  readonly clock?: Clock;
};

/** An appender to a topic of a known number of partitions. */
export const kafkaAppender = ({ brokers, topic, partitions, settings, clock = systemClock }: Target): TestAppender => {
  const lines: string[] = [];
  const write = (message: string, fields?: LogFields): void => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const logger: Logger = { info: write, warn: write, error: write };
  const newClient = () => createProducerClient({ clientId: 'test', ...settings, brokers }, { clock, logger });
  const appender = createAppender({ newClient, topic, partitionCount: () => partitions, clock, logger });
  return {
    lines,
    append: (records) => appender.append(records),
    pending: () => appender.pending(),
    close: () => appender.close(),
  };
};
