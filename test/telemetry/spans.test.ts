import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outline, spanTrees } from '../../dev/jaeger/span-tree.ts';
import type { ReadSpan } from '../../dev/jaeger/spans.ts';
import type { DeliverAttributes, ProcessSpan } from '../../src/telemetry/facade.ts';
import type { NodeTelemetry } from '../../src/telemetry/index.ts';
import { maxOpenDeliveries, maxOpenMs } from '../../src/telemetry/open-deliveries.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { createSimulatedClock, type SimulatedClock } from '../support/simulated-clock.ts';
import { envelopeOf, producerContext, telemetryTo } from './fixtures.ts';

const live: DeliverAttributes = { mode: 'live', sessionClass: 'echo', logWaitMs: 12 };

let receiver: OtlpReceiver;
let clock: SimulatedClock;
let telemetry: NodeTelemetry;

beforeEach(async () => {
  receiver = await startOtlpReceiver();
  clock = createSimulatedClock();
  ({ telemetry } = telemetryTo(receiver.otlpUrl, { clock }));
});
afterEach(async () => {
  await telemetry.shutdown(1_000);
  await receiver.close();
});

const flushed = async (): Promise<readonly ReadSpan[]> => {
  await telemetry.shutdown(1_000);
  return receiver.spans;
};
const named = (spans: readonly ReadSpan[], name: string): readonly ReadSpan[] =>
  spans.filter((span) => span.name === name);
const process = (overrides: Parameters<typeof envelopeOf>[1] = {}, mode: 'live' | 'catchup' = 'live'): ProcessSpan => {
  const span = telemetry.startProcess(envelopeOf(clock, overrides), mode);
  if (span === null) throw new Error('not sampled');
  return span;
};

describe('one event, from request to acknowledgement', () => {
  it('is one tree: request, publish, process, deliver', async () => {
    const request = telemetry.startRequest(null, { method: 'POST', route: '/graphql', startedAtMs: clock.now() });
    const publish = telemetry.startPublish(request.context, { audienceKind: 'user', logTopic: 'notifications' });
    clock.advance(3);
    const span = process({ trace: publish.context, fetchedAtMs: clock.now() });
    publish.end();
    request.end(200);
    const deliver = span.deliver(live);
    clock.advance(1);
    deliver?.event('routed');
    span.end(1);
    clock.advance(5);
    deliver?.event('rendered');
    clock.advance(2);
    deliver?.event('written');
    clock.advance(40);
    deliver?.end('acknowledged');

    const spans = await flushed();
    expect(outline(spanTrees(spans))).toBe('POST /graphql\n  publish\n    process notifications\n      deliver\n');
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    const [read] = named(spans, 'deliver');
    expect(deliver?.traceparent).toBe(`00-${read?.traceId}-${read?.spanId}-01`);
    expect(read?.events.map(({ name }) => name)).toEqual(['fetched', 'routed', 'rendered', 'written', 'acknowledged']);
    expect(read?.attributes).toEqual({
      'carillon.mode': 'live',
      'carillon.session_class': 'echo',
      'carillon.log_wait_ms': 12,
      'carillon.outbox_wait_ms': 7,
      'carillon.ack': 'acknowledged',
      'carillon.node': 'node-a',
    });
    expect((read?.endMs ?? 0) - (read?.startMs ?? 0)).toBeCloseTo(48, 1);
    expect(spans.map(({ kind }) => kind).sort()).toEqual(['consumer', 'producer', 'producer', 'server']);
  });

  it('shows who and where, and nothing of the user or the content', async () => {
    process({ trace: producerContext(1) }).end(0);
    const [span] = await flushed();
    expect(span).toMatchObject({
      service: 'carillon',
      parentSpanId: '00f067aa0ba902b7',
      traceId: producerContext(1).traceId,
      attributes: {
        'messaging.destination.name': 'notifications',
        'messaging.destination.partition.id': '3',
        'messaging.kafka.offset': 42,
        'messaging.message.id': 'an-opaque-id',
        'carillon.audience': 'user',
        'carillon.event_type': 'message',
        'carillon.mode': 'live',
        'carillon.node': 'node-a',
      },
    });
    expect(JSON.stringify(span)).not.toMatch(/some person|secret title/);
  });

  it('puts events into order of time, counts each once, and changes nothing after the end', async () => {
    const deliver = process().deliver(live);
    clock.advance(10);
    deliver?.event('routed', clock.now() - 500);
    deliver?.event('written', clock.now() + 9_000);
    deliver?.event('written');
    deliver?.end('closed');
    deliver?.end('acknowledged');
    deliver?.event('rendered');
    const [read] = named(await flushed(), 'deliver');
    expect(read?.events.map(({ name }) => name)).toEqual(['fetched', 'routed', 'written']);
    expect(read?.attributes['carillon.ack']).toBe('closed');
    expect(read?.endMs).toBeGreaterThanOrEqual(read?.events.at(-1)?.atMs ?? 0);
  });

  it('ends with an error code where the publish failed', async () => {
    const publish = telemetry.startPublish(null, { audienceKind: 'topic', logTopic: 'notifications' });
    publish.end('LOG_UNAVAILABLE');
    publish.end();
    const { partition, offset } = envelopeOf(clock).position;
    telemetry.recordFailure('dead_letter', producerContext(2), { reason: 'not_json', partition, offset });
    const spans = await flushed();
    expect(spans.map(({ name, isError, attributes }) => [name, isError, attributes['error.type']])).toEqual([
      ['publish', true, 'LOG_UNAVAILABLE'],
      ['dead_letter', true, 'not_json'],
    ]);
    expect(spans[1]).toMatchObject({
      traceId: producerContext(2).traceId,
      attributes: { 'messaging.destination.name': 'notifications', 'messaging.kafka.offset': 42 },
    });
  });
});

