import type { Clock } from '../clock.ts';
import { startEventLoopLag } from './event-loop-lag.ts';
import type { Telemetry } from './facade.ts';
import type { Logger } from './logger.ts';
import { tracingMetrics } from './metric-names.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createOpenDeliveries, type OpenDeliveries } from './open-deliveries.ts';
import { createSampling } from './sampling.ts';
import { createSpanExport, type SpanExport } from './span-export.ts';
import { createSpanStarters, type SpanStarters, spansOff } from './span-starters.ts';
import { createSpanTime } from './span-time.ts';
import { type Env, readTraceSettings, type TraceSettings } from './trace-settings.ts';

export type TelemetryOptions = {
  /** The process's environment; only the standard OTEL_* variables are looked at. */
  readonly env: Env;
  /** What samples new roots where OTEL_TRACES_SAMPLER says nothing: all of them, or `ratio`. */
  readonly defaultSampler: 'always' | 'ratio';
  /** From 0 to 1. @default 0.01 */
  readonly ratio?: number;
  readonly serviceVersion: string;
  /** This node's id: `service.instance.id`, and `carillon.node` of every span. */
  readonly nodeId: string;
  /** `messaging.system` of spans, `kafka` on Kafka. @default 'carillon' */
  readonly system?: string;
};

export type TelemetryDeps = { readonly clock: Clock; readonly logger: Logger };

/** The facade with what only the composition root needs. */
export type NodeTelemetry = Telemetry & {
  /** All metrics as Prometheus text. */
  metrics(): Promise<string>;
  /** Where spans go, null where tracing is off; for the line that tells a person. */
  readonly tracesUrl: string | null;
  /** Ends open deliveries and sends what waits, within `deadlineMs`; what the collector does not take by then is lost. Never rejects. */
  shutdown(deadlineMs: number): Promise<void>;
};

type Tracer = { readonly starters: SpanStarters; readonly open: OpenDeliveries; readonly sending: SpanExport | null };

const resourceOf = (options: TelemetryOptions, settings: TraceSettings): Readonly<Record<string, string>> => ({
  ...settings.resource,
  'service.name': settings.serviceName,
  'service.version': options.serviceVersion,
  'service.instance.id': options.nodeId,
});

const createTracer = (
  options: TelemetryOptions,
  settings: TraceSettings,
  deps: TelemetryDeps & { metrics: Metrics },
): Tracer => {
  const { clock, logger, metrics } = deps;
  const open = createOpenDeliveries(clock);
  if (settings.url === null) return { starters: spansOff, open, sending: null };
  const resource = resourceOf(options, settings);
  const sending = createSpanExport(settings, settings.url, { clock, logger, resource, meters: metrics.meters });
  const tracing = {
    tracer: sending.provider.getTracer('carillon', options.serviceVersion),
    time: createSpanTime(clock),
    open,
    nodeId: options.nodeId,
    system: options.system ?? 'carillon',
  };
  metrics.counter(tracingMetrics.exported, () => sending.counts.exported);
  metrics.counter(tracingMetrics.exportFailed, () => sending.counts.failed);
  metrics.level(tracingMetrics.openDeliveries, () => open.size);
  return { starters: createSpanStarters(tracing, createSampling(settings.sampler)), open, sending };
};

/**
 * Creates the telemetry of one node. Never throws for what OTEL_* says: what cannot be used is logged. No exporter where tracing is off
 * (OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER=none, or no endpoint given); metrics are always there.
 */
export const createTelemetry = (options: TelemetryOptions, deps: TelemetryDeps): NodeTelemetry => {
  const fallback =
    options.defaultSampler === 'always'
      ? { kind: 'always' as const }
      : { kind: 'ratio' as const, ratio: options.ratio ?? 0.01 };
  const settings = readTraceSettings(options.env, fallback);
  for (const problem of settings.problems) deps.logger.warn(problem);
  const metrics = createMetrics(resourceOf(options, settings), deps.logger);
  const { starters, open, sending } = createTracer(options, settings, { ...deps, metrics });
  const lag = startEventLoopLag();
  metrics.gauge('eventLoopLagSeconds', () => [{ value: lag.read() }]);
  return {
    counts: metrics.counts,
    count: metrics.count,
    observe: metrics.observe,
    gauge: metrics.gauge,
    ...starters,
    metrics: metrics.text,
    tracesUrl: settings.url,
    async shutdown(deadlineMs) {
      lag.stop();
      open.closeAll();
      await sending?.shutdown(deadlineMs);
    },
  };
};
