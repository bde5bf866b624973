import { afterEach, describe, expect, it } from 'vitest';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, type SpawnedGateway, spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { createTopics, deleteRecords, type ForeignProducer, foreignProducer } from '../support/kafka-producer.ts';
import { readTopic } from '../support/kafka-topic.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const kafka = await kafkaForTests();
const brokers = kafka?.brokers ?? [];

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const spawn = (topics: string): SpawnedGateway => {
  const gateway = spawnGateway({
    CARILLON_LOG: 'kafka',
    CARILLON_KAFKA_BROKERS: brokers.join(','),
    CARILLON_KAFKA_TOPICS: topics,
  });
  cleanUp.push(async () => {
    gateway.child.kill('SIGKILL');
    await gateway.exited;
  });
  return gateway;
};
const start = (topics: string): Promise<GatewayProcess> => spawn(topics).ready;

const makeTopic = async (name: string, partitions = 6): Promise<string> => {
  const topic = uniqueTopic(name);
  await createTopics(brokers, [
    { topic, partitions },
    { topic: `${topic}.dlq`, partitions: 1 },
  ]);
  return topic;
};

const producer = async (): Promise<ForeignProducer> => {
  const made = await foreignProducer(brokers);
  cleanUp.push(() => made.close());
  return made;
};

const followAs = async (gateway: GatewayProcess, user: string, after: string | null = null): Promise<Follower> => {
  const follower = await follow(gateway.wsUrl, { token: await testToken(user), after });
  cleanUp.push(() => follower.close());
  return follower;
};

const message = (key: string, title: string) => ({ key, value: JSON.stringify({ title }) });
const titles = (follower: Follower): string[] => follower.events.map((event) => event.title);

