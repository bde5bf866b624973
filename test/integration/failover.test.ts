import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';
import { type KafkaCluster, kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { readTopic } from '../support/kafka-topic.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const cluster = await kafkaForTests({ nodes: 3 });
const rounds = Number(process.env['CARILLON_TEST_FAILOVER_ROUNDS'] ?? '1');
const users = Array.from({ length: 60 }, (_, n) => `user-${n}`);
/** How many publishes are acknowledged before the fault, and again after it. */
const enough = 600;

type Node = KafkaCluster['nodes'][number];

/** 60 services that publish one after another, each to its own user, until `end`. */
type Load = { readonly acknowledged: ReadonlyMap<string, readonly string[]>; total(): number; end(): Promise<void> };

const startLoad = (httpUrl: string, tokens: ReadonlyMap<string, string>): Load => {
  let isOver = false;
  const acknowledged = new Map<string, string[]>(users.map((user) => [user, []]));
  const work = async (user: string): Promise<void> => {
    const mine = acknowledged.get(user) ?? [];
    for (let n = 0; !isOver; n++) {
      const input = messageTo(user, `${user} ${n}`);
      const answer = await publish(httpUrl, { token: tokens.get(user) ?? '', input });
      const result = answer.data?.publishNotification;
      if (result?.notificationId && result.userErrors.length === 0) mine.push(`${user} ${n}`);
      else await delay(50);
    }
  };
  const running = Promise.all(users.map(work));
  return {
    acknowledged,
    total: () => [...acknowledged.values()].reduce((sum, titles) => sum + titles.length, 0),
    end: async () => {
      isOver = true;
      await running;
    },
  };
};

/** Titles of the log that were acknowledged, in log order, per user. */
const titlesOf = (records: Awaited<ReturnType<typeof readTopic>>): Map<string, string[]> => {
  const titles = new Map<string, string[]>(users.map((user) => [user, []]));
  const inOrder = records.toSorted((a, b) => a.partition - b.partition || Number(BigInt(a.offset) - BigInt(b.offset)));
  for (const record of inOrder)
    titles.get(String(record.key))?.push((JSON.parse(String(record.value)) as { title: string }).title);
  return titles;
};

describe.skipIf(cluster === null)('mutations through a gateway on three brokers, with every user connected', () => {
  const { brokers, nodes } = cluster as KafkaCluster;
  let hands: KafkaHands;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
  });
  afterAll(async () => {
    await hands.close();
    await cluster?.stop();
  });

  const leaderOf = async (topic: string): Promise<Node> => {
    const { topics } = await hands.admin.fetchTopicMetadata({ topics: [topic] });
    const leader = topics[0]?.partitions.find(({ partitionId }) => partitionId === 0)?.leader;
    return nodes.find(({ id }) => id === leader) as Node;
  };

  const faults: Readonly<Record<string, (node: Node) => Promise<void>>> = {
    'kill -9 of a leader': async (node) => {
      await node.kill('SIGKILL');
      await delay(4_000);
      node.start();
      await node.ready();
    },
    'a leader frozen for 6 s': async (node) => {
      await node.kill('SIGSTOP');
      await delay(6_000);
      await node.kill('SIGCONT');
      await node.ready();
    },
    'a leader that hands over (SIGTERM)': async (node) => {
      await node.kill('SIGTERM');
      node.start();
      await node.ready();
    },
  };

  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await delay(20);
  };

  const startGateway = async (topic: string): Promise<GatewayProcess> =>
    spawnGateway({
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: brokers.join(','),
      CARILLON_KAFKA_TOPICS: topic,
    }).ready;

  const judge = async (topic: string, load: Load, followers: ReadonlyMap<string, Follower>): Promise<void> => {
    const inLog = titlesOf(await readTopic(brokers, topic));
    for (const [user, acknowledged] of load.acknowledged) {
      const written = inLog.get(user) ?? [];
      expect(new Set(written).size).toBe(written.length);
      const wanted = new Set(acknowledged);
      expect(written.filter((title) => wanted.has(title))).toEqual(acknowledged);
      const follower = followers.get(user) as Follower;
      await follower.until(({ events }) => events.length >= written.length);
      expect(follower.events.map((event) => event.title)).toEqual(written);
      expect(follower.gaps).toEqual([]);
      expect(follower.closes).toEqual([]);
    }
  };

  const cases = Object.keys(faults).flatMap((name) =>
    Array.from({ length: rounds }, (_, n) => ({ name, round: n + 1 })),
  );

  it.each(cases)(
    'are in the log once and in order, and at their subscriber once: $name, round $round',
    { timeout: 180_000 },
    async ({ name }) => {
      const topic = uniqueTopic('gateway-failover');
      await hands.create(topic, 12, { 'min.insync.replicas': '2' });
      const gateway = await startGateway(topic);
      const scopes = ['notifications:publish'];
      const tokens = new Map(
        await Promise.all(users.map(async (user) => [user, await testToken(user, { scopes })] as const)),
      );
      const followers = new Map(
        await Promise.all(
          users.map(async (user) => [user, await follow(gateway.wsUrl, { token: tokens.get(user) ?? '' })] as const),
        ),
      );
      const load = startLoad(gateway.httpUrl, tokens);
      await until(() => load.total() >= enough);
      await faults[name]?.(await leaderOf(topic));
      const after = load.total();
      await until(() => load.total() >= after + enough);
      await load.end();
      await judge(topic, load, followers);
      console.info(`${name}: ${load.total()} mutations acknowledged`);
      for (const follower of followers.values()) await follower.close();
      await gateway.end();
    },
  );
});
