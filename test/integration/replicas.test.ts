import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { createTopics, type ForeignProducer, foreignProducer } from '../support/kafka-producer.ts';
import { testToken } from '../support/token.ts';

const kafka = await kafkaForTests();
const users = Array.from({ length: 30 }, (_, n) => `user-${n}`);

/** One user over all of their connections. */
type Story = { readonly user: string; current: Follower; readonly before: Follower[]; node: number };

describe.skipIf(kafka === null)(
  'three gateways under load while one is killed, one is added and one stands still (C11)',
  () => {
    const brokers = kafka?.brokers ?? [];
    const topic = uniqueTopic('replicas');
    const gateways: GatewayProcess[] = [];
    let producer: ForeignProducer;
    let stories: Story[] = [];

    const start = async (): Promise<GatewayProcess> =>
      spawnGateway({
        CARILLON_LOG: 'kafka',
        CARILLON_KAFKA_BROKERS: brokers.join(','),
        CARILLON_KAFKA_TOPICS: topic,
      }).ready;

    const urlOf = (node: number): string => gateways[node]?.wsUrl ?? '';

    beforeAll(async () => {
      await createTopics(brokers, [
        { topic, partitions: 12 },
        { topic: `${topic}.dlq`, partitions: 1 },
      ]);
      producer = await foreignProducer(brokers);
      gateways.push(...(await Promise.all([start(), start(), start()])));
      stories = await Promise.all(
        users.map(async (user, n) => ({
          user,
          node: n % 3,
          before: [],
          current: await follow(urlOf(n % 3), { token: await testToken(user) }),
        })),
      );
    });
    afterAll(async () => {
      for (const { current } of stories) await current.close();
      gateways[2]?.process.kill('SIGCONT');
      await Promise.all([producer?.close(), ...gateways.map((gateway) => gateway.end('SIGKILL'))]);
    });

    const move = async (story: Story, node: number): Promise<void> => {
      story.before.push(story.current);
      story.node = node;
      story.current = await follow(urlOf(node), { token: await testToken(story.user), after: story.current.cursor });
    };

    let sequence = 0;
    /** One event to each user, numbered. */
    const produceRound = async (): Promise<void> => {
      const number = sequence++;
      const records = users.map((user) => ({ key: user, value: JSON.stringify({ title: `${user} ${number}` }) }));
      await producer.send(topic, records);
    };
    const produceRounds = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) await produceRound();
    };
    const received = ({ before, current }: Story): string[] =>
      [...before, current].flatMap((follower) => follower.events.map((event) => event.title));

    it('misses nothing, repeats nothing and keeps each user’s order', async () => {
      await produceRounds(50);
      // A node is killed in the middle of a burst.
      const burst = produceRounds(100);
      gateways[0]?.process.kill('SIGKILL');
      await burst;
      const left = stories.filter((story) => story.node === 0);
      await Promise.all(left.map((story) => story.current.until(({ closes }) => closes.length > 0)));
      gateways[0] = await start();
      await Promise.all(left.map((story, n) => move(story, n % 2)));
      // Another stands still while events come, and goes on.
      gateways[2]?.process.kill('SIGSTOP');
      await produceRounds(100);
      const others = stories.filter((story) => story.node !== 2);
      await Promise.all(others.map((story) => story.current.until(() => received(story).length >= sequence)));
      gateways[2]?.process.kill('SIGCONT');
      await produceRounds(50);
      await Promise.all(stories.map((story) => story.current.until(() => received(story).length >= sequence)));
      for (const story of stories) {
        expect(received(story)).toEqual(Array.from({ length: sequence }, (_, n) => `${story.user} ${n}`));
        expect(story.current.gaps).toEqual([]);
      }
    }, 120_000);
  },
);
