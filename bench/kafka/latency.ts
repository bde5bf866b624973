import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startGateway } from '../../test/support/gateway.ts';
import { startSharedKafka } from '../../test/support/kafka-host.ts';
import { createTopics, foreignProducer } from '../../test/support/kafka-producer.ts';
import { graphqlPeer, tokensFor } from '../fanout/clients.ts';
import { type LoadClient, startLoadClient } from '../fanout/load-client.ts';
import { quantile, report, rest, two } from '../figures.ts';
import { bodyOf, nowUs, titleOf } from '../sides/serve.ts';
import type { EventSpec } from '../sides/side.ts';
import type { TailOrder } from './raw-tail.ts';
import type { RawArrivals } from './raw-tail-process.ts';

/**
 * End to end: from just before an event is produced into real Kafka to its receipt by the client, at a steady rate over twelve partitions, each event to
 * one of the users. In the same run a bare loop of fetches reads the same topic: what the gateway adds is the difference of the two.
 */

const partitions = 12;
const bytes = 200;
const warmUp = 1_000;

type Timed = { readonly sentUs: Float64Array; readonly rawUs: Float64Array; readonly receivedUs: Float64Array };

type Course = {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly client: LoadClient;
  readonly users: number;
  readonly perSecond: number;
};

/** Starts the raw tail; `stop` resolves with what it saw. */
const followRaw = async (order: TailOrder): Promise<{ stop(): Promise<RawArrivals> }> => {
  const child = fork(fileURLToPath(new URL('./raw-tail-process.ts', import.meta.url)), {
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  child.send(order);
  await once(child, 'message');
  return {
    async stop() {
      child.send('stop');
      const [arrivals] = (await once(child, 'message')) as [RawArrivals];
      return arrivals;
    },
  };
};

/** Produces `count` events, one after another at the rate, and waits until all of them are everywhere. */
const run = async ({ brokers, topic, client, users, perSecond }: Course, count: number): Promise<Timed> => {
  const [sentUs, rawUs] = [new Float64Array(count), new Float64Array(count)];
  const tail = await followRaw({ brokers, topic, partitions });
  const producer = await foreignProducer(brokers);
  await client.expect(0, count, bytes);
  const before = await client.report();
  const sending: Promise<unknown>[] = [];
  const startUs = nowUs();
  for (let event = 0; event < count; event++) {
    const waitMs = (startUs - nowUs()) / 1_000 + (event * 1_000) / perSecond;
    if (waitMs > 0.5) await rest(waitMs);
    const user = event % users;
    const spec: EventSpec = { event, sequence: Math.floor(event / users) + 1, bytes, target: { user } };
    const value = JSON.stringify({ title: titleOf(spec), body: bodyOf(spec) });
    sentUs[event] = nowUs();
    sending.push(producer.send(topic, [{ key: `user-${user}`, value }]));
  }
  await Promise.all(sending);
  await client.until(count, 30_000);
  const received = await client.report();
  await rest(500);
  const raw = await tail.stop();
  for (const [event, atUs] of raw) rawUs[event] = atUs;
  await producer.close();
  const wrong = received.lost + received.twice + received.bad + received.stray + received.closed;
  if (received.delivered !== count || raw.length !== count || wrong > 0) {
    throw new Error(
      `${received.delivered} of ${count} delivered, ${wrong - before.lost} wrong, ${raw.length} read raw`,
    );
  }
  return { sentUs, rawUs, receivedUs: Float64Array.from(received.events.map(([, , lastUs]) => lastUs)) };
};

const since = (times: Float64Array, sentUs: Float64Array): readonly number[] =>
  Array.from(times.subarray(warmUp), (at, n) => (at - (sentUs[n + warmUp] ?? Number.NaN)) / 1_000);

/** `npm run bench -- latency [--seconds 30] [--rate 500] [--users 200]`. */
export const latency = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '30' },
      rate: { type: 'string', default: '500' },
      users: { type: 'string', default: '200' },
    },
  });
  const [users, perSecond] = [Number(values.users), Number(values.rate)];
  const kafka = await startSharedKafka();
  const topic = `latency.${process.pid}`;
  await createTopics(kafka.brokers, [
    { topic, partitions },
    { topic: `${topic}.dlq`, partitions: 1 },
  ]);
  const gateway = await startGateway({
    CARILLON_LOG: 'kafka',
    CARILLON_KAFKA_BROKERS: kafka.brokers.join(','),
    CARILLON_KAFKA_TOPICS: topic,
    CARILLON_LOG_LEVEL: 'error',
    CARILLON_LIMIT_UPGRADES_PER_SECOND: '100000',
  });
  const port = Number(new URL(gateway.httpUrl).port);
  const client = await startLoadClient(graphqlPeer({ port, path: '/graphql' }), await tokensFor(users));
  try {
    await client.open(users, { window: 50, sequence: 0, group: 1 });
    const course = { brokers: kafka.brokers, topic, client, users, perSecond };
    const { sentUs, rawUs, receivedUs } = await run(course, warmUp + Number(values.seconds) * perSecond);
    const [raw, whole] = [since(rawUs, sentUs), since(receivedUs, sentUs)];
    const row = (share: number): string => {
      const [bare, all] = [quantile(raw, share), quantile(whole, share)];
      return `${two(all)} ms, raw fetch loop ${two(bare)} ms, difference ${two(all - bare)} ms`;
    };
    report(`latency: produce to client, ${perSecond} events a second over ${partitions} partitions to ${users} users`, [
      ['p50', row(0.5)],
      ['p99', row(0.99)],
      ['events', `${whole.length}, after ${warmUp} that do not count`],
    ]);
  } finally {
    await client.stop();
    await gateway.end();
    await kafka.stop();
  }
};
