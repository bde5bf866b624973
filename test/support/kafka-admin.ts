import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs';
import type { PartitionId } from '../../src/event.ts';
import { partitionRef } from '../../src/kafka/leaders.ts';
import { quietRequestQueue } from '../../src/kafka/quiet-queue.ts';

/** What tests do to a cluster, as an operator or another program would. */
export type KafkaHands = {
  readonly admin: Admin;
  /** A bare kafkajs client, for producers of a test's own. */
  readonly kafka: Kafka;
  /** Creates a topic and waits for its leaders. */
  create(topic: string, partitions: number, config?: Readonly<Record<string, string>>): Promise<void>;
  grow(topic: string, partitions: number): Promise<void>;
  /** Deletes the topic and creates it anew. */
  recreate(topic: string, partitions: number): Promise<void>;
  /** Deletes the records below `to`. */
  expire(partition: PartitionId, to: bigint): Promise<void>;
  /** Sends text values to one partition with a producer that lives for the call. */
  produce(partition: PartitionId, values: readonly (string | Buffer | null)[]): Promise<void>;
  close(): Promise<void>;
};

type ClientConfig = Omit<ConstructorParameters<typeof Kafka>[0], 'brokers' | 'logLevel'>;

/** A deletion is answered before every trace of the topic is gone, and a new leader may not know yet that it is one. */
const again = async (work: () => Promise<unknown>): Promise<void> => {
  for (let attempt = 0; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await delay(50);
    }
  }
};

const untilLed = async (admin: Admin, topic: string, partitions: number): Promise<void> => {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }));
    const led = topics[0]?.partitions.filter(({ leader }) => leader >= 0) ?? [];
    if (led.length === partitions) return;
    await delay(25);
  }
  throw new Error(`topic ${topic} has no leaders after 5 s`);
};

/** Connects to a cluster as its operator. */
export const kafkaHands = async (brokers: readonly string[], config: ClientConfig = {}): Promise<KafkaHands> => {
  quietRequestQueue();
  const kafka = new Kafka({ clientId: 'test', brokers: [...brokers], logLevel: logLevel.NOTHING, ...config });
  const admin = kafka.admin();
  await admin.connect();
  const hands: KafkaHands = {
    admin,
    kafka,
    async create(topic, numPartitions, settings = {}) {
      const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
      // Not `waitForLeaders`: on several nodes that asks one which may not know the topic yet, and gives up.
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions, configEntries }] });
      await untilLed(admin, topic, numPartitions);
    },
    async grow(topic, count) {
      await admin.createPartitions({ topicPartitions: [{ topic, count }] });
    },
    async recreate(topic, partitions) {
      await admin.deleteTopics({ topics: [topic] });
      await again(() => hands.create(topic, partitions));
    },
    async expire(id, to) {
      const { topic, index } = partitionRef(id);
      // kafkajs deletes records only of topics whose metadata it has by chance.
      await again(() => admin.fetchTopicOffsets(topic));
      await again(() => admin.deleteTopicRecords({ topic, partitions: [{ partition: index, offset: String(to) }] }));
    },
    async produce(id, values) {
      const { topic, index: partition } = partitionRef(id);
      const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
      await producer.connect();
      await producer.send({ topic, acks: -1, messages: values.map((value) => ({ partition, key: 'key', value })) });
      await producer.disconnect();
    },
    close: () => admin.disconnect(),
  };
  return hands;
};
