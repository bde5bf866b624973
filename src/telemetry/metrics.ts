import type { Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationType, InstrumentType, MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Counts, GaugeName, GaugeReading, HistogramName, LabelledCount, Telemetry } from './facade.ts';
import type { Logger } from './logger.ts';
import {
  countMetrics,
  durationBuckets,
  gaugeMetrics,
  histogramMetrics,
  labelledMetrics,
  type Metric,
} from './metric-names.ts';

/** The half of the facade that counts, and what reads it. */
export type Metrics = Pick<Telemetry, 'counts' | 'count' | 'observe' | 'gauge'> & {
  readonly meters: MeterProvider;
  /** Reads `value` under `metric` at scrape time; it only grows. */
  counter(metric: Metric, value: () => number): void;
  /** Reads `value` under `metric` at scrape time. */
  level(metric: Metric, value: () => number): void;
  /** All metrics as Prometheus text. A reader that throws is left out and logged. */
  text(): Promise<string>;
};

/** Labels are from small sets of ours; should one not be, the rest is counted together instead of growing without bound. */
const maxLabels = 200;
const otherLabel = 'other';

const keysOf = <Key extends string>(record: Readonly<Record<Key, unknown>>): readonly Key[] =>
  Object.keys(record) as Key[];

const zeroCounts = (): Counts => Object.fromEntries(keysOf(countMetrics).map((name) => [name, 0])) as Counts;

const suffixes: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes' };

/** The name with its unit, as Prometheus wants it: this exporter adds `_total` and nothing else. */
const exposed = ({ name, unit }: Metric): string => `${name}${suffixes[unit] ?? ''}`;

const describe = ({ unit, description }: Metric): { unit: string; description: string } => ({ unit, description });

/** One plain number per label. */
const createLabelled = (meter: Meter, name: LabelledCount): ((label: string) => void) => {
  const metric = labelledMetrics[name];
  const values = new Map<string, number>();
  meter.createObservableCounter(exposed(metric), describe(metric)).addCallback((result) => {
    for (const [label, value] of values) result.observe(value, { [metric.label]: label });
  });
  return (label) => {
    const key = values.has(label) || values.size < maxLabels ? label : otherLabel;
    values.set(key, (values.get(key) ?? 0) + 1);
  };
};

const createHistogram = (meter: Meter, name: HistogramName): ((seconds: number) => void) => {
  const metric = histogramMetrics[name];
  const advice = { explicitBucketBoundaries: [...durationBuckets] };
  const histogram = meter.createHistogram(exposed(metric), { ...describe(metric), advice });
  // A clock that stands behind the producer's gives negative waits: they are counted as none.
  return (seconds) => histogram.record(Math.max(0, seconds));
};

const table = <Key extends string, Value>(
  names: Readonly<Record<Key, unknown>>,
  create: (name: Key) => Value,
): Readonly<Record<Key, Value>> =>
  Object.fromEntries(keysOf(names).map((name) => [name, create(name)])) as Record<Key, Value>;

/** Registers readers of gauges; one that throws is logged and shows nothing. */
const gaugeRegistrar = (meter: Meter, logger: Logger): Telemetry['gauge'] => {
  const gauges = table(gaugeMetrics, (name) =>
    meter.createObservableGauge(exposed(gaugeMetrics[name]), describe(gaugeMetrics[name])),
  );
  const readingsOf = (name: GaugeName, read: () => readonly GaugeReading[]): readonly GaugeReading[] => {
    try {
      return read();
    } catch (cause) {
      logger.warn('gauge cannot be read', { gauge: name, error: cause instanceof Error ? cause.message : 'unknown' });
      return [];
    }
  };
  return (name, read) =>
    gauges[name].addCallback((result) => {
      const { label: key } = gaugeMetrics[name];
      const readings = readingsOf(name, read).filter(({ value }) => Number.isFinite(value));
      for (const { value, label } of readings) result.observe(value, label === undefined ? {} : { [key]: label });
    });
};

/** Creates all instruments. Nothing is exported by itself: `text` is asked at scrape time. */
export const createMetrics = (resource: Readonly<Record<string, string>>, logger: Logger): Metrics => {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  const meters = new MeterProvider({
    resource: resourceFromAttributes({ ...resource }),
    readers: [reader],
    // The processor's own numbers are of interest, its latency histograms are not.
    views: [
      {
        meterName: '@opentelemetry/*',
        instrumentType: InstrumentType.HISTOGRAM,
        aggregation: { type: AggregationType.DROP },
      },
    ],
  });
  const meter = meters.getMeter('carillon');
  const counts = zeroCounts();
  const counter: Metrics['counter'] = (metric, value) =>
    meter.createObservableCounter(exposed(metric), describe(metric)).addCallback((result) => result.observe(value()));
  for (const name of keysOf(countMetrics)) counter(countMetrics[name], () => counts[name]);
  const labelled = table(labelledMetrics, (name) => createLabelled(meter, name));
  const histograms = table(histogramMetrics, (name) => createHistogram(meter, name));
  return {
    meters,
    counts,
    counter,
    level: (metric, value) =>
      meter.createObservableGauge(exposed(metric), describe(metric)).addCallback((result) => result.observe(value())),
    count: (name, label) => labelled[name](label),
    observe: (name, seconds) => histograms[name](seconds),
    gauge: gaugeRegistrar(meter, logger),
    async text() {
      const { resourceMetrics } = await reader.collect();
      return serializer.serialize(resourceMetrics);
    },
  };
};
