import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { partitionId } from '../../src/event.ts';
import { type KafkaNode, kafkaForTests, noKafka, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { followFromEnd, kafkaReader } from '../support/kafka-reader.ts';

const cluster = await kafkaForTests({ nodes: 3 });

const untilLedBy = async (hands: KafkaHands, topic: string, leader: number): Promise<void> => {
  for (;;) {
    const { topics } = await hands.admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }));
    const [partition] = topics[0]?.partitions ?? [];
    if (partition?.leader === leader && partition.isr.length === 1) return;
    await delay(100);
  }
};

describe.skipIf(cluster === null)('an unclean leader election that takes acknowledged records back', () => {
  const { brokers, nodes } = cluster ?? noKafka;
  const [one, two, three] = nodes as readonly [KafkaNode, KafkaNode, KafkaNode];
  afterAll(() => cluster?.stop());

  it('is a gap TRUNCATED, though the new log is as long as the old one was', async () => {
    const topic = uniqueTopic('unclean');
    const first = partitionId(topic, 0);
    const hands = await kafkaHands(brokers);
    // Replicas on two nodes; the third only keeps the quorum of controllers.
    await hands.admin.createTopics({
      topics: [
        {
          topic,
          replicaAssignment: [{ partition: 0, replicas: [1, 2] }],
          configEntries: [
            { name: 'unclean.leader.election.enable', value: 'true' },
            { name: 'min.insync.replicas', value: '1' },
          ],
        },
      ],
    });
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = await followFromEnd(reader.log);
    await hands.produce(first, ['kept']);
    await two.kill('SIGKILL');
    await untilLedBy(hands, topic, 1);
    await hands.produce(first, ['lost 1', 'lost 2']);
    await feed.until(({ records }) => records.length === 3);
    const position = { next: 3n, epoch: feed.records.at(-1)?.epoch ?? -1 };
    await hands.close();

    await one.kill('SIGKILL');
    two.start();
    await two.ready(2);
    const after = await kafkaHands([two.address, three.address]);
    await untilLedBy(after, topic, 2);
    await after.produce(first, ['new 1', 'new 2', 'new 3']);
    await feed.until(({ records }) => records.length === 6);
    expect(feed.gaps).toEqual([
      { kind: 'gap', partition: first, from: 1n, to: 3n, reason: 'TRUNCATED', epoch: expect.any(Number) },
    ]);
    expect(feed.values()).toEqual(['kept', 'lost 1', 'lost 2', 'new 1', 'new 2', 'new 3']);
    expect((await reader.log.check(new Map([[first, position]]))).get(first)).toEqual({
      cutAt: { next: 1n, epoch: expect.any(Number) },
    });
    await reader.close();
    await after.close();
  });
});
