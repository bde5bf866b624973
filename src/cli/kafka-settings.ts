import { readFileSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import { type LogConfig, readConfig } from '../config.ts';
import type { KafkaDeps } from '../kafka/index.ts';
import { createLogger } from '../telemetry/index.ts';
import { ConfigProblems, type Terminal } from './command.ts';

/** What `CARILLON_KAFKA_*` say. */
export type KafkaSettings = Extract<LogConfig, { kind: 'kafka' }>;

/** The cluster that the environment names. Throws ConfigProblems where it names none, or in a way that a gateway would refuse too. */
export const readKafkaSettings = (terminal: Terminal): KafkaSettings => {
  if (terminal.env['CARILLON_KAFKA_BROKERS'] === undefined)
    throw new ConfigProblems(['CARILLON_KAFKA_BROKERS is not set: set host:port[,host:port]']);
  const outcome = readConfig({ ...terminal.env, CARILLON_LOG: 'kafka' }, (path) => readFileSync(path, 'utf8'));
  if (!outcome.ok) throw new ConfigProblems(outcome.problems);
  const { log } = outcome.config;
  if (log.kind !== 'kafka') throw new Error('the log is kafka, as was asked for');
  return log;
};

/** Clock and logger for the Kafka room; it speaks to the person only of what keeps the command from its work. */
export const kafkaDeps = (terminal: Terminal): KafkaDeps => {
  const stream = { write: (line: string): void => terminal.say(line.trimEnd()) };
  return { clock: systemClock, logger: createLogger({ stream, clock: systemClock, level: 'error', format: 'text' }) };
};
