/**
 * The standard OTEL_* variables, as far as traces go, read from an object: nothing here looks at the process. A value that cannot be used is
 * reported and its default taken, as OpenTelemetry's specification wants it: telemetry never stops a start.
 */

/** Environment variables, as main hands them over. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What decides whether a trace is sampled. `isParentBased`: a caller's or record's decision is kept; `ratio` of the rest is sampled. */
export type SamplerSettings = { readonly isParentBased: boolean; readonly ratio: number };

export type TraceSettings = {
  /** Where spans go; null = tracing is off. */
  readonly url: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly sampler: SamplerSettings;
  /** Bounds of what waits for export. */
  readonly maxQueueSize: number;
  readonly maxBatchSize: number;
  readonly scheduleDelayMs: number;
  readonly serviceName: string;
  readonly resource: Readonly<Record<string, string>>;
  /** What could not be used, one line each; never a value that may be secret. */
  readonly problems: readonly string[];
};

export type SamplerDefault = { readonly kind: 'always' } | { readonly kind: 'ratio'; readonly ratio: number };

type Reader = { readonly env: Env; readonly problems: string[] };

const text = ({ env }: Reader, name: string): string | null => {
  const value = env[name]?.trim();
  return value === undefined || value === '' ? null : value;
};

const traceText = (reader: Reader, name: string): string | null =>
  text(reader, `OTEL_EXPORTER_OTLP_TRACES_${name}`) ?? text(reader, `OTEL_EXPORTER_OTLP_${name}`);

const positive = (reader: Reader, name: string, fallback: number): number => {
  const value = text(reader, name);
  if (value === null) return fallback;
  const number = Number(value);
  if (Number.isInteger(number) && number > 0 && number < 2 ** 31) return number;
  reader.problems.push(`${name} is not a positive whole number: ${fallback} is used`);
  return fallback;
};

/** `key=value` pairs, percent-decoded (W3C baggage form). */
const pairs = (reader: Reader, name: string, value: string | null): Record<string, string> => {
  const result: Record<string, string> = {};
  for (const pair of (value ?? '').split(',')) {
    const at = pair.indexOf('=');
    if (at <= 0) {
      if (pair.trim() !== '') reader.problems.push(`${name} holds something that is not key=value: it is left out`);
      continue;
    }
    try {
      result[decodeURIComponent(pair.slice(0, at).trim())] = decodeURIComponent(pair.slice(at + 1).trim());
    } catch {
      reader.problems.push(`${name} holds a value with a bad %-escape: it is left out`);
    }
  }
  return result;
};

const ratioOf = (reader: Reader): number => {
  const value = text(reader, 'OTEL_TRACES_SAMPLER_ARG') ?? '1';
  const ratio = Number(value);
  if (ratio >= 0 && ratio <= 1) return ratio;
  reader.problems.push('OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1: 1 is used');
  return 1;
};

const samplerOf = (reader: Reader, fallback: SamplerDefault): SamplerSettings => {
  const name = text(reader, 'OTEL_TRACES_SAMPLER');
  const isParentBased = name === null || name.startsWith('parentbased_');
  switch (name?.replace('parentbased_', '')) {
    case 'always_on':
      return { isParentBased, ratio: 1 };
    case 'always_off':
      return { isParentBased, ratio: 0 };
    case 'traceidratio':
      return { isParentBased, ratio: ratioOf(reader) };
    default:
      if (name !== null) reader.problems.push(`OTEL_TRACES_SAMPLER ${name} is not known: the default is used`);
      return { isParentBased: true, ratio: fallback.kind === 'always' ? 1 : fallback.ratio };
  }
};

const isHttp = (url: string): boolean => ['http:', 'https:'].includes(URL.parse(url)?.protocol ?? '');

/** The traces' own endpoint is taken as it is; the common one is a base, `v1/traces` is added. */
const endpointOf = (reader: Reader): string | null => {
  const own = text(reader, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const base = text(reader, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  const url = own ?? (base === null ? null : `${base.replace(/\/+$/, '')}/v1/traces`);
  if (url === null || isHttp(url)) return url;
  reader.problems.push('OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL: traces are not exported');
  return null;
};

const isOff = (reader: Reader): boolean => {
  if (text(reader, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return true;
  const exporter = text(reader, 'OTEL_TRACES_EXPORTER') ?? 'otlp';
  if (exporter === 'none' || exporter === 'otlp') return exporter === 'none';
  reader.problems.push(`OTEL_TRACES_EXPORTER ${exporter} is not known: set otlp or none; traces are not exported`);
  return true;
};

const checkProtocol = (reader: Reader): void => {
  const protocol = traceText(reader, 'PROTOCOL') ?? 'http/protobuf';
  if (protocol !== 'http/protobuf')
    reader.problems.push(`OTEL_EXPORTER_OTLP_PROTOCOL ${protocol} is not spoken: http/protobuf is used`);
};

/** Reads the settings. `fallback` is the sampler where no variable names one. */
export const readTraceSettings = (env: Env, fallback: SamplerDefault): TraceSettings => {
  const reader: Reader = { env, problems: [] };
  const off = isOff(reader);
  const url = off ? null : endpointOf(reader);
  if (url !== null) checkProtocol(reader);
  const attributes = pairs(reader, 'OTEL_RESOURCE_ATTRIBUTES', text(reader, 'OTEL_RESOURCE_ATTRIBUTES'));
  const maxQueueSize = positive(reader, 'OTEL_BSP_MAX_QUEUE_SIZE', 2_048);
  const timeout = 'OTEL_EXPORTER_OTLP_TIMEOUT';
  return {
    url,
    headers: pairs(reader, 'OTEL_EXPORTER_OTLP_HEADERS', traceText(reader, 'HEADERS')),
    timeoutMs: positive(reader, 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', positive(reader, timeout, 10_000)),
    sampler: samplerOf(reader, fallback),
    maxQueueSize,
    maxBatchSize: Math.min(positive(reader, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512), maxQueueSize),
    scheduleDelayMs: positive(reader, 'OTEL_BSP_SCHEDULE_DELAY', 1_000),
    serviceName: text(reader, 'OTEL_SERVICE_NAME') ?? attributes['service.name'] ?? 'carillon',
    resource: attributes,
    problems: reader.problems,
  };
};
