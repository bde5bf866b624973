import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { type PartitionId, partitionId } from '../../src/event.ts';
import { kafkaForTests, noKafka, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { followFromEnd, kafkaReader } from '../support/kafka-reader.ts';
import type { LogCollector } from '../support/log-collector.ts';

const cluster = await kafkaForTests({ nodes: 3 });

const leaders = async (hands: KafkaHands, topic: string): Promise<readonly number[]> => {
  const { topics } = await hands.admin.fetchTopicMetadata({ topics: [topic] });
  return (topics[0]?.partitions ?? []).toSorted((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader);
};

/** The client may ask the frozen broker, too, and then hears nothing. */
const untilLedByOthers = async (hands: KafkaHands, topic: string, lost: number): Promise<void> => {
  for (;;) {
    const now = await leaders(hands, topic).catch(() => [lost]);
    if (now.every((leader) => leader >= 0 && leader !== lost)) return;
    await delay(100);
  }
};

const lastEpoch = (feed: LogCollector, id: PartitionId): number =>
  feed.records.filter(({ partition }) => partition === id).at(-1)?.epoch ?? -1;

describe.skipIf(cluster === null)('the loss of one broker of three', () => {
  const { brokers, nodes } = cluster ?? noKafka;
  afterAll(() => cluster?.stop());

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'moves its partitions to new leaders, and nothing is lost or repeated: %s',
    async (signal) => {
      const topic = uniqueTopic('failover');
      const ids = [0, 1, 2, 3, 4, 5].map((index) => partitionId(topic, index));
      const before = await kafkaHands(brokers);
      await before.create(topic, ids.length, { 'min.insync.replicas': '1' });
      const reader = kafkaReader(brokers, [topic]);
      await reader.log.open();
      const feed = await followFromEnd(reader.log);
      for (const id of ids) await before.produce(id, ['before']);
      const [leader = 0] = await leaders(before, topic);
      await before.close();
      await feed.until(({ records }) => records.length === 6);

      const victim = nodes.find(({ id }) => id === leader);
      await victim?.kill(signal);
      // Producing is another matter: a client that knows only the survivors does it once they lead.
      const after = await kafkaHands(
        nodes.filter((node) => node !== victim).map(({ address }) => address),
        {
          requestTimeout: 2_000,
          connectionTimeout: 1_000,
        },
      );
      await untilLedByOthers(after, topic, leader);
      await Promise.all(ids.map((id) => after.produce(id, ['during'])));
      await feed.until(({ records }) => records.length === 12);

      const positions = new Map(ids.map((id) => [id, { next: 2n, epoch: lastEpoch(feed, id) }]));
      expect([...(await reader.log.check(positions)).values()]).toEqual(ids.map(() => 'valid'));
      if (signal === 'SIGSTOP') await victim?.kill('SIGCONT');
      else victim?.start();
      await victim?.ready();
      for (const id of ids) await after.produce(id, ['after']);
      await feed.until(({ records }) => records.length === 18);
      for (const id of ids) expect(feed.values(id)).toEqual(['before', 'during', 'after']);
      expect(feed.gaps).toEqual([]);
      await reader.close();
      await after.close();
    },
  );
});
