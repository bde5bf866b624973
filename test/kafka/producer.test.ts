import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partitionId } from '../../src/event.ts';
import { count, numbered, positionOf, recordOf } from '../contract/log-records.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { kafkaAppender } from '../support/kafka-appender.ts';
import { readTopic } from '../support/kafka-topic.ts';

const kafka = await kafkaForTests();

describe.skipIf(kafka === null)('appends to a real broker', () => {
  const brokers = kafka?.brokers ?? [];
  let hands: KafkaHands;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
  });
  afterAll(async () => {
    await hands.close();
    await kafka?.stop();
  });

  const topicOf = async (partitions: number, config: Readonly<Record<string, string>> = {}): Promise<string> => {
    const topic = uniqueTopic('append');
    await hands.create(topic, partitions, config);
    return topic;
  };
  const valuesIn = async (topic: string): Promise<string[]> =>
    (await readTopic(brokers, topic)).map(({ value }) => value?.toString() ?? '<null>');

  it('keep the order of each key, however many are under way (C43)', async () => {
    const topic = await topicOf(4);
    const appender = kafkaAppender({ brokers, topic, partitions: 4 });
    const keys = count(0, 20).map((number) => `user-${number}`);
    const calls = count(0, 100).flatMap((number) =>
      keys.map((key) => appender.append([recordOf(`${key} ${number}`, { key })])),
    );
    for (const [result] of await Promise.all(calls)) expect(result?.ok).toBe(true);
    const records = await readTopic(brokers, topic);
    for (const key of keys) {
      const own = records.filter((record) => record.key?.toString() === key).map(({ value }) => value?.toString());
      expect(own).toEqual(count(0, 100).map((number) => `${key} ${number}`));
    }
    expect(appender.pending()).toEqual({ records: 0, bytes: 0 });
    await appender.close();
  });

  it('send what waits together, so that a thousand concurrent appends are few requests', async () => {
    const topic = await topicOf(1);
    const appender = kafkaAppender({ brokers, topic, partitions: 1 });
    await appender.append([recordOf('warm', { partition: 0 })]);
    const startedAt = performance.now();
    const results = await Promise.all(
      count(0, 1_000).map((value) => appender.append([recordOf(value, { partition: 0 })])),
    );
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(results.map(([result]) => positionOf(result).offset)).toEqual(count(1, 1_001).map(BigInt));
    await appender.close();
  });

  it('refuse a record of 2 MB alone: its 99 neighbours are written, in order (C80)', async () => {
    const topic = await topicOf(1);
    const appender = kafkaAppender({ brokers, topic, partitions: 1 });
    const values = count(0, 100).map((number) => (number === '50' ? 'x'.repeat(2_000_000) : number));
    const results = await Promise.all(values.map((value) => appender.append([recordOf(value, { partition: 0 })])));
    expect(results.filter(([result]) => result?.ok)).toHaveLength(99);
    expect(results[50]?.[0]).toMatchObject({ ok: false, error: { code: 'TOO_LARGE', outcome: 'not_written' } });
    expect(await valuesIn(topic)).toEqual(values.filter((value) => value.length < 10));
    await appender.close();
  });

  it('split batches by trial where the topic takes less than usual', async () => {
    const topic = await topicOf(1, { 'max.message.bytes': '20000' });
    const appender = kafkaAppender({ brokers, topic, partitions: 1 });
    const values = count(0, 60).map((number) => number.padEnd(number === '33' ? 30_000 : 3_000, '.'));
    const results = await appender.append(values.map((value) => recordOf(value, { partition: 0 })));
    expect(results.filter(({ ok }) => ok)).toHaveLength(59);
    expect(results[33]).toMatchObject({ ok: false, error: { code: 'TOO_LARGE', outcome: 'not_written' } });
    expect(await valuesIn(topic)).toEqual(values.filter((_, number) => number !== 33));
    await appender.close();
  });

  it('take records up to a limit of the topic that is higher than usual', async () => {
    const topic = await topicOf(1, { 'max.message.bytes': '10485760' });
    const appender = kafkaAppender({ brokers, topic, partitions: 1 });
    const sizes = [900_000, 1_100_000, 8_000_000, 1];
    const results = await appender.append(sizes.map((size) => recordOf('x'.repeat(size), { partition: 0 })));
    expect(results.map((result) => positionOf(result).offset)).toEqual([0n, 1n, 2n, 3n]);
    await appender.close();
  });

  it('say that a topic does not exist, at once', async () => {
    const appender = kafkaAppender({ brokers, topic: uniqueTopic('none'), partitions: 0 });
    const [result] = await appender.append([recordOf('a')]);
    expect(result).toMatchObject({ ok: false, error: { code: 'LOG_UNAVAILABLE', outcome: 'not_written' } });
    expect(result?.ok === false && result.error.message).toContain('does not exist: carillon topics apply');
    await appender.close();
  });

  it('are refused beyond 32 MiB that wait, and taken again when there is room', async () => {
    const topic = await topicOf(1);
    const appender = kafkaAppender({ brokers, topic, partitions: 1 });
    const records = count(0, 60).map(() => recordOf('x'.repeat(700_000), { partition: 0 }));
    const results = await Promise.all(records.map((record) => appender.append([record])));
    const refused = results.filter(([result]) => result?.ok === false);
    expect(refused.length).toBeGreaterThan(10);
    for (const [result] of refused) {
      expect(result).toMatchObject({ error: { code: 'OVERLOADED', outcome: 'not_written', retryAfterMs: 1_000 } });
    }
    expect((await appender.append([recordOf('after', { partition: 0 })]))[0]?.ok).toBe(true);
    await appender.close();
  });

  it('spread records without a key over the partitions', async () => {
    const topic = await topicOf(4);
    const appender = kafkaAppender({ brokers, topic, partitions: 4 });
    const results = await appender.append(numbered(8, {}));
    const placed = results.map((result) => positionOf(result).partition);
    expect(new Set(placed)).toEqual(new Set([0, 1, 2, 3].map((index) => partitionId(topic, index))));
    await appender.close();
  });

  it('settle when the appender closes, and are refused afterwards', async () => {
    const topic = await topicOf(1);
    const appender = kafkaAppender({ brokers, topic, partitions: 1 });
    const pending = appender.append(numbered(100, { partition: 0 }));
    await appender.close();
    expect((await pending).every(({ ok }) => ok)).toBe(true);
    const [late] = await appender.append([recordOf('late')]);
    expect(late).toMatchObject({ ok: false, error: { code: 'LOG_UNAVAILABLE', outcome: 'not_written' } });
    await appender.close();
  });
});
