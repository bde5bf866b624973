import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outline, spanTrees } from '../../dev/jaeger/span-tree.ts';
import { systemClock } from '../../src/clock.ts';
import type { DeliverAttributes } from '../../src/telemetry/facade.ts';
import type { NodeTelemetry } from '../../src/telemetry/index.ts';
import { sinkStartTimeoutMs, startTraceSink, type TraceSink } from '../support/trace-sink.ts';
import { envelopeOf, producerContext, telemetryTo } from './fixtures.ts';

const live: DeliverAttributes = { mode: 'live', sessionClass: 'echo', logWaitMs: 1 };

let sink: TraceSink;
let telemetry: NodeTelemetry;
beforeAll(async () => {
  sink = await startTraceSink();
  ({ telemetry } = telemetryTo(sink.otlpUrl));
}, sinkStartTimeoutMs);
afterAll(async () => {
  await telemetry.shutdown(1_000);
  await sink.stop();
});

describe('traces, read back from where an engineer reads them', () => {
  it('show one tree from the publish to the acknowledgement, its events in order of time', async () => {
    const publish = telemetry.startPublish(null, { audienceKind: 'user', logTopic: 'notifications' });
    const traceId = publish.context?.traceId ?? '';
    const process = telemetry.startProcess(envelopeOf(systemClock, { trace: publish.context }), 'live');
    publish.end();
    const deliver = process?.deliver(live);
    for (const name of ['routed', 'rendered', 'written'] as const) deliver?.event(name, systemClock.now());
    process?.end(1);
    deliver?.end('acknowledged');

    const spans = await sink.trace(traceId, (read) => read.length === 3);
    expect(outline(spanTrees(spans))).toBe('publish\n  process notifications\n    deliver\n');
    const [tree] = spanTrees(spans);
    const leaf = tree?.children[0]?.children[0]?.span;
    expect(leaf?.events.map(({ name }) => name)).toEqual(['fetched', 'routed', 'rendered', 'written', 'acknowledged']);
    expect(tree?.children[0]?.span.startMs).toBeGreaterThanOrEqual(tree?.span.startMs ?? Number.POSITIVE_INFINITY);
  });

  it('show the delivery of each record of a batch in the trace of its own producer', async () => {
    const contexts = Array.from({ length: 50 }, (_, i) => producerContext(1_000 + i));
    for (const trace of contexts) {
      const process = telemetry.startProcess(envelopeOf(systemClock, { trace }), 'live');
      process?.deliver(live)?.end('acknowledged');
      process?.end(1);
    }
    for (const { traceId, spanId } of contexts) {
      const spans = await sink.trace(traceId, (read) => read.length === 2);
      const [tree] = spanTrees(spans);
      expect(tree?.span).toMatchObject({ name: 'process notifications', parentSpanId: spanId, kind: 'consumer' });
      expect(tree?.children.map(({ span }) => span.name)).toEqual(['deliver']);
    }
  });

  it('keep the link of a late delivery to its record', async () => {
    const trace = producerContext(5_000);
    const process = telemetry.startProcess(
      envelopeOf(systemClock, { trace, createdAtMs: systemClock.now() - 120_000 }),
      'catchup',
    );
    const deliver = process?.deliver({ ...live, mode: 'catchup' });
    process?.end(1);
    deliver?.end('acknowledged');
    const newTraceId = deliver?.traceparent.split('-')[1] ?? '';
    expect(newTraceId).not.toBe(trace.traceId);
    const spans = await sink.trace(newTraceId, (read) => read.length === 2);
    expect(spanTrees(spans)[0]?.span.links).toMatchObject([{ traceId: trace.traceId, spanId: trace.spanId }]);
  });
});
