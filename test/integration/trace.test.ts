import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outline, type SpanTree, spanTrees } from '../../dev/jaeger/span-tree.ts';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { createTopics, type ForeignProducer, foreignProducer } from '../support/kafka-producer.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';
import { sinkStartTimeoutMs, startTraceSink, type TraceSink } from '../support/trace-sink.ts';
import { callerTrace, hasDeliveries, isOf, spansNamed, tracedTo, traceIdOf } from '../support/traced-gateway.ts';

const kafka = await kafkaForTests();

const way = ['fetched', 'routed', 'rendered', 'written', 'acknowledged'];

describe.skipIf(kafka === null)('the trace of one event, two gateways on one Kafka', () => {
  const brokers = kafka?.brokers ?? [];
  // One partition: what the other node has of a later record proves that it is through with the earlier one.
  const topic = uniqueTopic('trace');
  const gateways: GatewayProcess[] = [];
  const followers: Follower[] = [];
  let sink: TraceSink;
  let foreign: ForeignProducer;
  let service = '';

  const start = async (user: string): Promise<void> => {
    const gateway = await spawnGateway({
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: brokers.join(','),
      CARILLON_KAFKA_TOPICS: topic,
      ...tracedTo(sink.otlpUrl),
    }).ready;
    gateways.push(gateway);
    followers.push(await follow(gateway.wsUrl, { token: await testToken(user) }));
  };

  beforeAll(async () => {
    sink = await startTraceSink();
    await createTopics(brokers, [
      { topic, partitions: 1 },
      { topic: `${topic}.dlq`, partitions: 1 },
    ]);
    foreign = await foreignProducer(brokers);
    service = await testToken('service', { scopes: ['notifications:publish'] });
    await start('ada');
    await start('bob');
  }, sinkStartTimeoutMs);
  afterAll(async () => {
    for (const follower of followers) await follower.close();
    await Promise.all([foreign?.close(), ...gateways.map((gateway) => gateway.end())]);
    await sink?.stop();
  });

  const node = (index: 0 | 1): GatewayProcess => gateways[index] as GatewayProcess;

  /** Produces a record for bob, on the other node, and waits for its trace: what that node had to send before is there too. */
  const otherNodeIsThrough = async (): Promise<void> => {
    const fence = callerTrace();
    const value = JSON.stringify({ title: 'fence' });
    await foreign.send(topic, [{ key: 'bob', value, headers: { traceparent: fence.traceparent } }]);
    await sink.trace(fence.traceId, hasDeliveries(1));
  };

  /** Reads the one tree of a trace whose recipient is ada. */
  const treeOf = async (traceId: string): Promise<SpanTree> => {
    await sink.trace(traceId, hasDeliveries(1));
    await otherNodeIsThrough();
    const spans = await sink.trace(traceId, () => true);
    expect(spansNamed(spans, `process ${topic}`)).toHaveLength(1);
    const [tree, ...others] = spanTrees(spans);
    if (tree === undefined) throw new Error(`there is no trace ${traceId}`);
    expect(others).toEqual([]);
    return tree;
  };

  /** What holds for the last two spans, however the event was published. */
  const expectDelivery = (process: SpanTree | undefined, audienceOn: GatewayProcess): void => {
    const deliver = process?.children[0]?.span;
    expect(isOf(process?.span, audienceOn)).toBe(true);
    expect(isOf(deliver, audienceOn)).toBe(true);
    expect(process?.span).toMatchObject({ kind: 'consumer', isError: false });
    expect(process?.span.attributes).toMatchObject({
      'messaging.system': 'kafka',
      'messaging.destination.name': topic,
      'messaging.destination.partition.id': '0',
      'carillon.mode': 'live',
      'carillon.recipients': 1,
    });
    expect(deliver?.parentSpanId).toBe(process?.span.spanId);
    expect(deliver?.attributes).toMatchObject({
      'carillon.mode': 'live',
      'carillon.ack': 'acknowledged',
      'carillon.session_class': expect.stringMatching(/^(?:bare|echo)$/),
      'carillon.log_wait_ms': expect.any(Number),
      'carillon.outbox_wait_ms': expect.any(Number),
    });
    expect(deliver?.events.map(({ name }) => name)).toEqual(way);
    const times = deliver?.events.map(({ atMs }) => atMs) ?? [];
    expect(times).toEqual([...times].sort((a, b) => a - b));
    // Not the heartbeat's: a sampled delivery is marked at once.
    expect((deliver?.endMs ?? 0) - (deliver?.startMs ?? 0)).toBeLessThan(5_000);
  };

  it('leads from the HTTP request of a mutation to the acknowledgement, below its caller', async () => {
    const caller = callerTrace();
    const answer = await publish(node(1).httpUrl, {
      token: service,
      input: messageTo('ada', 'by mutation'),
      headers: { traceparent: caller.traceparent },
    });
    expect(answer.errors).toBeUndefined();
    const tree = await treeOf(caller.traceId);
    expect(outline([tree])).toBe(`POST /graphql\n  publish\n    process ${topic}\n      deliver\n`);
    const [published] = tree.children;
    expect(tree.span).toMatchObject({ parentSpanId: caller.spanId, kind: 'server' });
    expect(published?.span).toMatchObject({ parentSpanId: tree.span.spanId, kind: 'producer' });
    expect(published?.children[0]?.span.parentSpanId).toBe(published?.span.spanId);
    expect([isOf(tree.span, node(1)), isOf(published?.span, node(1))]).toEqual([true, true]);
    const starts = [tree.span, published?.span, published?.children[0]?.span].map((span) => span?.startMs ?? 0);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expectDelivery(published?.children[0], node(0));
  });

  it('leads from a producer that puts its context into the headers of a record to the acknowledgement', async () => {
    const caller = callerTrace();
    const value = JSON.stringify({ title: 'by kafkajs' });
    await foreign.send(topic, [{ key: 'ada', value, headers: { traceparent: caller.traceparent } }]);
    const tree = await treeOf(caller.traceId);
    expect(outline([tree])).toBe(`process ${topic}\n  deliver\n`);
    expect(tree.span.parentSpanId).toBe(caller.spanId);
    expectDelivery(tree, node(0));
  });

  it('begins with process for a plain record, and the client is told which trace it is', async () => {
    await foreign.send(topic, [{ key: 'ada', value: JSON.stringify({ title: 'plain' }) }]);
    const ada = followers[0] as Follower;
    await ada.until(({ events }) => events.some(({ title }) => title === 'plain'));
    const received = ada.events.find(({ title }) => title === 'plain');
    const tree = await treeOf(received === undefined ? '' : traceIdOf(received));
    expect(outline([tree])).toBe(`process ${topic}\n  deliver\n`);
    expect(tree.span.parentSpanId).toBeNull();
    expectDelivery(tree, node(0));
  });

  it('names the class of a client that answered pings with their payload, and what the delivery waited for', async () => {
    const caller = callerTrace();
    const input = messageTo('ada', 'again');
    await publish(node(0).httpUrl, { token: service, input, headers: { traceparent: caller.traceparent } });
    const [deliver] = spansNamed(await sink.trace(caller.traceId, hasDeliveries(1)), 'deliver');
    expect(deliver?.attributes['carillon.session_class']).toBe('echo');
    expect(deliver?.attributes['carillon.log_wait_ms']).toBeGreaterThanOrEqual(0);
    const at = (name: string): number => deliver?.events.find((event) => event.name === name)?.atMs ?? Number.NaN;
    expect(deliver?.attributes['carillon.outbox_wait_ms']).toBeCloseTo(at('written') - at('routed'), 1);
  });

  it("leaves a caller's context alone without the scope to publish", async () => {
    const caller = callerTrace();
    const headers = { traceparent: caller.traceparent };
    const answer = await publish(node(1).httpUrl, {
      token: await testToken('mallory'),
      input: messageTo('ada', 'x'),
      headers,
    });
    expect(answer.errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN');
    await otherNodeIsThrough();
    expect(await sink.trace(caller.traceId, () => true)).toEqual([]);
  });
});
