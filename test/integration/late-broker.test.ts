import { afterEach, describe, expect, it } from 'vitest';
import { freePorts } from '../../dev/kafka/ports.ts';
import { follow } from '../support/follower.ts';
import { spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { createTopics, foreignProducer } from '../support/kafka-producer.ts';
import { testToken } from '../support/token.ts';

const probe = await kafkaForTests();

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
  await probe?.stop();
});

/** Asks until the admin port answers. */
const answerOf = async (url: string): Promise<Response> => {
  for (;;) {
    const response = await fetch(url).catch(() => null);
    if (response !== null) return response;
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe.skipIf(probe === null)('a gateway that is started before its broker (C41)', () => {
  it('is alive and not ready meanwhile, then ready by itself, and delivers', { timeout: 90_000 }, async () => {
    const [brokerPort = 0, adminPort = 0] = await freePorts(2);
    const topic = uniqueTopic('late');
    const gateway = spawnGateway({
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: `no-such-host.invalid:9092,127.0.0.1:${brokerPort}`,
      CARILLON_KAFKA_TOPICS: topic,
      CARILLON_ADMIN_PORT: String(adminPort),
    });
    cleanUp.push(async () => {
      gateway.child.kill('SIGKILL');
      await gateway.exited;
    });
    const admin = `http://127.0.0.1:${adminPort}`;
    expect((await answerOf(`${admin}/livez`)).status).toBe(200);
    const before = await fetch(`${admin}/readyz`);
    expect(before.status).toBe(503);
    expect(await before.text()).toContain('waiting for the log (kafka)');

    const late = await kafkaForTests({ ports: [brokerPort] });
    cleanUp.push(async () => late?.stop());
    const brokers = late?.brokers ?? [];
    expect((await fetch(`${admin}/livez`)).status).toBe(200);
    await createTopics(brokers, [{ topic, partitions: 3 }]);
    const { wsUrl } = await gateway.ready;
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);

    const ada = await follow(wsUrl, { token: await testToken('ada') });
    cleanUp.push(() => ada.close());
    const producer = await foreignProducer(brokers);
    cleanUp.push(() => producer.close());
    await producer.send(topic, [{ key: 'ada', value: JSON.stringify({ title: 'after all' }) }]);
    await ada.until(({ events }) => events.length === 1);
    expect(ada.events[0]?.title).toBe('after all');
    expect(gateway.output.length).toBeLessThan(50);
  });
});
