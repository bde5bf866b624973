import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../dev/kafka/ports.ts';
import { partitionId } from '../../src/event.ts';
import { type KafkaCluster, type KafkaNode, kafkaForTests, noKafka, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { followFromEnd, kafkaReader } from '../support/kafka-reader.ts';

const cluster = await kafkaForTests({ nodes: 1 });

/** Share of one core that this process used while `work` ran. */
const cpuShare = async (work: () => Promise<unknown>): Promise<number> => {
  const [before, from] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - from);
};

describe.skipIf(cluster === null)('an outage of the only broker (C17)', () => {
  const { brokers, nodes } = cluster ?? noKafka;
  const [node] = nodes as readonly [KafkaNode];
  let hands: KafkaHands;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
  });
  afterAll(async () => {
    await hands.close();
    await cluster?.stop();
  });

  /** Follows a topic through `fault`, and looks at what the reader does while the broker is away. */
  const through = async (fault: { begin(): Promise<void>; end(): Promise<void> }): Promise<void> => {
    const topic = uniqueTopic('outage');
    const first = partitionId(topic, 0);
    await hands.create(topic, 3);
    const reader = kafkaReader(brokers, [topic]);
    await reader.log.open();
    const feed = await followFromEnd(reader.log);
    await hands.produce(first, ['before']);
    await feed.until(({ records }) => records.length === 1);

    await fault.begin();
    const linesBefore = reader.lines.length;
    const from = performance.now();
    const share = await cpuShare(() => feed.until(({ stalls }) => (stalls.at(-1) ?? 0) > 4_000));
    const linesPerSecond = (reader.lines.length - linesBefore) / ((performance.now() - from) / 1_000);
    expect(share).toBeLessThan(0.2);
    expect(linesPerSecond).toBeLessThan(5);

    await fault.end();
    await feed.until(({ stalls }) => stalls.at(-1) === 0);
    await hands.produce(first, ['after']);
    await feed.until(({ records }) => records.length === 2);
    expect(feed.values()).toEqual(['before', 'after']);
    expect(feed.gaps).toEqual([]);
    await reader.close();
  };

  it('is reported, costs little, and ends with delivery going on: SIGKILL and restart', async () => {
    await through({
      begin: () => node.kill('SIGKILL'),
      end: async () => {
        node.start();
        await node.ready();
      },
    });
  });

  it('is reported, costs little, and ends with delivery going on: frozen and thawed', async () => {
    await through({
      begin: () => node.kill('SIGSTOP'),
      end: async () => {
        await node.kill('SIGCONT');
        await node.ready();
      },
    });
  });

  it('leaves no trace of a protocol version that the broker refuses (C79)', () => {
    expect(readFileSync(node.logFile, 'utf8')).not.toContain('UnsupportedVersion');
  });
});

describe.skipIf(cluster === null)('a broker that is not there at the start (C41)', () => {
  it('is waited for; what is produced once it is there arrives', async () => {
    const [port = 0] = await freePorts(1);
    const topic = uniqueTopic('late');
    const reader = kafkaReader(['no-such-host.invalid:9092', `127.0.0.1:${port}`], [topic]);
    const opening = reader.log.open();
    const late = (await kafkaForTests({ ports: [port] })) as KafkaCluster;
    await opening;
    const feed = await followFromEnd(reader.log);
    const hands = await kafkaHands(late.brokers);
    await hands.create(topic, 1);
    await hands.produce(partitionId(topic, 0), ['first']);
    await feed.until(({ records }) => records.length === 1);
    await reader.close();
    await hands.close();
    await late.stop();
  });

  it('keeps `open` waiting until `close`, which ends it', async () => {
    const [port = 0] = await freePorts(1);
    const reader = kafkaReader([`127.0.0.1:${port}`], ['none']);
    const opening = reader.log.open();
    const refused = expect(opening).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    await reader.close();
    await refused;
  });
});
