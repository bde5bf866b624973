import { Partitioners, type Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PartitionId, partitionId } from '../../src/event.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { type KafkaReader, kafkaReader } from '../support/kafka-reader.ts';
import { collect, readAll, recordsOf } from '../support/log-collector.ts';

const kafka = await kafkaForTests();
const brokers = kafka?.brokers ?? [];

describe.skipIf(kafka === null)('transactions in the log (C42)', () => {
  let hands: KafkaHands;
  let topic: string;
  let first: PartitionId;
  let producer: Producer;
  let reader: KafkaReader;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
  });
  beforeEach(async () => {
    topic = uniqueTopic('transactions');
    first = partitionId(topic, 0);
    await hands.create(topic, 1);
    producer = hands.kafka.producer({
      transactionalId: topic,
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    return async () => {
      await producer.disconnect();
      await reader.close();
    };
  });
  afterAll(async () => {
    await hands.close();
    await kafka?.stop();
  });

  const transact = async (values: readonly string[], end: 'commit' | 'abort'): Promise<void> => {
    const transaction = await producer.transaction();
    if (values.length > 0) {
      await transaction.send({ topic, messages: values.map((value) => ({ partition: 0, value })) });
    }
    await (end === 'commit' ? transaction.commit() : transaction.abort());
  };

  const fromStart = () => collect(reader.log, new Map([[first, { next: 0n, epoch: -1 }]]));

  it('deliver what was committed and nothing of what was aborted, twice by one producer', async () => {
    await transact(['a1', 'a2'], 'commit');
    await transact(['b1', 'b2'], 'abort');
    await transact(['c1'], 'commit');
    await transact(['d1'], 'abort');
    await transact(['e1'], 'commit');
    const feed = fromStart();
    await feed.until(({ records }) => records.length === 4);
    expect(feed.values()).toEqual(['a1', 'a2', 'c1', 'e1']);
    const all = await readAll(reader.log, first, [0n, 100n]);
    expect(recordsOf(all).map(({ value }) => value?.toString())).toEqual(['a1', 'a2', 'c1', 'e1']);
  });

  it('move the position past markers, so that lag settles at 0', async () => {
    await transact(['a1', 'a2', 'a3'], 'commit');
    for (let round = 0; round < 20; round++) await transact([`b${round}`, `c${round}`], 'abort');
    // The broker answers before the last marker is written: the end may still move by one.
    const { end } = (await reader.log.offsets()).get(first) ?? { end: -1n };
    const feed = fromStart();
    await feed.until(({ chunks }) => {
      const last = chunks.at(-1);
      return last?.kind === 'records' && last.next.next >= end;
    });
    await hands.produce(first, ['plain']);
    await feed.until(({ records }) => records.length === 4);
    expect(feed.values()).toEqual(['a1', 'a2', 'a3', 'plain']);
  });

  it('skip an abort that is larger than one fetch', async () => {
    const big = 'x'.repeat(90_000);
    const transaction = await producer.transaction();
    for (let batch = 0; batch < 12; batch++) {
      await transaction.send({ topic, messages: [{ partition: 0, value: `${batch}${big}` }] });
    }
    await transaction.abort();
    await hands.produce(first, ['after']);
    const feed = fromStart();
    await feed.until(({ records }) => records.length === 1);
    expect(feed.values()).toEqual(['after']);
    expect(feed.chunks.length).toBeGreaterThan(2);
  });

  it('take an abort without records', async () => {
    await transact(['a'], 'commit');
    await transact([], 'abort');
    await transact(['b'], 'commit');
    const feed = fromStart();
    await feed.until(({ records }) => records.length === 2);
    expect(feed.values()).toEqual(['a', 'b']);
  });

  it('hold back an open transaction, and what follows it, until it is decided', async () => {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ partition: 0, value: 'open' }] });
    await hands.produce(first, ['behind']);
    expect((await reader.log.offsets()).get(first)).toEqual({ start: 0n, end: 0n });
    const feed = fromStart();
    await transaction.commit();
    await feed.until(({ records }) => records.length === 2);
    expect(feed.values()).toEqual(['open', 'behind']);
  });
});
