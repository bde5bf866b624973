import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, noKafka } from '../support/kafka.ts';
import { createTopics } from '../support/kafka-producer.ts';
import { readTopic } from '../support/kafka-topic.ts';
import { messageTo, type PublishAnswer, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const kafka = await kafkaForTests({ nodes: 1 });
const topic = 'outage';
const answerBoundMs = 10_000;

describe.skipIf(kafka === null)('a gateway whose only broker is killed, or stands still, and comes back', () => {
  const { brokers, nodes } = kafka ?? noKafka;
  const [node] = nodes;
  let gateway: GatewayProcess;
  let ada: Follower;

  beforeAll(async () => {
    await createTopics(brokers, [
      { topic, partitions: 4 },
      { topic: `${topic}.dlq`, partitions: 1 },
    ]);
    gateway = await spawnGateway({
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: brokers.join(','),
      CARILLON_KAFKA_TOPICS: topic,
    }).ready;
    ada = await follow(gateway.wsUrl, { token: await testToken('ada') });
  });
  afterAll(async () => {
    await ada?.close();
    await gateway?.end();
    await kafka?.stop();
  });

  /** By a service of its own for each purpose, so that none uses up the publishes that another has. */
  const publisher = async (service: string): Promise<(title: string) => Promise<PublishAnswer>> => {
    const token = await testToken(service, { scopes: ['notifications:publish'] });
    return (title) => publish(gateway.httpUrl, { token, input: messageTo('ada', title) });
  };
  const idOf = (answer: PublishAnswer): string | null => answer.data?.publishNotification.notificationId ?? null;

  /** 100 at once: each is answered in time, with a code to act on. Returns the titles that may yet land. */
  const publishIntoOutage = async (label: string): Promise<{ refused: string[]; unknown: string[] }> => {
    const refused: string[] = [];
    const unknown: string[] = [];
    const publishTo = await publisher(label);
    const started = performance.now();
    await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const title = `${label} ${n}`;
        const { errors } = await publishTo(title);
        const extensions = errors?.[0]?.extensions;
        expect(extensions).toMatchObject({ code: 'LOG_UNAVAILABLE', retryable: true });
        (extensions?.['outcome'] === 'not_written' ? refused : unknown).push(title);
      }),
    );
    expect(performance.now() - started).toBeLessThan(answerBoundMs);
    return { refused, unknown };
  };

  /** The first publish that succeeds, for as long as the broker needs to be back. */
  const firstThatSucceeds = async (title: string): Promise<void> => {
    const publishTo = await publisher(title);
    for (let n = 0; ; n++) {
      const answer = await publishTo(`${title} ${n}`);
      if (idOf(answer) !== null) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  const expectRecovered = async (label: string, landed: { refused: string[] }): Promise<void> => {
    await firstThatSucceeds(`${label} back`);
    await ada.until(({ events }) => events.some((event) => event.title.startsWith(`${label} back`)));
    const titles = (await readTopic(brokers, topic)).map((record) => JSON.parse(String(record.value)).title as string);
    expect(landed.refused.filter((title) => titles.includes(title))).toEqual([]);
    expect(ada.closes).toEqual([]);
    expect(ada.gaps).toEqual([]);
    expect(new Set(ada.events.map((event) => event.id)).size).toBe(ada.events.length);
    expect((await fetch(`${gateway.adminUrl}/livez`)).status).toBe(200);
  };

  it('answers every publish in time, keeps sockets, and goes on by itself after kill -9 and restart (C17, C36)', async () => {
    const publishTo = await publisher('before');
    expect(idOf(await publishTo('before'))).not.toBeNull();
    await ada.until(({ events }) => events.length === 1);
    await node?.kill('SIGKILL');
    const landed = await publishIntoOutage('killed');
    await node?.start();
    await expectRecovered('killed', landed);
  }, 90_000);

  it('does the same for a broker that stands still and goes on (C17, C36)', async () => {
    await node?.kill('SIGSTOP');
    const landed = await publishIntoOutage('frozen');
    await node?.kill('SIGCONT');
    await expectRecovered('frozen', landed);
    // What was under way when the broker stood still may have landed, and if it did, it was delivered.
    const titles = (await readTopic(brokers, topic)).map((record) => JSON.parse(String(record.value)).title as string);
    const late = landed.unknown.filter((title) => titles.includes(title));
    await ada.until(({ events }) => late.every((title) => events.some((event) => event.title === title)));
  }, 90_000);
});
