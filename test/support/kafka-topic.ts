import type { KafkaMessage } from 'kafkajs';
import { kafkaClient } from './kafka-producer.ts';

/** Consumer groups of test readers begin with this. */
export const readerPrefix = 'test-reader-';
let readers = 0;

/** Sees one record; true = enough. */
export type TakeRecord = (record: KafkaMessage, partition: number) => boolean;

const endsOf = async (brokers: readonly string[], topic: string): Promise<Map<number, bigint>> => {
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  try {
    return new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, BigInt(high)]));
  } finally {
    await admin.disconnect();
  }
};

/** Reads a topic from its start with a plain consumer, not the gateway's, until `take` has enough. */
export const readUntil = async (brokers: readonly string[], topic: string, take: TakeRecord): Promise<void> => {
  const groupId = `${readerPrefix}${process.pid}-${readers++}`;
  const consumer = kafkaClient(brokers).consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async (seen: { message: KafkaMessage; partition: number }): Promise<void> => {
        if (take(seen.message, seen.partition)) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
};

/** A record and where it lies. */
export type PlacedRecord = KafkaMessage & { readonly partition: number };

/** Every record of a topic up to its end at the call. */
export const readTopic = async (brokers: readonly string[], topic: string): Promise<readonly PlacedRecord[]> => {
  const open = new Map([...(await endsOf(brokers, topic))].filter(([, end]) => end > 0n));
  const records: PlacedRecord[] = [];
  if (open.size === 0) return records;
  await readUntil(brokers, topic, (record, partition) => {
    const end = open.get(partition);
    if (end !== undefined && BigInt(record.offset) < end) records.push({ ...record, partition });
    if (end !== undefined && BigInt(record.offset) + 1n >= end) open.delete(partition);
    return open.size === 0;
  });
  return records;
};
