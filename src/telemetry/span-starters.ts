import { type Attributes, type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { TraceContext } from '../event.ts';
import type { Telemetry } from './facade.ts';
import { splitPartition, startProcessSpan } from './process-span.ts';
import type { Sampling } from './sampling.ts';
import { fromSpan, parentContext } from './span-context.ts';
import { spanAttributes as key, spanNames } from './span-names.ts';
import { toHrTime } from './span-time.ts';
import { newSpanId, newTraceId } from './trace-ids.ts';
import type { Tracing } from './tracing.ts';

/** The half of the facade that makes spans. */
export type SpanStarters = Pick<Telemetry, 'startRequest' | 'startPublish' | 'startProcess' | 'recordFailure'>;

const ignore = (): void => {};

/** Tracing is off: a caller's context still travels with what it causes. */
export const spansOff: SpanStarters = {
  startRequest: (parent) => ({ context: parent, end: ignore }),
  startPublish: (parent) => ({ context: parent, end: ignore }),
  startProcess: () => null,
  recordFailure: ignore,
};

/** "Not sampled", said once at the root, so that no node further on decides otherwise and shows half a tree. */
const unsampled = (parent: TraceContext | null): TraceContext => {
  if (parent !== null) return { ...parent, isSampled: false };
  return { traceId: newTraceId(), spanId: newSpanId(), isSampled: false };
};

const fail = (span: Span, errorType: string): void => {
  span.setAttribute(key.errorType, errorType);
  span.setStatus({ code: SpanStatusCode.ERROR });
};

type Opening = {
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly attributes: Attributes;
};

/** A span whose second end is nothing: the SDK would warn. */
type OpenedSpan = { readonly span: Span; end(): void };

const open = (tracing: Tracing, parent: TraceContext | null, opening: Opening): OpenedSpan => {
  const { name, kind, startMs, attributes } = opening;
  const options = { kind, startTime: toHrTime(startMs), attributes: { ...attributes, [key.node]: tracing.nodeId } };
  const span = tracing.tracer.startSpan(name, options, parentContext(parent));
  let isOver = false;
  return {
    span,
    end() {
      if (!isOver) span.end(toHrTime(Math.max(startMs, tracing.time.now())));
      isOver = true;
    },
  };
};

const requestStarter =
  (tracing: Tracing, sampling: Sampling): SpanStarters['startRequest'] =>
  (parent, { method, route, startedAtMs }) => {
    if (!sampling.isSampled(parent)) return { context: unsampled(parent), end: ignore };
    const { span, end } = open(tracing, parent, {
      name: `${method} ${route}`,
      kind: SpanKind.SERVER,
      startMs: Math.min(startedAtMs, tracing.time.now()),
      attributes: { [key.httpMethod]: method, [key.httpRoute]: route },
    });
    return {
      context: fromSpan(span),
      end(status) {
        span.setAttribute(key.httpStatus, status);
        if (status >= 500) fail(span, String(status));
        end();
      },
    };
  };

const publishStarter =
  (tracing: Tracing, sampling: Sampling): SpanStarters['startPublish'] =>
  (parent, { audienceKind, logTopic }) => {
    if (!sampling.isSampled(parent)) return { context: unsampled(parent), end: ignore };
    const { span, end } = open(tracing, parent, {
      name: spanNames.publish,
      kind: SpanKind.PRODUCER,
      startMs: tracing.time.now(),
      attributes: {
        [key.system]: tracing.system,
        [key.operationName]: 'publish',
        [key.operationType]: 'send',
        [key.destination]: logTopic,
        [key.audience]: audienceKind,
      },
    });
    return {
      context: fromSpan(span),
      end(errorCode) {
        if (errorCode !== undefined) fail(span, errorCode);
        end();
      },
    };
  };

const failureRecorder =
  (tracing: Tracing, sampling: Sampling): SpanStarters['recordFailure'] =>
  (_name, parent, failure) => {
    if (!sampling.isSampled(parent)) return;
    const { topic, partition } = splitPartition(failure.partition);
    const { span, end } = open(tracing, parent, {
      name: spanNames.deadLetter,
      kind: SpanKind.CONSUMER,
      startMs: tracing.time.now(),
      attributes: {
        [key.system]: tracing.system,
        [key.destination]: topic,
        [key.partition]: partition,
        [key.offset]: Number(failure.offset),
      },
    });
    fail(span, failure.reason);
    end();
  };

/** The half of the facade that makes spans, on a live tracer. What is not sampled costs one test. */
export const createSpanStarters = (tracing: Tracing, sampling: Sampling): SpanStarters => ({
  startRequest: requestStarter(tracing, sampling),
  startPublish: publishStarter(tracing, sampling),
  startProcess: (envelope, mode) =>
    sampling.isSampled(envelope.trace) ? startProcessSpan(tracing, { envelope, mode }) : null,
  recordFailure: failureRecorder(tracing, sampling),
});
