import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { createTopics, type ForeignProducer, foreignProducer } from '../support/kafka-producer.ts';
import { testToken } from '../support/token.ts';
import { sinkStartTimeoutMs, startTraceSink, type TraceSink } from '../support/trace-sink.ts';
import {
  type CallerTrace,
  callerTrace,
  hasDeliveries,
  spansNamed,
  tracedTo,
  traceIdOf,
} from '../support/traced-gateway.ts';

const kafka = await kafkaForTests();

describe.skipIf(kafka === null)('trace context in the headers of records', () => {
  const brokers = kafka?.brokers ?? [];
  const topic = uniqueTopic('tracing');
  let sink: TraceSink;
  let gateway: GatewayProcess;
  let foreign: ForeignProducer;
  let ada: Follower;

  beforeAll(async () => {
    sink = await startTraceSink();
    await createTopics(brokers, [
      { topic, partitions: 3 },
      { topic: `${topic}.dlq`, partitions: 1 },
    ]);
    foreign = await foreignProducer(brokers);
    gateway = await spawnGateway({
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: brokers.join(','),
      CARILLON_KAFKA_TOPICS: topic,
      ...tracedTo(sink.otlpUrl),
    }).ready;
    ada = await follow(gateway.wsUrl, { token: await testToken('ada') });
  }, sinkStartTimeoutMs);
  afterAll(async () => {
    await ada?.close();
    await Promise.all([foreign?.close(), gateway?.end()]);
    await sink?.stop();
  });

  const record = (title: string, headers: Readonly<Record<string, string | Buffer>> = {}) => ({
    key: 'ada',
    value: JSON.stringify({ title }),
    headers,
  });

  /** Waits until ada has the event; all of one partition before it are then delivered too. */
  const received = async (title: string) => {
    await ada.until(({ events }) => events.some((event) => event.title === title));
    const event = ada.events.find((each) => each.title === title);
    if (event === undefined) throw new Error(`no event ${title}`);
    return event;
  };

  it('keeps the context of each of 50 records that came in one batch, and starts a root for one without (C33)', async () => {
    const callers = Array.from({ length: 50 }, () => callerTrace());
    const batch = callers.map(({ traceparent }, n) => record(`batch ${n}`, { traceparent }));
    await foreign.send(topic, [...batch, record('batch without')]);
    for (const [n, caller] of callers.entries()) {
      const spans = await sink.trace(caller.traceId, hasDeliveries(1));
      const [process] = spansNamed(spans, `process ${topic}`);
      const [deliver] = spansNamed(spans, 'deliver');
      expect(spans).toHaveLength(2);
      expect(process?.parentSpanId).toBe(caller.spanId);
      expect(deliver?.parentSpanId).toBe(process?.spanId);
      expect((await received(`batch ${n}`)).extensions).toEqual({
        traceparent: `00-${caller.traceId}-${deliver?.spanId}-01`,
      });
    }
    const own = traceIdOf(await received('batch without'));
    expect(callers.map(({ traceId }) => traceId)).not.toContain(own);
    const [process] = spansNamed(await sink.trace(own, hasDeliveries(1)), `process ${topic}`);
    expect(process?.parentSpanId).toBeNull();
  });

  const joined: readonly [string, (caller: CallerTrace) => string | Buffer][] = [
    ['a string', ({ traceparent }) => traceparent],
    ['a Buffer', ({ traceparent }) => Buffer.from(traceparent)],
    ['a slice of a larger Buffer', ({ traceparent }) => Buffer.from(`xx${traceparent}yy`).subarray(2, 57)],
    ['text with a newline behind', ({ traceparent }) => `${traceparent}\n`],
    ['text with a space behind', ({ traceparent }) => `${traceparent} `],
  ];
  it.each(joined)('is joined when it is %s (C86)', async (title, write) => {
    const caller = callerTrace();
    await foreign.send(topic, [record(title, { traceparent: write(caller) })]);
    const spans = await sink.trace(caller.traceId, hasDeliveries(1));
    expect(spansNamed(spans, `process ${topic}`)[0]?.parentSpanId).toBe(caller.spanId);
  });

  const ignored: readonly [string, (caller: CallerTrace) => string | Buffer][] = [
    ['55 bytes of 0xff', () => Buffer.alloc(55, 0xff)],
    ['55 bytes of zero', () => Buffer.alloc(55)],
    ['the bytes as a list of numbers', ({ traceparent }) => [...Buffer.from(traceparent)].join(',')],
    ['the text in UTF-16', ({ traceparent }) => Buffer.from(traceparent, 'utf16le')],
    ['upper case', ({ traceparent }) => traceparent.toUpperCase()],
    ['cut short', ({ traceparent }) => traceparent.slice(0, 54)],
    ['a trace id of zeros', ({ spanId }) => `00-${'0'.repeat(32)}-${spanId}-01`],
    ['empty', () => ''],
  ];
  it.each(ignored)(
    'is not joined when it is %s: the event arrives, in a trace of its own (C86)',
    async (title, write) => {
      const caller = callerTrace();
      await foreign.send(topic, [record(title, { traceparent: write(caller) })]);
      const own = traceIdOf(await received(title));
      expect(own).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      expect(own).not.toBe(caller.traceId);
      const spans = await sink.trace(own, hasDeliveries(1));
      expect(spans).toHaveLength(2);
      expect(spansNamed(spans, `process ${topic}`)[0]?.parentSpanId).toBeNull();
    },
  );

  it('is obeyed when it says "not sampled": no span, nothing for the client', async () => {
    const [unsampled, fence] = [callerTrace('00'), callerTrace()];
    await foreign.send(topic, [
      record('unsampled', { traceparent: unsampled.traceparent }),
      record('fence', { traceparent: fence.traceparent }),
    ]);
    expect((await received('unsampled')).extensions).toBeUndefined();
    await sink.trace(fence.traceId, hasDeliveries(1));
    expect(await sink.trace(unsampled.traceId, () => true)).toEqual([]);
  });

  it('of a record that cannot be read leads to its dead letter, an error span', async () => {
    const caller = callerTrace();
    const { traceparent } = caller;
    await foreign.send(topic, [{ key: 'ada', value: '{broken', headers: { traceparent } }]);
    const spans = await sink.trace(caller.traceId, (read) => read.length > 0);
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({
      name: 'dead_letter',
      parentSpanId: caller.spanId,
      isError: true,
      attributes: { 'error.type': 'not_json', 'messaging.destination.name': topic },
    });
  });
});
