import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../dev/kafka/ports.ts';
import { type NewRecord, partitionId } from '../../src/event.ts';
import type { AppendResult } from '../../src/log/event-log.ts';
import { count, positionOf, recordOf } from '../contract/log-records.ts';
import { type KafkaCluster, type KafkaNode, kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { kafkaAppender, type TestAppender } from '../support/kafka-appender.ts';
import { readTopic } from '../support/kafka-topic.ts';

const cluster = await kafkaForTests({ nodes: 1 });

/** An append has 5 s; the rest is for a busy machine. */
const boundMs = 6_000;
const partitions = 4;

type Answer = { readonly value: string; readonly result: AppendResult; readonly tookMs: number };

describe.skipIf(cluster === null)('appends while the broker is away (C36)', () => {
  const { brokers, nodes } = cluster as KafkaCluster;
  const [node] = nodes as readonly [KafkaNode];
  let hands: KafkaHands;
  let topic: string;
  let appender: TestAppender;
  beforeAll(async () => {
    hands = await kafkaHands(brokers);
    topic = uniqueTopic('outage');
    await hands.create(topic, partitions);
    appender = kafkaAppender({ brokers, topic, partitions });
    for (let partition = 0; partition < partitions; partition++) {
      positionOf((await appender.append([recordOf('before', { partition })]))[0]);
    }
  });
  afterAll(async () => {
    await appender.close();
    await hands.close();
    await cluster?.stop();
  });

  const append = async (value: string): Promise<Answer> => {
    const startedAt = performance.now();
    const [result] = await appender.append([recordOf(value, { key: value })]);
    if (result === undefined) throw new Error('no result');
    return { value, result, tookMs: performance.now() - startedAt };
  };

  /** Until appends to every partition are taken again. */
  const untilWritable = async (): Promise<void> => {
    for (let partition = 0; partition < partitions; ) {
      const [result] = await appender.append([recordOf('after', { partition })]);
      if (result?.ok === true) partition++;
      else await delay(100);
    }
  };

  const judge = async (answers: readonly Answer[]): Promise<void> => {
    for (const { result, tookMs } of answers) {
      expect(result).toMatchObject({ ok: false, error: { code: 'LOG_UNAVAILABLE', isRetryable: true } });
      expect(tookMs).toBeLessThan(boundMs);
    }
    const refused = answers.filter(({ result }) => !result.ok && result.error.outcome === 'not_written');
    const written = new Set((await readTopic(brokers, topic)).map(({ value }) => value?.toString()));
    expect(refused.filter(({ value }) => written.has(value))).toEqual([]);
    expect(appender.pending()).toEqual({ records: 0, bytes: 0 });
  };

  it('are all answered in time; frozen broker: nothing refused shows up later, and the next append works', async () => {
    await node.kill('SIGSTOP');
    const first = await Promise.all(count(0, 200).map((number) => append(`first-${number}`)));
    const startedAt = performance.now();
    const second = await Promise.all(count(0, 200).map((number) => append(`second-${number}`)));
    // The partitions' sends are still out: nobody waits for them, and nothing goes behind them.
    for (const { result } of second)
      expect(result).toMatchObject({ error: { outcome: 'not_written', retryAfterMs: 1_000 } });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    await node.kill('SIGCONT');
    await untilWritable();
    await judge([...first, ...second]);
  });

  it('are all answered in time; killed broker: nothing refused shows up later, and the next append works', async () => {
    await node.kill('SIGKILL');
    const first = await Promise.all(count(0, 200).map((number) => append(`third-${number}`)));
    node.start();
    await node.ready();
    await untilWritable();
    await judge(first);
  });
});

describe.skipIf(cluster === null)('appends before the broker was ever there', () => {
  it('are refused after 5 s with the reason, and taken once it is there', async () => {
    const [port = 0] = await freePorts(1);
    const [topic, brokers] = [uniqueTopic('early'), [`127.0.0.1:${port}`]];
    const appender = kafkaAppender({ brokers, topic, partitions: 1 });
    const record: NewRecord = recordOf('a', { partition: 0 });
    const [refused] = await appender.append([record]);
    expect(refused).toMatchObject({ ok: false, error: { code: 'LOG_UNAVAILABLE', outcome: 'not_written' } });
    expect(refused?.ok === false && refused.error.message).toContain('ECONNREFUSED');

    const late = (await kafkaForTests({ ports: [port] })) as KafkaCluster;
    const hands = await kafkaHands(late.brokers);
    await hands.create(topic, 1);
    const [taken] = await appender.append([record]);
    expect(positionOf(taken)).toMatchObject({ partition: partitionId(topic, 0), offset: 0n });
    await appender.close();
    await hands.close();
    await late.stop();
  });
});
