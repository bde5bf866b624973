import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partitionId } from '../../src/event.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { followFromEnd, kafkaReader } from '../support/kafka-reader.ts';
import { collect } from '../support/log-collector.ts';

const kafka = await kafkaForTests();
const brokers = kafka?.brokers ?? [];

describe.skipIf(kafka === null)('topics that come, go and grow while they are read', () => {
  let hands: KafkaHands;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
  });
  afterAll(async () => {
    await hands.close();
    await kafka?.stop();
  });

  it('are waited for, read from the very first record, and hold up no other topic (C18)', async () => {
    const [present, missing] = [uniqueTopic('present'), uniqueTopic('missing')];
    await hands.create(present, 1);
    const reader = kafkaReader(brokers, [present, missing]);
    expect((await reader.log.open()).topics.map(({ name }) => name)).toEqual([present]);
    const feed = await followFromEnd(reader.log);
    await hands.produce(partitionId(present, 0), ['meanwhile']);
    await feed.until(({ records }) => records.length === 1);

    await hands.create(missing, 6);
    await hands.produce(partitionId(missing, 5), ['first']);
    await feed.until(({ records }) => records.length === 2);
    expect(feed.values(partitionId(missing, 5))).toEqual(['first']);
    expect(feed.records.at(-1)?.offset).toBe(0n);
    expect(reader.log.topology().topics.map(({ name }) => name)).toEqual([present, missing]);
    expect(reader.lines.filter((line) => line.includes('does not exist yet'))).toHaveLength(1);
    await reader.close();
  });

  it('are a gap RECREATED and read from 0 when they were deleted and created again (C18)', async () => {
    const topic = uniqueTopic('recreated');
    const first = partitionId(topic, 0);
    await hands.create(topic, 2);
    await hands.produce(first, ['old 1', 'old 2']);
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = collect(reader.log, new Map([[first, { next: 0n, epoch: -1 }]]));
    await feed.until(({ records }) => records.length === 2);
    await hands.recreate(topic, 2);
    // More than was read of the old one: by name and offset alone, "new 1" and "new 2" would be skipped in silence.
    await hands.produce(first, ['new 1', 'new 2', 'new 3']);
    await feed.until(({ records }) => records.length === 5);
    expect(feed.gaps).toEqual([{ kind: 'gap', partition: first, from: 0n, to: 2n, reason: 'RECREATED' }]);
    expect(feed.values()).toEqual(['old 1', 'old 2', 'new 1', 'new 2', 'new 3']);
    await reader.close();
  });

  it('give every record of partitions that were added, also those produced at once (C72)', async () => {
    const topic = uniqueTopic('growing');
    await hands.create(topic, 6);
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = await followFromEnd(reader.log);
    await hands.grow(topic, 12);
    const added = [6, 7, 8, 9, 10, 11].map((index) => partitionId(topic, index));
    for (const id of added) await hands.produce(id, ['1', '2']);
    await feed.until(({ records }) => records.length === 12);
    for (const id of added) expect(feed.values(id)).toEqual(['1', '2']);
    const before = new Map([[partitionId(topic, 0), { next: 0n, epoch: -1 }]]);
    expect([...(await reader.log.check(before)).values()]).toEqual(['valid']);
    await reader.close();
  });

  it('are open while empty, and give what is produced in the moment after (C70)', async () => {
    for (let run = 0; run < 5; run++) {
      const topic = uniqueTopic('idle');
      await hands.create(topic, 3);
      const reader = kafkaReader(brokers, [topic]);
      await reader.log.open();
      const tail = await reader.log.offsets();
      await hands.produce(partitionId(topic, run % 3), ['at once']);
      const feed = collect(reader.log, new Map([...tail].map(([id, { end }]) => [id, { next: end, epoch: -1 }])));
      await feed.until(({ records }) => records.length === 1);
      expect(feed.values()).toEqual(['at once']);
      await reader.close();
    }
  });
});
