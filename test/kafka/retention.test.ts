import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PartitionId, partitionId } from '../../src/event.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { kafkaReader } from '../support/kafka-reader.ts';
import { collect } from '../support/log-collector.ts';

const kafka = await kafkaForTests();
const brokers = kafka?.brokers ?? [];
const values = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i}`);

describe.skipIf(kafka === null)('positions that the log has left behind (C12)', () => {
  let hands: KafkaHands;
  let topic: string;
  let first: PartitionId;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
  });
  beforeEach(async () => {
    topic = uniqueTopic('retention');
    first = partitionId(topic, 0);
    await hands.create(topic, 2);
  });
  afterAll(async () => {
    await hands.close();
    await kafka?.stop();
  });

  it('are a gap EXPIRED once, and the feed goes on, when records went while nobody read', async () => {
    await hands.produce(first, values(0, 30));
    await hands.expire(first, 25n);
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = collect(reader.log, new Map([[first, { next: 10n, epoch: 0 }]]));
    await hands.produce(first, ['new']);
    await feed.until(({ records }) => records.length === 6);
    expect(feed.gaps).toEqual([{ kind: 'gap', partition: first, from: 10n, to: 25n, reason: 'EXPIRED' }]);
    expect(feed.values()).toEqual([...values(25, 30), 'new']);
    expect(reader.lines.length).toBeLessThan(50);
    await reader.close();
  });

  it('are a gap EXPIRED when records went while the reader was held up', async () => {
    const held = Promise.withResolvers<void>();
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = collect(reader.log, new Map([[first, { next: 0n, epoch: -1 }]]), { onChunk: () => held.promise });
    await hands.produce(first, values(0, 10));
    await feed.until(({ records }) => records.length === 10);
    await hands.produce(first, values(10, 30));
    await hands.expire(first, 25n);
    held.resolve();
    await feed.until(({ records }) => records.length === 15);
    expect(feed.gaps).toEqual([{ kind: 'gap', partition: first, from: 10n, to: 25n, reason: 'EXPIRED' }]);
    expect(feed.values()).toEqual([...values(0, 10), ...values(25, 30)]);
    await reader.close();
  });

  it('are a gap TRUNCATED when they lie beyond the end of the log', async () => {
    await hands.produce(first, values(0, 3));
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = collect(reader.log, new Map([[first, { next: 40n, epoch: -1 }]]));
    await feed.until(({ gaps }) => gaps.length === 1);
    await hands.produce(first, ['new']);
    await feed.until(({ records }) => records.length === 1);
    expect(feed.gaps).toEqual([{ kind: 'gap', partition: first, from: 3n, to: 40n, reason: 'TRUNCATED' }]);
    expect(feed.values()).toEqual(['new']);
    await reader.close();
  });

  it('delay no other partition', async () => {
    await hands.produce(first, values(0, 30));
    await hands.expire(first, 25n);
    const second = partitionId(topic, 1);
    await hands.produce(second, ['other']);
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const from = new Map([
      [first, { next: 90n, epoch: -1 }],
      [second, { next: 0n, epoch: -1 }],
    ]);
    const feed = collect(reader.log, from);
    await feed.until(({ records }) => records.length === 1);
    expect(feed.values()).toEqual(['other']);
    expect(feed.gaps).toEqual([]);
    await reader.close();
  });
});
