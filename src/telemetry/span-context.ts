import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import type { TraceContext } from '../event.ts';

/** Between the trace context of our vocabulary and the SDK's. */

/** The SDK's form of a context that came from elsewhere. */
export const toSpanContext = (context: TraceContext): SpanContext => {
  const spanContext: SpanContext = {
    traceId: context.traceId,
    spanId: context.spanId,
    traceFlags: context.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
  };
  if (context.tracestate) spanContext.traceState = createTraceState(context.tracestate);
  return spanContext;
};

/** What a new span's parent is: `parent`, or nothing. Never what happens to be active. */
export const parentContext = (parent: TraceContext | null): Context =>
  parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent));

/** Our form of a sampled span's context. */
export const fromSpan = (span: Span): TraceContext => {
  const { traceId, spanId, traceState } = span.spanContext();
  return { traceId, spanId, isSampled: true, tracestate: traceState?.serialize() };
};

/** The W3C header of a sampled span. */
export const traceparentOf = (span: Span): string => {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
};
