import type { MeterProvider } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Clock } from '../clock.ts';
import type { Logger } from './logger.ts';
import type { TraceSettings } from './trace-settings.ts';

/** What became of exported spans: plain numbers, read by the metrics. */
export type ExportCounts = { exported: number; failed: number };

/** The way of finished spans to the collector. */
export type SpanExport = {
  readonly provider: TracerProvider;
  readonly counts: ExportCounts;
  /** Sends what waits, within `deadlineMs`; what the collector does not take by then is lost. Never rejects. */
  shutdown(deadlineMs: number): Promise<void>;
};

export type SpanExportDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes the processor's own metrics: its queue, and what it dropped for want of room. */
  readonly meters: MeterProvider;
  readonly resource: Readonly<Record<string, string>>;
};

/** Batches on their way at once; each holds up to a batch of spans while the collector is slow. */
const maxConcurrentExports = 4;

/** Counts and logs what the SDK would keep to itself. */
const observed = (inner: SpanExporter, counts: ExportCounts, logger: Logger): SpanExporter => ({
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    inner.export(spans, (result) => {
      if (result.code === ExportResultCode.SUCCESS) counts.exported += spans.length;
      else {
        counts.failed += spans.length;
        logger.warn('traces cannot be exported', { reason: reasonOf(result.error) });
      }
      done(result);
    });
  },
  forceFlush: async () => inner.forceFlush?.(),
  shutdown: () => inner.shutdown(),
});

/** The error's code or status, which is what an operator needs; a collector's answer may hold anything. */
const reasonOf = (error: Error | undefined): string => {
  if (error === undefined) return 'unknown';
  const code = 'code' in error && error.code !== undefined ? ` (${String(error.code)})` : '';
  return `${error.name}${code}`;
};

/** What is not given here (compression, client certificates) the exporter reads from OTEL_EXPORTER_OTLP_* by itself. */
const createExporter = (settings: TraceSettings, url: string): SpanExporter =>
  new OTLPTraceExporter({
    url,
    headers: { ...settings.headers },
    timeoutMillis: settings.timeoutMs,
    concurrencyLimit: maxConcurrentExports,
  });

/** Resolves when `work` settles or `deadlineMs` is over. */
const within = async (work: Promise<unknown>, deadlineMs: number, clock: Clock): Promise<void> => {
  const deadline = Promise.withResolvers<void>();
  const timer = clock.after(deadlineMs, () => deadline.resolve());
  await Promise.race([work.then(ignore, ignore), deadline.promise]);
  timer.cancel();
};
const ignore = (): void => {};

/**
 * Builds the provider with a bounded queue and the OTLP exporter to `url`. The collector may be absent, slow or failing: spans are dropped and
 * counted, nothing else happens. Sampling is decided before a span is made, so that every span made here is kept.
 */
export const createSpanExport = (settings: TraceSettings, url: string, deps: SpanExportDeps): SpanExport => {
  const counts: ExportCounts = { exported: 0, failed: 0 };
  const processor = new BatchSpanProcessor({
    exporter: observed(createExporter(settings, url), counts, deps.logger),
    maxQueueSize: settings.maxQueueSize,
    maxExportBatchSize: settings.maxBatchSize,
    scheduledDelayMillis: settings.scheduleDelayMs,
    exportTimeoutMillis: settings.timeoutMs,
    selfObsMeterProvider: deps.meters,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ ...deps.resource }),
    sampler: new AlwaysOnSampler(),
    spanProcessors: [processor],
  });
  return { provider, counts, shutdown: (deadlineMs) => within(provider.shutdown(), deadlineMs, deps.clock) };
};
