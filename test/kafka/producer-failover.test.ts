import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { partitionId } from '../../src/event.ts';
import { createKafkaStore } from '../../src/kafka/index.ts';
import type { AppendResult, EventLog } from '../../src/log/event-log.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { positionOf, recordOf } from '../contract/log-records.ts';
import { type KafkaCluster, kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { readTopic } from '../support/kafka-topic.ts';
import { collect, type LogCollector } from '../support/log-collector.ts';

const cluster = await kafkaForTests({ nodes: 3 });
const rounds = Number(process.env['CARILLON_TEST_FAILOVER_ROUNDS'] ?? '1');

const partitions = 12;
const perSecond = 600;
const beforeMs = 2_000;
const afterMs = 6_000;

type Sent = {
  readonly value: string;
  readonly partition: number;
  readonly result: AppendResult;
};

/** Appends 600 records a second, each in a call of its own and round the partitions, until `end`. */
const load = (log: EventLog): { end(): Promise<readonly Sent[]> } => {
  let isOver = false;
  const calls: Promise<Sent>[] = [];
  const send = async (number: number): Promise<Sent> => {
    const partition = number % partitions;
    const [result] = await log.append([recordOf(`${number}`, { partition })]);
    if (result === undefined) throw new Error('no result');
    return { value: `${number}`, partition, result };
  };
  const run = async (): Promise<void> => {
    for (const startedAt = performance.now(); !isOver; await delay(5)) {
      const due = ((performance.now() - startedAt) * perSecond) / 1_000;
      while (calls.length < due) calls.push(send(calls.length));
    }
  };
  const running = run();
  return {
    async end() {
      isOver = true;
      await running;
      return Promise.all(calls);
    },
  };
};

const isAcked = ({ result }: Sent): boolean => result.ok;
const isRefused = ({ result }: Sent): boolean => !result.ok && result.error.outcome === 'not_written';

describe.skipIf(cluster === null)('600 appends a second to 12 partitions of three brokers', () => {
  const { brokers, nodes } = cluster as KafkaCluster;
  let hands: KafkaHands;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
  });
  afterAll(async () => {
    await hands.close();
    await cluster?.stop();
  });

  const leaderOf = async (topic: string): Promise<KafkaCluster['nodes'][number]> => {
    const { topics } = await hands.admin.fetchTopicMetadata({ topics: [topic] });
    const leader = topics[0]?.partitions.find(({ partitionId: index }) => index === 0)?.leader;
    const node = nodes.find(({ id }) => id === leader);
    if (node === undefined) throw new Error(`no node ${leader}`);
    return node;
  };

  const faults = {
    'kill -9 of a leader': async (node: KafkaCluster['nodes'][number]) => {
      await node.kill('SIGKILL');
      await delay(afterMs);
      node.start();
      await node.ready();
    },
    'a leader frozen for 6 s': async (node: KafkaCluster['nodes'][number]) => {
      await node.kill('SIGSTOP');
      await delay(6_000);
      await node.kill('SIGCONT');
      await node.ready();
    },
    'a leader that hands over (SIGTERM)': async (node: KafkaCluster['nodes'][number]) => {
      await node.kill('SIGTERM');
      await delay(2_000);
      node.start();
      await node.ready();
    },
  };

  /** A leader that was frozen believes for some moments that it leads, and tells a plain consumer an old end: what lacks then is looked for again. */
  const readWhole = async (topic: string, acked: readonly Sent[]): ReturnType<typeof readTopic> => {
    for (let attempt = 0; ; attempt++) {
      const records = await readTopic(brokers, topic);
      const values = new Set(records.map(({ value }) => value?.toString()));
      if (attempt === 20 || acked.every(({ value }) => values.has(value))) return records;
      await delay(500);
    }
  };

  /** Every acknowledged record is in the log once, where it was said to be and in order; nothing that was refused is; the feed had each once. */
  const judge = async (topic: string, sent: readonly Sent[], feed: LogCollector): Promise<void> => {
    const acked = sent.filter(isAcked);
    const records = await readWhole(topic, acked);
    const valueAt = new Map(records.map((record) => [record.value?.toString() ?? '', record]));
    expect(valueAt.size).toBe(records.length);
    expect(acked.filter(({ value }) => !valueAt.has(value))).toEqual([]);
    expect(sent.filter((each) => isRefused(each) && valueAt.has(each.value))).toEqual([]);
    const misplaced = acked.filter(
      ({ value, result }) => valueAt.get(value)?.offset !== String(positionOf(result).offset),
    );
    expect(misplaced).toEqual([]);
    for (let partition = 0; partition < partitions; partition++) {
      const offsets = acked
        .filter((each) => each.partition === partition)
        .map(({ result }) => positionOf(result).offset);
      expect(offsets).toEqual(offsets.toSorted((a, b) => Number(a - b)));
    }
    await feed.until(({ records: received }) => received.length >= records.length);
    expect(new Set(feed.values())).toEqual(new Set(valueAt.keys()));
    expect(feed.values()).toHaveLength(records.length);
    expect(feed.gaps).toEqual([]);
  };

  /** It goes on by itself, in every partition. How long that takes is not judged here. */
  const untilAllWrite = async (log: EventLog): Promise<void> => {
    for (let isWhole = false; !isWhole; await delay(50)) {
      const probes = Array.from({ length: partitions }, (_, partition) => recordOf(`probe-${probe++}`, { partition }));
      isWhole = (await log.append(probes)).every(({ ok }) => ok);
    }
  };
  let probe = 0;

  const report = (name: string, sent: readonly Sent[]): void => {
    const acked = sent.filter(isAcked).length;
    const refused = sent.filter(isRefused).length;
    console.info(
      `${name}: ${sent.length} appended, ${acked} written, ${refused} refused, ${sent.length - acked - refused} unknown`,
    );
  };

  const cases = Object.entries(faults).flatMap(([name, fault]) =>
    Array.from({ length: rounds }, (_, round) => ({ name, fault, round: round + 1 })),
  );

  it.each(cases)(
    'lose, repeat and reorder none that were acknowledged: $name, round $round',
    { timeout: 180_000 },
    async ({ name, fault }) => {
      const topic = uniqueTopic('failover');
      await hands.create(topic, partitions, { 'min.insync.replicas': '2' });
      const store = createKafkaStore(
        { brokers, clientId: 'failover', ssl: null, sasl: null },
        { clock: systemClock, logger: silentLogger },
      );
      const log = store.log([topic]);
      await log.open();
      // A broker that came back in the round before may not know the topic yet.
      while (log.topology().topics.length === 0) await delay(50);
      const warm = await log.append(
        Array.from({ length: partitions }, (_, partition) => recordOf(`w${partition}`, { partition })),
      );
      for (const result of warm) positionOf(result);
      const feed = collect(
        log,
        new Map(Array.from({ length: partitions }, (_, index) => [partitionId(topic, index), { next: 0n, epoch: -1 }])),
      );

      const appends = load(log);
      await delay(beforeMs);
      await fault(await leaderOf(topic));
      await untilAllWrite(log);
      const sent = await appends.end();
      report(name, sent);
      await judge(topic, sent, feed);
      await store.close();
    },
  );
});
