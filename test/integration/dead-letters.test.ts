import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { follow } from '../support/follower.ts';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { createTopics, foreignProducer } from '../support/kafka-producer.ts';
import { readTopic, readUntil } from '../support/kafka-topic.ts';
import { testToken } from '../support/token.ts';

const kafka = await kafkaForTests();

/** Values that no event type accepts, for a user who is known; a record without a user is bad by its key. */
const poisonValues = [
  'not json',
  '{"id":',
  '[]',
  '"text"',
  '42',
  'null',
  '{"title":null}',
  '{"title":{"$ne":1}}',
  '['.repeat(20_000),
];
const poisonCount = 1_000;
const whileDown = 100;

describe.skipIf(kafka === null)(
  'three gateways and 1,000 records that cannot be read, 100 of them written while all are down (C02)',
  () => {
    const brokers = kafka?.brokers ?? [];
    const topic = uniqueTopic('poison');
    let gateways: GatewayProcess[] = [];
    let producer: Awaited<ReturnType<typeof foreignProducer>>;

    const startAll = async (): Promise<void> => {
      const env = {
        CARILLON_LOG: 'kafka',
        CARILLON_KAFKA_BROKERS: brokers.join(','),
        CARILLON_KAFKA_TOPICS: topic,
      };
      gateways = await Promise.all(Array.from({ length: 3 }, () => spawnGateway(env).ready));
    };
    const stopAll = async (): Promise<void> => {
      await Promise.all(gateways.map((gateway) => gateway.end()));
      gateways = [];
    };

    /** `count` poison records, each followed by a good one for the same user. */
    const produce = async (from: number, count: number): Promise<void> => {
      const records = Array.from({ length: count }, (_, n) => from + n).flatMap((n) => [
        { key: n % 10 === 9 ? null : 'ada', value: poisonValues[n % poisonValues.length] ?? '' },
        { key: 'ada', value: JSON.stringify({ title: `good ${n}` }) },
      ]);
      for (let at = 0; at < records.length; at += 100) await producer.send(topic, records.slice(at, at + 100));
    };

    beforeAll(async () => {
      await createTopics(brokers, [
        { topic, partitions: 6 },
        { topic: `${topic}.dlq`, partitions: 1 },
      ]);
      producer = await foreignProducer(brokers);
      await startAll();
    });
    afterAll(async () => {
      await Promise.all([producer?.close(), stopAll()]);
    });

    it('leaves exactly 1,000 dead letters when folded by key, and every good record between them arrives once', async () => {
      const token = await testToken('ada');
      const gateway = (): string => gateways[0]?.wsUrl ?? '';
      const before = await follow(gateway(), { token });
      await produce(0, poisonCount - whileDown);
      await before.until(({ events }) => events.length >= poisonCount - whileDown);
      expect(before.gaps.every((gap) => gap.reason === 'UNREADABLE')).toBe(true);
      expect(before.gaps.length).toBeGreaterThan(0);
      await before.close();
      await stopAll();
      await produce(poisonCount - whileDown, whileDown);
      await startAll();
      const after = await follow(gateway(), { token, after: before.cursor });
      await after.until(({ events }) => events.length >= whileDown);
      const titles = [...before.events, ...after.events].map((event) => event.title);
      expect(new Set(titles).size).toBe(poisonCount);
      expect(titles).toHaveLength(poisonCount);
      await after.close();

      const keys = new Set<string>();
      await readUntil(brokers, `${topic}.dlq`, (record) => {
        keys.add(record.key?.toString() ?? 'no key');
        return keys.size >= poisonCount;
      });
      await stopAll();
      const folded = new Set((await readTopic(brokers, `${topic}.dlq`)).map((record) => record.key?.toString()));
      expect(folded.size).toBe(poisonCount);
      expect(folded.has(undefined)).toBe(false);
    }, 180_000);
  },
);
