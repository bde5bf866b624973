import type { OtlpAttribute, OtlpResourceSpans, OtlpSpan, OtlpValue } from '../../dev/jaeger/spans.ts';
import { bytes, type Fields, integer, messages, readFields, text } from './protobuf.ts';

/** OTLP traces from protobuf to the shape of OTLP/JSON (opentelemetry-proto, trace/v1/trace.proto). */

const double = (bits: bigint): number => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(bits);
  return buffer.readDoubleLE();
};

const readValue = (fields: Fields): OtlpValue => {
  if (fields.has(1)) return { stringValue: text(fields, 1) };
  if (fields.has(2)) return { boolValue: integer(fields, 2) !== 0n };
  if (fields.has(3)) return { intValue: String(BigInt.asIntN(64, integer(fields, 3))) };
  if (fields.has(4)) return { doubleValue: double(integer(fields, 4)) };
  return fields.has(5) ? { arrayValue: { values: messages(readFields(bytes(fields, 5)), 1).map(readValue) } } : {};
};

const readAttributes = (fields: Fields, number: number): readonly OtlpAttribute[] =>
  messages(fields, number).map((pair) => ({ key: text(pair, 1), value: readValue(readFields(bytes(pair, 2))) }));

const hex = (fields: Fields, number: number): string => bytes(fields, number).toString('hex');

const readSpan = (fields: Fields): OtlpSpan => ({
  traceId: hex(fields, 1),
  spanId: hex(fields, 2),
  parentSpanId: hex(fields, 4),
  name: text(fields, 5),
  kind: Number(integer(fields, 6)),
  startTimeUnixNano: String(integer(fields, 7)),
  endTimeUnixNano: String(integer(fields, 8)),
  attributes: readAttributes(fields, 9),
  events: messages(fields, 11).map((event) => ({ timeUnixNano: String(integer(event, 1)), name: text(event, 2) })),
  links: messages(fields, 13).map((link) => ({
    traceId: hex(link, 1),
    spanId: hex(link, 2),
    attributes: readAttributes(link, 4),
  })),
  status: { code: Number(integer(readFields(bytes(fields, 15)), 3)) },
});

/** The body of one export request. Throws on what is no protobuf. */
export const decodeTraces = (body: Buffer): readonly OtlpResourceSpans[] =>
  messages(readFields(body), 1).map((resourceSpans) => ({
    resource: { attributes: readAttributes(readFields(bytes(resourceSpans, 1)), 1) },
    scopeSpans: messages(resourceSpans, 2).map((scope) => ({ spans: messages(scope, 2).map(readSpan) })),
  }));
