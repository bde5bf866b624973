import { type ICustomPartitioner, Kafka, logLevel, Partitioners, type Producer, type RecordMetadata } from 'kafkajs';
import { controlTopic } from '../../src/log/index.ts';
import { kafkaHands } from './kafka-admin.ts';

/** A record as a service of somebody else's would produce it. */
export type ForeignRecord = {
  readonly key: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
  readonly partition?: number;
};

/** A producer that is not the gateway's. */
export type ForeignProducer = {
  send(topic: string, records: readonly ForeignRecord[]): Promise<readonly RecordMetadata[]>;
  close(): Promise<void>;
};

const partitioners: Readonly<Record<'java' | 'legacy', ICustomPartitioner>> = {
  java: Partitioners.DefaultPartitioner,
  legacy: Partitioners.LegacyPartitioner,
};

/** A kafkajs client that is silent. */
export const kafkaClient = (brokers: readonly string[]): Kafka =>
  new Kafka({ clientId: 'test', brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20 } });

/** Connects a kafkajs producer; `legacy` places keys elsewhere than Java's murmur2. */
export const foreignProducer = async (
  brokers: readonly string[],
  partitioner: 'java' | 'legacy' = 'java',
): Promise<ForeignProducer> => {
  const producer: Producer = kafkaClient(brokers).producer({
    createPartitioner: partitioners[partitioner],
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  return {
    send: (topic, records) => producer.send({ topic, acks: -1, messages: records.map((record) => ({ ...record })) }),
    close: () => producer.disconnect(),
  };
};

/** Creates topics and waits for their leaders; the control topic too, which all gateways of a cluster share. */
export const createTopics = async (
  brokers: readonly string[],
  topics: readonly { readonly topic: string; readonly partitions: number }[],
): Promise<void> => {
  const hands = await kafkaHands(brokers);
  try {
    for (const { topic, partitions } of topics) await hands.create(topic, partitions);
    const known = await hands.admin.listTopics();
    // Another file may be making it at this moment.
    if (!known.includes(controlTopic)) {
      await hands.create(controlTopic, 1, { 'cleanup.policy': 'compact' }).catch(async (cause: unknown) => {
        if (!(await hands.admin.listTopics()).includes(controlTopic)) throw cause;
      });
    }
  } finally {
    await hands.close();
  }
};

/** Ids of every consumer group that the cluster knows. */
export const consumerGroups = async (brokers: readonly string[]): Promise<readonly string[]> => {
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  try {
    return (await admin.listGroups()).groups.map((group) => group.groupId);
  } finally {
    await admin.disconnect();
  }
};

/** Deletes what lies below `offset`, as retention does. */
export const deleteRecords = async (
  brokers: readonly string[],
  topic: string,
  below: { readonly partition: number; readonly offset: bigint },
): Promise<void> => {
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  try {
    await admin.fetchTopicOffsets(topic);
    const partitions = [{ partition: below.partition, offset: String(below.offset) }];
    await admin.deleteTopicRecords({ topic, partitions });
  } finally {
    await admin.disconnect();
  }
};