describe.skipIf(kafka === null)('a gateway on Kafka', () => {
  it('delivers what comes in the instant it says ready, on an idle topic (C70)', async () => {
    const topic = await makeTopic('ready');
    const foreign = await producer();
    for (let round = 0; round < 3; round++) {
      const gateway = await start(topic);
      const ada = await followAs(gateway, 'ada');
      await foreign.send(topic, [message('ada', `round ${round}`)]);
      await ada.until(({ events }) => events.length === 1);
      expect(titles(ada)).toEqual([`round ${round}`]);
      await ada.close();
      expect(await gateway.end()).toBe(0);
    }
  }, 60_000);

  it('serves one topic while another does not exist, and delivers the very first record once it is created (C18)', async () => {
    const topic = await makeTopic('present');
    const absent = uniqueTopic('absent');
    const foreign = await producer();
    const gateway = await start(`${topic},${absent}`);
    const ada = await followAs(gateway, 'ada');
    await foreign.send(topic, [message('ada', 'from the present one')]);
    await ada.until(({ events }) => events.length === 1);
    await createTopics(brokers, [{ topic: absent, partitions: 6 }]);
    await foreign.send(absent, [message('ada', 'the very first')]);
    await ada.until(({ events }) => events.length === 2);
    expect(titles(ada)).toEqual(['from the present one', 'the very first']);
    expect(ada.gaps).toEqual([]);
  }, 60_000);

  it('gives a client that resumes what was produced while the gateway was down, once, and a new client nothing old (C20)', async () => {
    const topic = await makeTopic('down');
    const foreign = await producer();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const first = await start(topic);
      const ada = await followAs(first, 'ada');
      await foreign.send(topic, [message('ada', `${signal} e1`)]);
      await ada.until(({ events }) => events.length === 1);
      const { cursor } = ada;
      await first.end(signal);
      await foreign.send(
        topic,
        ['e2', 'e3', 'e4', 'e5'].map((title) => message('ada', `${signal} ${title}`)),
      );
      const second = await start(topic);
      const returned = await followAs(second, 'ada', cursor);
      const fresh = await followAs(second, 'ada');
      await returned.until(({ events }) => events.length >= 4);
      await foreign.send(topic, [message('ada', `${signal} e6`)]);
      await Promise.all([
        returned.until(({ events }) => events.length >= 5),
        fresh.until(({ events }) => events.length >= 1),
      ]);
      expect(titles(returned)).toEqual(['e2', 'e3', 'e4', 'e5', 'e6'].map((title) => `${signal} ${title}`));
      expect(titles(fresh)).toEqual([`${signal} e6`]);
      await second.end('SIGKILL');
    }
  }, 60_000);

  it('tells a client whose position was deleted by retention of a gap, and goes on from what is left (C12)', async () => {
    const topic = await makeTopic('expired', 1);
    const foreign = await producer();
    const first = await start(topic);
    const ada = await followAs(first, 'ada');
    await foreign.send(
      topic,
      Array.from({ length: 10 }, (_, n) => message('ada', `old ${n}`)),
    );
    await ada.until(({ events }) => events.length === 10);
    const { cursor } = ada;
    await first.end('SIGTERM');
    await foreign.send(
      topic,
      Array.from({ length: 20 }, (_, n) => message('ada', `new ${n}`)),
    );
    await deleteRecords(brokers, topic, { partition: 0, offset: 25n });
    const second = await start(topic);
    const returned = await followAs(second, 'ada', cursor);
    await foreign.send(topic, [message('ada', 'one more')]);
    await returned.until(({ events }) => events.some((event) => event.title === 'one more'));
    expect(returned.gaps.map((gap) => gap.reason)).toEqual(['EXPIRED']);
    expect(titles(returned)).toEqual(['new 15', 'new 16', 'new 17', 'new 18', 'new 19', 'one more']);
    expect(second.output.length).toBeLessThan(50);
  }, 60_000);

  it('keeps each user’s order on the wire: 20 users, 500 events each, at full speed (C43)', async () => {
    const topic = await makeTopic('order');
    const foreign = await producer();
    const gateway = await start(topic);
    const users = Array.from({ length: 20 }, (_, n) => `u-${n}`);
    const followers = await Promise.all(users.map((user) => followAs(gateway, user)));
    const each = 500;
    for (let from = 0; from < each; from += 50) {
      const batch = Array.from({ length: 50 }, (_, n) => from + n);
      await foreign.send(
        topic,
        batch.flatMap((n) => users.map((user) => message(user, `${user} ${n}`))),
      );
    }
    await Promise.all(followers.map((follower) => follower.until(({ events }) => events.length >= each)));
    for (const [n, user] of users.entries())
      expect(titles(followers[n] as Follower)).toEqual(Array.from({ length: each }, (_, k) => `${user} ${k}`));
  }, 60_000);

  it('reads on at full speed while sockets of others stand still (C71)', async () => {
    const topic = await makeTopic('stalled');
    const foreign = await producer();
    const gateway = await start(topic);
    const stalled = await Promise.all(Array.from({ length: 10 }, () => followAs(gateway, 'slow')));
    const ada = await followAs(gateway, 'ada');
    for (const follower of stalled) follower.pause();
    const body = 'x'.repeat(8_000);
    for (let n = 0; n < 50; n++) {
      const big = Array.from({ length: 20 }, () => ({ key: 'slow', value: JSON.stringify({ title: 'big', body }) }));
      await foreign.send(topic, [...big, message('ada', `ada ${n}`)]);
    }
    await ada.until(({ events }) => events.length >= 50);
    expect(titles(ada)).toEqual(Array.from({ length: 50 }, (_, n) => `ada ${n}`));
    for (const follower of stalled) follower.resume();
    await Promise.all(stalled.map((follower) => follower.until(({ events }) => events.length >= 1_000)));
    for (const follower of stalled) {
      expect(new Set(follower.events.map((event) => event.id)).size).toBe(1_000);
      expect(follower.gaps).toEqual([]);
    }
  }, 120_000);

  it('places a mutation’s record where Java’s producer would, and delivers whatever partition others choose (C21)', async () => {
    const topic = await makeTopic('placed', 15);
    const foreign = await producer();
    const legacy = await foreignProducer(brokers, 'legacy');
    cleanUp.push(() => legacy.close());
    const gateway = await start(topic);
    const keys = ['TT0124', '100:48069', '6fd5b5a5-93a6-4a0c-9b1f-0f1f2e3d4c5b', 'ключ-1'];
    const token = await testToken('service', { scopes: ['notifications:publish'] });
    const followers = await Promise.all(keys.map((key) => followAs(gateway, key)));
    for (const key of keys) {
      await foreign.send(topic, [message(key, 'java')]);
      await legacy.send(topic, [message(key, 'legacy')]);
      await foreign.send(
        topic,
        Array.from({ length: 15 }, (_, partition) => ({ ...message(key, `p${partition}`), partition })),
      );
      const answer = await publish(gateway.httpUrl, { token, input: messageTo(key, 'mutation') });
      expect(answer.data?.publishNotification.userErrors).toEqual([]);
    }
    const expected = ['java', 'legacy', 'mutation', ...Array.from({ length: 15 }, (_, n) => `p${n}`)].sort();
    for (const follower of followers) {
      await follower.until(({ events }) => events.length >= expected.length);
      expect(titles(follower).sort()).toEqual(expected);
    }
    // kafkajs's default partitioner is Java's murmur2.
    const records = await readTopic(brokers, topic);
    const placeOf = (key: string, title: string): number | undefined =>
      records.find((record) => record.key?.toString() === key && JSON.parse(String(record.value)).title === title)
        ?.partition;
    for (const key of keys) expect(placeOf(key, 'mutation')).toBe(placeOf(key, 'java'));
  }, 60_000);
});
