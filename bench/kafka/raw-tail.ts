import { Kafka, logLevel } from 'kafkajs';

/**
 * The least that reads a topic of Kafka as it is written: one long poll per broker, by kafkajs's own cluster, with nothing of the gateway's in it. What
 * the gateway's path costs is the difference to this.
 */

/** What to follow. */
export type TailOrder = { readonly brokers: readonly string[]; readonly topic: string; readonly partitions: number };

export type RawTail = { stop(): Promise<void> };

type RawMessage = { readonly offset: string; readonly value: Buffer | null };

type Fetched = {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly partition: number;
      readonly messages: readonly RawMessage[];
    }[];
  }[];
};

type RawBroker = { fetch(request: unknown): Promise<Fetched> };

/** What kafkajs's types leave out. */
type RawCluster = {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  fetchTopicsOffset(
    topics: readonly unknown[],
  ): Promise<readonly { readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]>;
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  findBroker(node: { readonly nodeId: string }): Promise<RawBroker>;
};

/** kafkajs hands its cluster to the assigners of a consumer that is never run. */
const clusterOf = (kafka: Kafka): RawCluster => {
  let found: RawCluster | null = null;
  kafka.consumer({
    groupId: 'never-run',
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster as unknown as RawCluster;
        return {
          name: 'none',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  if (found === null) throw new Error('kafkajs did not hand over its cluster');
  return found;
};

/** Reads from the end of each partition at the call; `take` gets each value. */
export const startRawTail = async (
  { brokers, topic, partitions }: TailOrder,
  take: (value: Buffer) => void,
): Promise<RawTail> => {
  const kafka = new Kafka({ clientId: 'raw', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const cluster = clusterOf(kafka);
  await cluster.connect();
  await cluster.addTargetTopic(topic);
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const asked = { topic, fromBeginning: false, partitions: all.map((partition) => ({ partition })) };
  const [ends] = await cluster.fetchTopicsOffset([asked]);
  const next = new Map(ends?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  let isOver = false;
  const keep = (partition: number, { offset, value }: RawMessage): void => {
    // A fetch answers with the whole batch that the offset is in.
    if (BigInt(offset) < (next.get(partition) ?? 0n)) return;
    next.set(partition, BigInt(offset) + 1n);
    if (value !== null) take(value);
  };
  const poll = async (broker: RawBroker, own: readonly number[]): Promise<void> => {
    const wanted = own.map((partition) => ({ partition, fetchOffset: `${next.get(partition)}`, maxBytes: 262_144 }));
    const limits = { maxWaitTime: 400, minBytes: 1, maxBytes: 1_048_576, isolationLevel: 1 };
    const { responses } = await broker.fetch({ ...limits, topics: [{ topic, partitions: wanted }] });
    for (const { partition, messages } of responses.flatMap((response) => response.partitions))
      for (const message of messages) keep(partition, message);
  };
  const follow = async (nodeId: string, own: readonly number[]): Promise<void> => {
    const broker = await cluster.findBroker({ nodeId });
    while (!isOver) await poll(broker, own);
  };
  const leaders = Object.entries(cluster.findLeaderForPartitions(topic, all));
  const loops = leaders.map(([nodeId, own]) => follow(nodeId, own));
  return {
    async stop() {
      isOver = true;
      await Promise.all(loops);
      await cluster.disconnect();
    },
  };
};
