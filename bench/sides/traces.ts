import { createTelemetry, type NodeTelemetry } from '../../src/telemetry/index.ts';
import type { SpanStarters } from '../../src/telemetry/span-starters.ts';
import type { TelemetryDeps } from '../../src/telemetry/telemetry.ts';
import type { Traces } from './side.ts';

/** Telemetry of the product in the benchmark. */

const environments = {
  none: { OTEL_TRACES_EXPORTER: 'none' },
  // Nothing is sampled, so nothing is ever sent there.
  unsampled: {
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  },
} as const;

const create = (traces: Traces, deps: TelemetryDeps): NodeTelemetry =>
  createTelemetry({ env: environments[traces], defaultSampler: 'ratio', serviceVersion: '0', nodeId: 'bench' }, deps);

/** An exporter is set, and no trace is sampled. */
export const unsampledTelemetry = (deps: TelemetryDeps): NodeTelemetry => create('unsampled', deps);

let current: SpanStarters;
let starters: Readonly<Record<Traces, SpanStarters>>;

/** The same, and after `switchTraces('none')` what makes spans is that of a gateway without tracing. One call more per span, both ways. */
export const switchedTelemetry = (deps: TelemetryDeps): NodeTelemetry => {
  const unsampled = create('unsampled', deps);
  starters = { unsampled, none: create('none', deps) };
  current = unsampled;
  return {
    ...unsampled,
    startRequest: (parent, attributes) => current.startRequest(parent, attributes),
    startPublish: (parent, attributes) => current.startPublish(parent, attributes),
    startProcess: (envelope, mode) => current.startProcess(envelope, mode),
    recordFailure: (name, parent, attributes) => current.recordFailure(name, parent, attributes),
  };
};

/** Only where the side was started with a switch. */
export const switchTraces = (traces: Traces): void => {
  current = starters[traces];
};
