/** Spans as a reader wants them, from OTLP's JSON, which Jaeger's API answers with and our own receiver decodes to. */

/** One span that was read back. */
export type ReadSpan = {
  readonly traceId: string;
  readonly spanId: string;
  /** Null = a root. */
  readonly parentSpanId: string | null;
  readonly service: string;
  readonly name: string;
  readonly kind: 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, ReadValue>>;
  /** In order of time. */
  readonly events: readonly { readonly name: string; readonly atMs: number }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Readonly<Record<string, ReadValue>>;
  }[];
  readonly isError: boolean;
};

export type ReadValue = string | number | boolean | readonly ReadValue[] | null;

/** The parts of OTLP/JSON that are read. */
export type OtlpValue = {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
};
export type OtlpAttribute = { readonly key: string; readonly value?: OtlpValue };
export type OtlpSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind?: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: readonly { readonly timeUnixNano: string; readonly name: string }[];
  readonly links?: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes?: readonly OtlpAttribute[];
  }[];
  readonly status?: { readonly code?: number };
};
export type OtlpResourceSpans = {
  readonly resource?: { readonly attributes?: readonly OtlpAttribute[] };
  readonly scopeSpans?: readonly { readonly spans?: readonly OtlpSpan[] }[];
};

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

const readValue = (value: OtlpValue = {}): ReadValue => {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(readValue);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue ?? null;
};

const attributesOf = (attributes: readonly OtlpAttribute[] = []): Record<string, ReadValue> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, readValue(value)]));

const toMs = (nanos: string): number => {
  const value = BigInt(nanos);
  return Number(value / 1_000_000n) + Number(value % 1_000_000n) / 1e6;
};

/** Jaeger sorts events by name. */
const eventsOf = (span: OtlpSpan): ReadSpan['events'] =>
  [...(span.events ?? [])]
    .sort((a, b) => Number(BigInt(a.timeUnixNano) - BigInt(b.timeUnixNano)))
    .map(({ name, timeUnixNano }) => ({ name, atMs: toMs(timeUnixNano) }));

const spanOf = (span: OtlpSpan, service: string): ReadSpan => ({
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId ? span.parentSpanId : null,
  service,
  name: span.name,
  kind: kinds[span.kind ?? 0] ?? 'unspecified',
  startMs: toMs(span.startTimeUnixNano),
  endMs: toMs(span.endTimeUnixNano),
  attributes: attributesOf(span.attributes),
  events: eventsOf(span),
  links: (span.links ?? []).map(({ traceId, spanId, attributes }) => ({
    traceId,
    spanId,
    attributes: attributesOf(attributes),
  })),
  isError: span.status?.code === 2,
});

/** All spans of an OTLP/JSON document, as they come. */
export const readSpans = (resourceSpans: readonly OtlpResourceSpans[]): readonly ReadSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const service = String(attributesOf(resource?.attributes)['service.name'] ?? 'unknown');
    return scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => spanOf(span, service)));
  });
