import { Kafka, type KafkaConfig, type LogEntry, logLevel } from 'kafkajs';
import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { parseBrokerAddress } from './broker-address.ts';
import { quietRequestQueue } from './quiet-queue.ts';
import { bootstrapName, createSocketFactory } from './socket-factory.ts';

/** Who to contact and how to prove who we are, in kafkajs's shape. */
export type ClientSettings = Pick<KafkaConfig, 'clientId' | 'ssl' | 'sasl'> & { readonly brokers: readonly string[] };

/** Where a client's complaints go. */
export type ClientDeps = { readonly logger: Logger; readonly clock: Clock };

/** What one kind of client has otherwise than the others. */
export type ClientOverrides = Partial<
  Pick<KafkaConfig, 'brokers' | 'requestTimeout' | 'reauthenticationThreshold' | 'socketFactory' | 'retry'>
>;

/** The same complaint of kafkajs is passed on once in this time: it reports every failed attempt of every connection. */
const repeatAfterMs = 10_000;
const maxRemembered = 100;

/** What `ProducerClient` says to kafkajs when it ends its own connections. */
export const givenUp = 'this producer was given up';

/**
 * What asks for nothing: connections that we ended ourselves, and kafkajs's doubt about bounded retries of an idempotent producer, which
 * one send in flight per partition settles.
 */
const isExpected = (message: string): boolean =>
  message.includes(givenUp) || message.startsWith('Limiting retries for the idempotent producer');

const logCreator = ({ logger, clock }: ClientDeps) => {
  const lastAt = new Map<string, number>();
  const isRepeated = (text: string): boolean => {
    const now = clock.monotonic();
    const last = lastAt.get(text);
    if (last !== undefined && now - last < repeatAfterMs) return true;
    if (lastAt.size >= maxRemembered) lastAt.clear();
    lastAt.set(text, now);
    return false;
  };
  return ({ namespace, log }: LogEntry): void => {
    const broker = typeof log['broker'] === 'string' ? log['broker'] : null;
    if (isExpected(log.message)) return;
    if (isRepeated(`${namespace} ${log.message} ${broker}`)) return;
    logger.warn('kafka client', { detail: log.message, part: namespace, broker });
  };
};

/** Bootstrap addresses as kafkajs can split them. Throws CONFIG_INVALID where one cannot be read. */
export const bootstrapNames = (brokers: readonly string[]): string[] =>
  brokers.map((text) => bootstrapName(parseBrokerAddress(text)));

/**
 * The kafkajs client that reading, writing and administration share: sockets without delay, its complaints in our log, a retry
 * budget that outlasts an outage (a producer that sets its own retry fails for good after 5 s without a broker).
 * Throws CONFIG_INVALID where an address cannot be read.
 */
export const createKafkaClient = (
  settings: ClientSettings,
  deps: ClientDeps,
  overrides: ClientOverrides = {},
): Kafka => {
  if (!quietRequestQueue()) {
    deps.logger.warn('kafkajs is not the version that its timer patch was written for: pin 2.2.4');
  }
  return new Kafka({
    ...settings,
    brokers: bootstrapNames(settings.brokers),
    connectionTimeout: 2_000,
    authenticationTimeout: 5_000,
    requestTimeout: 5_000,
    retry: { retries: 200, initialRetryTime: 100, maxRetryTime: 1_000 },
    socketFactory: createSocketFactory(),
    logLevel: logLevel.WARN,
    logCreator: () => logCreator(deps),
    ...overrides,
  });
};
