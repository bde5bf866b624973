import { rmSync } from 'node:fs';
import { type KafkaCluster, type KafkaOptions, startKafka } from '../../dev/kafka/cluster.ts';
import { freePorts } from '../../dev/kafka/ports.ts';
import { kafkaForTests } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { type Relay, startRelay } from './relay.ts';

/** Three brokers, each behind a relay that gateways must use, while the campaign's own programs come to them directly. */
export type ChaosCluster = {
  readonly kafka: KafkaCluster;
  /** By broker, in the order of `kafka.nodes`. */
  readonly relays: readonly Relay[];
  /** What gateways are told. */
  readonly brokers: readonly string[];
  /** What everybody else uses. */
  readonly direct: readonly string[];
  readonly hands: KafkaHands;
  stop(): Promise<void>;
};

/** How often a client of the campaign's own tries: through an outage of a minute. */
export const patient = {
  requestTimeout: 3_000,
  connectionTimeout: 1_500,
  retry: { retries: 60, initialRetryTime: 100, maxRetryTime: 1_000, factor: 0.2, multiplier: 1.5 },
} as const;

const brokerProperties = {
  // Preferred leaders take over at once, so that a new order of replicas moves the leader while everybody is alive.
  'auto.leader.rebalance.enable': 'true',
  'leader.imbalance.check.interval.seconds': '1',
  'leader.imbalance.per.broker.percentage': '0',
  'log.retention.check.interval.ms': '1000',
  'log.initial.task.delay.ms': '500',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
};

type Start = (options: KafkaOptions) => Promise<KafkaCluster | null>;

const startRelays = async (
  ports: readonly number[],
  targetOf: (index: number) => number,
): Promise<readonly Relay[]> => {
  const relays: Relay[] = [];
  for (const [index, port] of ports.entries()) {
    const route = () => ({ port: targetOf(index), name: `broker-${index + 1}` });
    relays.push(await startRelay(route, () => {}, port));
  }
  return relays;
};

const startWith = async (start: Start): Promise<ChaosCluster | null> => {
  const ports = await freePorts(3);
  // Known once the brokers are up.
  let targets: readonly number[] = [];
  const relays = await startRelays(ports, (index) => targets[index] ?? 0);
  const closeRelays = (): void => {
    for (const relay of relays) relay.close();
  };
  try {
    const kafka = await start({ nodes: 3, advertisedPorts: ports, props: brokerProperties });
    if (kafka === null) {
      closeRelays();
      return null;
    }
    targets = kafka.brokers.map((address) => Number(address.split(':').at(-1)));
    const hands = await kafkaHands(kafka.direct, patient);
    // An interrupted campaign leaves nothing: brokers are killed at exit, and their folder goes after them.
    const removeFolder = (): void => rmSync(kafka.dir, { recursive: true, force: true, maxRetries: 5 });
    process.once('exit', removeFolder);
    const stop = async (): Promise<void> => {
      process.removeListener('exit', removeFolder);
      await hands.close().catch(() => {});
      closeRelays();
      await kafka.stop();
    };
    return { kafka, relays, brokers: ports.map((port) => `127.0.0.1:${port}`), direct: kafka.direct, hands, stop };
  } catch (error) {
    closeRelays();
    throw error;
  }
};

/** Starts the brokers and their relays. Rejects, with nothing left running, where Kafka cannot be had. */
export const startCluster = async (): Promise<ChaosCluster> => (await startWith(startKafka)) as ChaosCluster;

/** The same for a test file, as `kafkaForTests` has it: null, and a line that says why, where Kafka cannot be had. */
export const clusterForTests = (): Promise<ChaosCluster | null> => startWith(kafkaForTests);