describe('a delivery', () => {
  it('waits 30 s for its acknowledgement, then ends as missing', async () => {
    const first = process().deliver(live);
    clock.advance(10_000);
    process().deliver(live);
    first?.event('written');
    clock.advance(maxOpenMs - 10_000);
    await receiver.until(() => receiver.spans.length > 0);
    expect(receiver.spans.map(({ attributes }) => attributes['carillon.ack'])).toEqual(['missing']);
    clock.advance(10_000);
    await receiver.until(() => receiver.spans.length === 2);
    expect(clock.pending).toBe(0);
  });

  it('that is acknowledged is sent while its socket stays open', async () => {
    for (let i = 0; i < 5; i++) {
      const span = process({ trace: producerContext(i) });
      const deliver = span.deliver(live);
      span.end(1);
      deliver?.event('written');
      clock.advance(20);
      deliver?.end('acknowledged');
    }
    await receiver.until(() => receiver.spans.length === 10);
    expect(Math.max(...receiver.spans.map(({ startMs, endMs }) => endMs - startMs))).toBeLessThan(5_000);
  });

  it('of a client that gives no echo ends when it is written', async () => {
    const deliver = process().deliver({ ...live, sessionClass: 'none' });
    deliver?.event('routed');
    deliver?.event('written');
    await receiver.until(() => receiver.spans.length === 1);
    expect(receiver.spans[0]?.attributes['carillon.ack']).toBe('none');
  });

  it('has no span of its own while too many are open', async () => {
    const opened = Array.from({ length: maxOpenDeliveries + 10 }, () => process().deliver(live));
    expect(opened.filter((span) => span !== null)).toHaveLength(maxOpenDeliveries);
    opened[0]?.end('acknowledged');
    expect(process().deliver(live)).not.toBeNull();
  });

  it('that is open at shutdown is sent as closed', async () => {
    process().deliver(live)?.event('written');
    expect((await flushed()).map(({ attributes }) => attributes['carillon.ack'])).toEqual(['closed']);
  });
});

describe('a fan-out', () => {
  const deliverTo = async (recipients: number): Promise<readonly ReadSpan[]> => {
    const span = process({ trace: producerContext(1), audience: { kind: 'everyone' } });
    for (let i = 0; i < recipients; i++) span.deliver(live)?.end('acknowledged');
    span.end(recipients);
    return flushed();
  };

  it('up to 8 has a deliver for each recipient', async () => {
    const spans = await deliverTo(8);
    expect(named(spans, 'deliver')).toHaveLength(8);
    expect(named(spans, 'process notifications')[0]?.attributes['carillon.recipients']).toBe(8);
  });

  it('over 8 has one more that counts the rest', async () => {
    const delivers = named(await deliverTo(100), 'deliver');
    expect(delivers).toHaveLength(9);
    expect(delivers.map(({ attributes }) => attributes['carillon.recipients']).filter(Boolean)).toEqual([92]);
    expect(new Set(delivers.map(({ traceId }) => traceId)).size).toBe(1);
  });

  it('of thousands counts in a trace of its own, linked both ways', async () => {
    const spans = await deliverTo(5_000);
    const [parent] = named(spans, 'process notifications');
    const counting = named(spans, 'deliver').find(({ attributes }) => attributes['carillon.recipients'] === 4_992);
    expect(counting?.parentSpanId).toBeNull();
    expect(counting?.traceId).not.toBe(parent?.traceId);
    expect(counting?.links).toMatchObject([{ traceId: parent?.traceId, spanId: parent?.spanId }]);
    expect(parent?.attributes['carillon.fanout.trace_id']).toBe(counting?.traceId);
    expect(spans).toHaveLength(10);
  });
});

