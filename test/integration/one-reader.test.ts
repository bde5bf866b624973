import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../dev/kafka/ports.ts';
import { type Crowd, createCrowd } from '../support/crowd.ts';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';
import { type KafkaCluster, kafkaForTests } from '../support/kafka.ts';
import { createTopics, type ForeignProducer, foreignProducer } from '../support/kafka-producer.ts';
import { type KafkaProxy, startKafkaProxy } from '../support/kafka-proxy.ts';
import { testToken } from '../support/token.ts';

const [port = 0] = await freePorts(1);
const proxy: KafkaProxy = await startKafkaProxy(() => port);
/** Everybody who asks the broker for its address is sent to the proxy. */
const kafka: KafkaCluster | null = await kafkaForTests({
  ports: [port],
  props: { 'advertised.listeners': `CLIENT://127.0.0.1:${proxy.port}` },
});
const topic = 'one-reader';
const events = 200;
/** How long the gateway has a broker hold a fetch back that finds nothing. */
const longPollMs = 400;

describe.skipIf(kafka === null)('the load that subscribers put on Kafka', () => {
  const address = [`127.0.0.1:${proxy.port}`];
  let gateway: GatewayProcess;
  let producer: ForeignProducer;
  let probe: Follower;
  let crowd: Crowd;

  beforeAll(async () => {
    await createTopics(address, [
      { topic, partitions: 12 },
      { topic: `${topic}.dlq`, partitions: 1 },
      { topic: 'carillon.control', partitions: 1 },
    ]);
    gateway = await spawnGateway({
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: address.join(','),
      CARILLON_KAFKA_TOPICS: topic,
    }).ready;
    producer = await foreignProducer(address);
    probe = await follow(gateway.wsUrl, { token: await testToken('probe') });
    crowd = createCrowd(gateway.wsUrl);
  });
  afterAll(async () => {
    crowd?.close();
    await probe?.close();
    await Promise.all([producer?.close(), gateway?.end('SIGKILL')]);
    await kafka?.stop();
    await proxy.close();
  });

  /**
   * Fetches while `events` events go through, each awaited at the probe, and connections at the end. Less those of the control topic, to which nothing
   * comes: they end by the clock, and on a busy machine this takes longer.
   */
  const measureOnce = async (): Promise<{ fetches: number; connections: number }> => {
    const [before, begunAt] = [proxy.fetches, performance.now()];
    for (let n = 0; n < events; n++) {
      const seen = probe.events.length;
      await producer.send(topic, [{ key: 'probe', value: JSON.stringify({ title: `event ${n}` }) }]);
      await probe.until((follower) => follower.events.length > seen);
    }
    const idle = Math.floor((performance.now() - begunAt) / longPollMs);
    return { fetches: proxy.fetches - before - idle, connections: proxy.connections };
  };

  /** The quietest of three. */
  const measure = async (): Promise<{ fetches: number; connections: number }> => {
    const all = [await measureOnce(), await measureOnce(), await measureOnce()];
    return { fetches: Math.min(...all.map(({ fetches }) => fetches)), connections: all[2]?.connections ?? 0 };
  };

  it('is the same with 10 subscribers and with 10,000: fetches and connections within 5 %', async () => {
    await crowd.grow(10);
    await measureOnce();
    const few = await measure();
    await crowd.grow(10_000);
    const many = await measure();
    console.info(`10 subscribers: ${JSON.stringify(few)}; 10,000: ${JSON.stringify(many)}`);
    expect(many.connections).toBe(few.connections);
    expect(Math.abs(many.fetches - few.fetches) / few.fetches).toBeLessThanOrEqual(0.05);
  }, 240_000);
});
