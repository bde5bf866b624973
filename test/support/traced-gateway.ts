import { randomBytes } from 'node:crypto';
import type { ReadSpan } from '../../dev/jaeger/spans.ts';
import type { GatewayProcess } from './gateway.ts';

/** Environment of a gateway that samples everything and sends its spans to `otlpUrl` without delay. */
export const tracedTo = (otlpUrl: string): Readonly<Record<string, string>> => ({
  OTEL_TRACES_EXPORTER: 'otlp',
  OTEL_EXPORTER_OTLP_ENDPOINT: otlpUrl,
  OTEL_TRACES_SAMPLER: 'parentbased_always_on',
  OTEL_BSP_SCHEDULE_DELAY: '50',
});

/** A trace that a test began elsewhere. */
export type CallerTrace = { readonly traceId: string; readonly spanId: string; readonly traceparent: string };

/** A context of one's own; `flags` 00 = not sampled. */
export const callerTrace = (flags: '00' | '01' = '01'): CallerTrace => {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
};

/** The trace that a payload says it belongs to. */
export const traceIdOf = (event: { readonly extensions: Readonly<Record<string, unknown>> | undefined }): string =>
  String(event.extensions?.['traceparent']).split('-')[1] ?? '';

export const spansNamed = (spans: readonly ReadSpan[], name: string): readonly ReadSpan[] =>
  spans.filter((span) => span.name === name);

/** Waits for a trace: as many ended deliveries as `count`. */
export const hasDeliveries =
  (count: number) =>
  (spans: readonly ReadSpan[]): boolean =>
    spansNamed(spans, 'deliver').length === count;

/** Whether the span is of that gateway. */
export const isOf = (span: ReadSpan | undefined, gateway: GatewayProcess): boolean =>
  String(span?.attributes['carillon.node']).endsWith(`-${gateway.pid}`);