describe('parentage', () => {
  it('of an event caught up with within a minute is its record', async () => {
    process({ trace: producerContext(1), createdAtMs: clock.now() - 59_000 }, 'catchup').end(1);
    const [span] = named(await flushed(), 'process notifications');
    expect(span).toMatchObject({ traceId: producerContext(1).traceId, links: [] });
  });

  it('of an older one is a new root that links the record', async () => {
    process({ trace: producerContext(1), createdAtMs: clock.now() - 61_000 }, 'catchup').end(0);
    const [span] = await flushed();
    expect(span?.parentSpanId).toBeNull();
    expect(span?.traceId).not.toBe(producerContext(1).traceId);
    expect(span?.links).toMatchObject([{ traceId: producerContext(1).traceId, spanId: producerContext(1).spanId }]);
  });

  it('of an old event delivered live stays its record', async () => {
    process({ trace: producerContext(1), createdAtMs: clock.now() - 3_600_000 }).end(0);
    expect((await flushed())[0]?.traceId).toBe(producerContext(1).traceId);
  });

  it('begins anew for a record without context', async () => {
    process().end(0);
    expect((await flushed())[0]).toMatchObject({ parentSpanId: null, links: [] });
  });

  it('hands on the state of vendors', () => {
    const publish = telemetry.startPublish(
      { ...producerContext(1), tracestate: 'a=b,c=d' },
      { audienceKind: 'user', logTopic: 't' },
    );
    expect(publish.context).toMatchObject({
      traceId: producerContext(1).traceId,
      isSampled: true,
      tracestate: 'a=b,c=d',
    });
    expect(publish.context?.spanId).not.toBe(producerContext(1).spanId);
    publish.end();
  });
});

describe('what is not sampled', () => {
  it('makes no span, and says so to those further on', async () => {
    const unsampled = producerContext(1, false);
    expect(telemetry.startProcess(envelopeOf(clock, { trace: unsampled }), 'live')).toBeNull();
    const publish = telemetry.startPublish(unsampled, { audienceKind: 'user', logTopic: 't' });
    expect(publish.context).toEqual(unsampled);
    publish.end();
    telemetry.recordFailure('dead_letter', unsampled, { reason: 'not_json', ...envelopeOf(clock).position });
    expect(await flushed()).toEqual([]);
  });

  it('is decided once, at the root', () => {
    const never = telemetryTo(receiver.otlpUrl, { clock, options: { defaultSampler: 'ratio', ratio: 0 } }).telemetry;
    const request = never.startRequest(null, { method: 'POST', route: '/graphql', startedAtMs: clock.now() });
    const publish = never.startPublish(request.context, { audienceKind: 'user', logTopic: 't' });
    expect(publish.context).toMatchObject({ isSampled: false, traceId: request.context?.traceId });
    expect(telemetry.startProcess(envelopeOf(clock, { trace: publish.context }), 'live')).toBeNull();
  });

  it('is everything where tracing is off, and a caller’s context still travels', async () => {
    const off = telemetryTo(receiver.otlpUrl, { clock, env: { OTEL_SDK_DISABLED: 'true' } }).telemetry;
    expect(off.tracesUrl).toBeNull();
    expect(off.startPublish(producerContext(1), { audienceKind: 'user', logTopic: 't' }).context).toEqual(
      producerContext(1),
    );
    expect(off.startPublish(null, { audienceKind: 'user', logTopic: 't' }).context).toBeNull();
    expect(off.startProcess(envelopeOf(clock, { trace: producerContext(1) }), 'live')).toBeNull();
    await off.shutdown(100);
    expect(receiver.requests).toBe(0);
  });
});
