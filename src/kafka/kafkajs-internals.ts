import type { Kafka, PartitionAssigner } from 'kafkajs';
import type { BrokerAddress } from './broker-address.ts';

/**
 * The parts of kafkajs 2.2.4 that it does not declare and that reading without a consumer group needs: the way to one
 * connection of our own, authenticated and framed by kafkajs. All of the rest of the room goes through this file.
 */

/** Bytes in the shape that kafkajs's own encoder has. */
type KafkajsEncoder = { readonly buf: Buffer; readonly buffer: Buffer };

/** One TCP connection. Requests may be sent once `broker.connect()` has resolved. */
export type KafkajsConnection = {
  send(protocol: {
    request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<KafkajsEncoder> };
    response: { decode(payload: Buffer): Promise<object>; parse(decoded: object): Promise<unknown> };
    requestTimeout: number;
    logResponseError: boolean;
  }): Promise<unknown>;
  /** Fails what is in flight. */
  rejectRequests(error: Error): void;
  readonly requestQueue: { destroy(): void };
  readonly socket?: { destroy(): unknown };
  /** A Long: milliseconds after which the broker demands a new authentication; 0 = never. */
  readonly sessionLifetime: { toString(): string };
  reauthenticationThreshold: number;
  connectionStatus: string;
};

/** kafkajs's view of a broker: version negotiation and authentication over the first connection of its pool. */
export type KafkajsBroker = {
  connect(): Promise<void>;
  readonly versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>> | null;
  readonly connectionPool: { readonly pool: readonly KafkajsConnection[] };
};

type KafkajsCluster = {
  readonly rootLogger: unknown;
  readonly connectionPoolBuilder: { build(address: BrokerAddress): Promise<unknown> };
  readonly brokerPool: { createBroker(options: { connectionPool: unknown; logger: unknown }): KafkajsBroker };
};

const isCluster = (value: unknown): value is KafkajsCluster => {
  const cluster = value as Partial<KafkajsCluster> | null;
  return typeof cluster?.connectionPoolBuilder?.build === 'function' && cluster.brokerPool !== undefined;
};

/** Makes brokers that are not connected yet, one for each call. */
export type BrokerFactory = (address: BrokerAddress) => Promise<KafkajsBroker>;

/**
 * Takes the Cluster that kafkajs hands to partition assigners: their factories are called by the constructor of a consumer, which is
 * then never connected, subscribed or run. Throws where kafkajs no longer does so.
 */
export const brokerFactory = (kafka: Kafka): BrokerFactory => {
  let cluster: unknown;
  const assigner: PartitionAssigner = (config) => {
    cluster = config.cluster;
    return {
      name: 'none',
      version: 0,
      assign: async () => [],
      protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
    };
  };
  kafka.consumer({ groupId: 'never-joined', allowAutoTopicCreation: false, partitionAssigners: [assigner] });
  if (!isCluster(cluster)) throw new Error('kafkajs gives its cluster no more: this adapter is made for 2.2.4');
  const { connectionPoolBuilder, brokerPool, rootLogger } = cluster;
  return async (address) =>
    brokerPool.createBroker({ connectionPool: await connectionPoolBuilder.build(address), logger: rootLogger });
};
