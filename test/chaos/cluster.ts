import { type KafkaCluster, startKafka } from '../../dev/kafka/cluster.ts';
import { freePorts } from '../../dev/kafka/ports.ts';
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

/** Starts the brokers and their relays. Rejects, with nothing left running, where Kafka cannot be had. */
export const startCluster = async (): Promise<ChaosCluster> => {
  const ports = await freePorts(3);
  const relays: Relay[] = [];
  // Known once the brokers are up.
  const targets: number[] = [];
  for (const [index, port] of ports.entries()) {
    relays.push(
      await startRelay(
        () => ({ port: targets[index] ?? 0, name: `broker-${index + 1}` }),
        () => {},
        port,
      ),
    );
  }
  const closeRelays = (): void => {
    for (const relay of relays) relay.close();
  };
  try {
    const kafka = await startKafka({ nodes: 3, advertisedPorts: ports, props: brokerProperties });
    targets.push(...kafka.brokers.map((address) => Number(address.split(':').at(-1))));
    const hands = await kafkaHands(kafka.direct, patient);
    return {
      kafka,
      relays,
      brokers: ports.map((port) => `127.0.0.1:${port}`),
      direct: kafka.direct,
      hands,
      async stop() {
        await hands.close().catch(() => {});
        closeRelays();
        await kafka.stop();
      },
    };
  } catch (error) {
    closeRelays();
    throw error;
  }
};
