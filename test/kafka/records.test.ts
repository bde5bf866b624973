import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PartitionId, partitionId } from '../../src/event.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { followFromEnd, kafkaReader } from '../support/kafka-reader.ts';
import { collect, readAll, recordsOf } from '../support/log-collector.ts';

const kafka = await kafkaForTests();
const brokers = kafka?.brokers ?? [];

describe.skipIf(kafka === null)('records of other producers', () => {
  let hands: KafkaHands;
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => {
    warnings.push(warning.name);
  };
  beforeAll(async () => {
    process.on('warning', onWarning);
    hands = await kafkaHands(brokers);
  });
  afterAll(async () => {
    process.off('warning', onWarning);
    await hands.close();
    await kafka?.stop();
  });

  it('may be tombstones, and may have no key (C15)', async () => {
    const topic = uniqueTopic('tombstones');
    const first = partitionId(topic, 0);
    await hands.create(topic, 1);
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = await followFromEnd(reader.log);
    await hands.produce(first, [null, 'good', null]);
    await feed.until(({ records }) => records.length === 3);
    expect(feed.records.map(({ value }) => value?.toString() ?? null)).toEqual([null, 'good', null]);
    await reader.close();
  });

  it('may be larger than a fetch, and hold up none that follows (C80)', async () => {
    const topic = uniqueTopic('large');
    const [first, second] = [partitionId(topic, 0), partitionId(topic, 1)];
    await hands.create(topic, 2, { 'max.message.bytes': String(10 * 2 ** 20) });
    const sizes = [900_000, 1_100_000, 8_000_000];
    for (const size of sizes) await hands.produce(first, [Buffer.alloc(size, 'v')]);
    await hands.produce(first, ['small']);
    await hands.produce(second, ['other']);
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const from = [first, second].map((id) => [id, { next: 0n, epoch: -1 }] as const);
    const feed = collect(reader.log, new Map(from));
    await feed.until(({ records }) => records.length === 5);
    const lengths = (id: PartitionId): number[] =>
      feed.records.filter(({ partition }) => partition === id).map(({ value }) => value?.length ?? -1);
    expect(lengths(first)).toEqual([...sizes, 5]);
    expect(lengths(second)).toEqual([5]);
    expect(recordsOf(await readAll(reader.log, first, [1n, 4n])).map(({ value }) => value?.length)).toEqual([
      1_100_000, 8_000_000, 5,
    ]);
    await reader.close();
  });

  it('pause their partition while the handler is busy; none is lost or repeated (C44)', async () => {
    const topic = uniqueTopic('flood');
    await hands.create(topic, 12);
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const slowOnes = new Set([partitionId(topic, 0), partitionId(topic, 1)]);
    const feed = await followFromEnd(reader.log, {
      onChunk: ({ partition }) =>
        slowOnes.has(partition) ? new Promise((resolve) => setTimeout(resolve, 5)) : undefined,
    });
    const perPartition = 2_000;
    const values = Array.from({ length: perPartition }, (_, i) => `${i} ${'x'.repeat(300)}`);
    const ids = Array.from({ length: 12 }, (_, index) => partitionId(topic, index));
    await Promise.all(ids.map((id) => hands.produce(id, values)));
    let seen = 0;
    let looked = 0;
    await feed.until(({ chunks }) => {
      for (; looked < chunks.length; looked++) {
        const chunk = chunks[looked];
        seen += chunk?.kind === 'records' ? chunk.records.length : 0;
      }
      return seen >= perPartition * 12;
    });
    const all = Map.groupBy(feed.records, ({ partition }) => partition);
    for (const id of ids) {
      const offsets = (all.get(id) ?? []).map(({ offset }) => Number(offset));
      expect(offsets).toEqual(Array.from({ length: perPartition }, (_, i) => i));
    }
    await reader.close();
  });

  it('are read without a timer warning of Node (C109)', () => {
    expect(warnings.filter((name) => name.startsWith('Timeout'))).toEqual([]);
  });
});
