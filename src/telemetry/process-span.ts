import { type Context, type Link, ROOT_CONTEXT, type Span, SpanKind, trace } from '@opentelemetry/api';
import type { Envelope, TraceContext } from '../event.ts';
import { startDeliverSpan } from './deliver-span.ts';
import type { ProcessSpan } from './facade.ts';
import { parentContext, toSpanContext } from './span-context.ts';
import { spanAttributes as key, spanNames } from './span-names.ts';
import { endOfMs, toHrTime } from './span-time.ts';
import type { Tracing } from './tracing.ts';

/** Up to here every recipient has a `deliver` of its own; one more counts the rest. */
export const maxOwnDeliveries = 8;
/** From so many recipients on, the counting `deliver` is a trace of its own: a reader's tree stays readable. */
export const largeFanOut = 1_000;
/** An event older than this when it is caught up with is no longer part of what its publisher waits for. */
export const maxTreeAgeMs = 60_000;
/** A span never begins earlier than this before now, however long the record lay in the ring of recent ones. */
const maxFetchAgeMs = 5_000;

/** What one `process` begins with. */
export type ProcessStart = { readonly envelope: Envelope; readonly mode: 'live' | 'catchup' };

/** `notifications/3` -> `notifications`, `3`. */
export const splitPartition = (partition: string): { readonly topic: string; readonly partition: string } => {
  const at = partition.lastIndexOf('/');
  return { topic: partition.slice(0, at), partition: partition.slice(at + 1) };
};

type Ancestry = { readonly parent: Context; readonly links: Link[] };

/** The record's context is the parent; caught up late, it is only linked. Never the socket's. */
const ancestryOf = (context: TraceContext | null, isLate: boolean): Ancestry => {
  if (context === null || !isLate) return { parent: parentContext(context), links: [] };
  return { parent: ROOT_CONTEXT, links: [{ context: toSpanContext(context), attributes: { [key.link]: 'record' } }] };
};

const openSpan = (tracing: Tracing, { envelope, mode }: ProcessStart, startMs: number): Span => {
  const { topic, partition } = splitPartition(envelope.position.partition);
  const isLate = mode === 'catchup' && tracing.time.now() - envelope.createdAtMs > maxTreeAgeMs;
  const { parent, links } = ancestryOf(envelope.trace, isLate);
  const attributes = {
    [key.system]: tracing.system,
    [key.operationName]: 'process',
    [key.operationType]: 'process',
    [key.destination]: topic,
    [key.partition]: partition,
    [key.offset]: Number(envelope.position.offset),
    [key.messageId]: envelope.id,
    [key.messageBytes]: envelope.bytes,
    [key.eventType]: envelope.type,
    [key.audience]: envelope.audience.kind,
    [key.mode]: mode,
    [key.node]: tracing.nodeId,
  };
  const options = { kind: SpanKind.CONSUMER, startTime: toHrTime(startMs), attributes, links };
  return tracing.tracer.startSpan(`${spanNames.process} ${topic}`, options, parent);
};

/** Writes the one `deliver` that stands for `counted` recipients. */
const writeCount = (
  tracing: Tracing,
  process: Span,
  count: { startMs: number; recipients: number; counted: number },
): void => {
  const isLarge = count.recipients >= largeFanOut;
  const span = tracing.tracer.startSpan(
    spanNames.deliver,
    {
      kind: SpanKind.PRODUCER,
      startTime: toHrTime(count.startMs),
      attributes: { [key.recipients]: count.counted, [key.node]: tracing.nodeId },
      links: isLarge ? [{ context: process.spanContext(), attributes: { [key.link]: 'fanout' } }] : [],
    },
    isLarge ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, process),
  );
  if (isLarge) process.setAttribute(key.fanOutTraceId, span.spanContext().traceId);
  span.end(toHrTime(Math.max(count.startMs, tracing.time.now())));
};

/** Starts the span of one envelope that has a recipient here and is sampled. */
export const startProcessSpan = (tracing: Tracing, start: ProcessStart): ProcessSpan => {
  const nowMs = tracing.time.now();
  const startMs = Math.max(endOfMs(start.envelope.fetchedAtMs, nowMs), nowMs - maxFetchAgeMs);
  const span = openSpan(tracing, start, startMs);
  const parent = trace.setSpan(ROOT_CONTEXT, span);
  let own = 0;
  let isOver = false;
  return {
    deliver(attributes) {
      if (own >= maxOwnDeliveries) return null;
      const deliver = startDeliverSpan(tracing, {
        parent,
        startMs,
        attributes,
      });
      if (deliver !== null) own++;
      return deliver;
    },
    end(recipients) {
      if (isOver) return;
      isOver = true;
      span.setAttribute(key.recipients, recipients);
      if (recipients > own) writeCount(tracing, span, { startMs, recipients, counted: recipients - own });
      span.end(toHrTime(Math.max(startMs, tracing.time.now())));
    },
  };
};
