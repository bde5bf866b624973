import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { consumerGroups, createTopics, foreignProducer } from '../support/kafka-producer.ts';
import { readerPrefix } from '../support/kafka-topic.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const kafka = await kafkaForTests();
const users = Array.from({ length: 60 }, (_, n) => `user-${n}`);
const perWay = 20;
const ways = ['kafkajs', 'mutation', 'other-partitioner'] as const;
type Way = (typeof ways)[number];

describe.skipIf(kafka === null)('two gateways on one Kafka, 12 partitions, 60 users over both (C01)', () => {
  const brokers = kafka?.brokers ?? [];
  const topic = uniqueTopic('two-nodes');
  const gateways: GatewayProcess[] = [];
  /** A service for each user: one alone would be over the publishes that a caller has. */
  const services = new Map<string, string>();

  const start = async (): Promise<GatewayProcess> => {
    const { ready } = spawnGateway({
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: brokers.join(','),
      CARILLON_KAFKA_TOPICS: topic,
    });
    const gateway = await ready;
    gateways.push(gateway);
    return gateway;
  };

  const produce: Record<Way, (user: string, title: string) => Promise<void>> = {
    kafkajs: async (user, title) => void (await java.send(topic, [{ key: user, value: JSON.stringify({ title }) }])),
    mutation: async (user, title) => {
      const gateway = gateways.at(-1);
      const token = services.get(user) ?? '';
      const answer = await publish(gateway?.httpUrl ?? '', { token, input: messageTo(user, title) });
      expect(answer.errors).toBeUndefined();
      expect(answer.data?.publishNotification.userErrors).toEqual([]);
    },
    'other-partitioner': async (user, title) =>
      void (await legacy.send(topic, [{ key: user, value: JSON.stringify({ title }) }])),
  };
  let java: Awaited<ReturnType<typeof foreignProducer>>;
  let legacy: Awaited<ReturnType<typeof foreignProducer>>;

  beforeAll(async () => {
    await createTopics(brokers, [
      { topic, partitions: 12 },
      { topic: `${topic}.dlq`, partitions: 1 },
    ]);
    for (const user of users) {
      services.set(user, await testToken(`service of ${user}`, { scopes: ['notifications:publish'] }));
    }
    [java, legacy] = await Promise.all([foreignProducer(brokers, 'java'), foreignProducer(brokers, 'legacy')]);
    await Promise.all([start(), start()]);
  });

  afterAll(async () => {
    await Promise.all([java?.close(), legacy?.close(), ...gateways.map((gateway) => gateway.end())]);
  });

  /** Each way's titles for each user, one after another within a user and way, users side by side. */
  const publishRound = async (round: string): Promise<void> => {
    for (const way of ways) {
      await Promise.all(
        users.map(async (user) => {
          for (let n = 0; n < perWay; n++) await produce[way](user, `${round} ${way} ${user} ${n}`);
        }),
      );
    }
  };

  const expectRound = async (follower: Follower, user: string, round: string): Promise<void> => {
    await follower.until(
      ({ events }) => events.filter((event) => event.title.startsWith(round)).length >= perWay * ways.length,
    );
    const got = follower.events.map((event) => event.title).filter((title) => title.startsWith(round));
    for (const way of ways) {
      const expected = Array.from({ length: perWay }, (_, n) => `${round} ${way} ${user} ${n}`);
      expect(got.filter((title) => title.startsWith(`${round} ${way} `))).toEqual(expected);
    }
    expect(got).toHaveLength(perWay * ways.length);
    expect(follower.gaps).toEqual([]);
  };

  it('gives each user exactly their own events, in order, whichever node and producer; then after one node is stopped, on the other', async () => {
    const [first, second] = gateways;
    if (first === undefined || second === undefined) throw new Error('both gateways run');
    const followers = await Promise.all(
      users.map(async (user, n) => follow(n % 2 === 0 ? first.wsUrl : second.wsUrl, { token: await testToken(user) })),
    );
    await publishRound('one');
    await Promise.all(users.map((user, n) => expectRound(followers[n] as Follower, user, 'one')));

    expect(await first.end()).toBe(0);
    gateways.splice(0, 1);
    const moved = await Promise.all(
      users.map(async (user, n) => {
        const before = followers[n] as Follower;
        if (n % 2 === 1) return before;
        await before.close();
        return follow(second.wsUrl, { token: await testToken(user), after: before.cursor });
      }),
    );
    await publishRound('two');
    await Promise.all(users.map((user, n) => expectRound(moved[n] as Follower, user, 'two')));
    const groups = await consumerGroups(brokers);
    expect(groups.filter((group) => !group.startsWith(readerPrefix))).toEqual([]);
    await Promise.all(moved.map((follower) => follower.close()));
  }, 120_000);
});
