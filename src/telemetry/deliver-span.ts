import { type Context, type Span, SpanKind } from '@opentelemetry/api';
import type { DeliverAttributes, DeliverEvent, DeliverSpan } from './facade.ts';
import type { OpenDelivery } from './open-deliveries.ts';
import { traceparentOf } from './span-context.ts';
import { spanAttributes as key, spanNames } from './span-names.ts';
import { toHrTime } from './span-time.ts';
import type { Tracing } from './tracing.ts';

/** How a delivery ended, as `carillon.ack` shows it. `none`: the client's class gives no echo, so writing it was the end. */
type Ack = 'acknowledged' | 'closed' | 'missing' | 'none';

/** What a delivery's span begins with. */
export type DeliverStart = {
  readonly parent: Context;
  /** When this node had the record in hand: the span's start, and its event `fetched`. */
  readonly startMs: number;
  readonly attributes: DeliverAttributes;
};

const openSpan = (tracing: Tracing, start: DeliverStart): Span => {
  const { mode, sessionClass, logWaitMs } = start.attributes;
  const attributes = {
    [key.mode]: mode,
    [key.sessionClass]: sessionClass,
    [key.logWaitMs]: logWaitMs,
    [key.node]: tracing.nodeId,
  };
  const options = { kind: SpanKind.PRODUCER, startTime: toHrTime(start.startMs), attributes };
  return tracing.tracer.startSpan(spanNames.deliver, options, start.parent);
};

/**
 * Starts the span of one recipient's delivery; null where too many are open. Its events are put in order of time, each counts once, and
 * after its end nothing changes it.
 */
export const startDeliverSpan = (tracing: Tracing, start: DeliverStart): DeliverSpan | null => {
  const { open, time } = tracing;
  const waiting: OpenDelivery = { expire: (how) => finish(how) };
  if (!open.add(waiting)) return null;

  const span = openSpan(tracing, start);
  const seen = new Map<DeliverEvent, number>();
  let lastMs = start.startMs;
  let isOver = false;

  const mark = (name: DeliverEvent, atMs: number): void => {
    // A microsecond apart at least: readers of traces sort by time alone.
    const earliestMs = seen.size === 0 ? start.startMs : lastMs + 0.001;
    lastMs = Math.max(earliestMs, Math.min(atMs, time.now()));
    seen.set(name, lastMs);
    span.addEvent(name, toHrTime(lastMs));
  };

  const finish = (ack: Ack): void => {
    if (isOver) return;
    isOver = true;
    open.remove(waiting);
    span.setAttribute(key.ack, ack);
    span.end(toHrTime(Math.max(lastMs, time.now())));
  };

  const onWritten = (): void => {
    const routedMs = seen.get('routed') ?? start.startMs;
    span.setAttribute(key.outboxWaitMs, Math.round((lastMs - routedMs) * 1000) / 1000);
    if (start.attributes.sessionClass === 'none') finish('none');
  };

  mark('fetched', start.startMs);
  return {
    traceparent: traceparentOf(span),
    event(name, atMs) {
      if (isOver || seen.has(name)) return;
      mark(name, atMs ?? time.now());
      if (name === 'written') onWritten();
    },
    end(how) {
      if (how === 'acknowledged' && !isOver && !seen.has('acknowledged')) mark('acknowledged', time.now());
      finish(how);
    },
  };
};
