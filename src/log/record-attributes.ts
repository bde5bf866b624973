import { isUtf8 } from 'node:buffer';
import type { HeaderWalk, LogRecord, TraceContext } from '../event.ts';
import { walkHeaders } from '../record-headers.ts';
import { readTraceparent } from '../traceparent.ts';

/**
 * CloudEvents attributes as the record or the structured envelope states them, as text and not judged yet.
 */
export type EventAttributes = {
  readonly specversion: string | null;
  readonly id: string | null;
  readonly source: string | null;
  readonly type: string | null;
  readonly time: string | null;
  readonly expirytime: string | null;
  readonly audience: string | null;
  readonly subject: string | null;
  readonly title: string | null;
  readonly trace: TraceContext | null;
  /** Attributes that are there but are no text (not UTF-8, not a JSON string). Null where all are well. */
  readonly malformed: ReadonlySet<string> | null;
};

/** Bytes of a header's value: `[start, end)` of something larger. */
type Span = { readonly bytes: Buffer; readonly start: number; readonly end: number };

/** Header values by name, the first of each name: of duplicates it counts, as in most consumers, and the others are not looked at. */
export type HeaderSpans = {
  specversion?: Span;
  id?: Span;
  source?: Span;
  type?: Span;
  time?: Span;
  expirytime?: Span;
  audience?: Span;
  subject?: Span;
  title?: Span;
  traceparent?: Span;
  tracestate?: Span;
  ceTraceparent?: Span;
  ceTracestate?: Span;
  contentType?: Span;
  /** Of all headers, names included. */
  total: number;
};

type Slot = Exclude<keyof HeaderSpans, 'total'>;

const slots: ReadonlyMap<string, Slot> = new Map([
  ['ce_specversion', 'specversion'],
  ['ce_id', 'id'],
  ['ce_source', 'source'],
  ['ce_type', 'type'],
  ['ce_time', 'time'],
  ['ce_expirytime', 'expirytime'],
  ['ce_audience', 'audience'],
  ['ce_subject', 'subject'],
  ['ce_title', 'title'],
  ['traceparent', 'traceparent'],
  ['tracestate', 'tracestate'],
  ['ce_traceparent', 'ceTraceparent'],
  ['ce_tracestate', 'ceTracestate'],
  ['content-type', 'contentType'],
  ['Content-Type', 'contentType'],
]);

/** Names with a meaning here, as bytes, by their length. */
const named: readonly (readonly { readonly name: Buffer; readonly slot: Slot }[])[] = Array.from(
  { length: Math.max(...[...slots.keys()].map((name) => name.length)) + 1 },
  (_, length) =>
    [...slots].filter(([name]) => name.length === length).map(([name, slot]) => ({ name: Buffer.from(name), slot })),
);

const isAt = (name: Buffer, bytes: Buffer, start: number): boolean => {
  for (let n = 0; n < name.length; n++) if (bytes[start + n] !== name[n]) return false;
  return true;
};

const slotOf = ({ bytes, nameStart, nameEnd }: HeaderWalk): Slot | null => {
  for (const { name, slot } of named[nameEnd - nameStart] ?? []) if (isAt(name, bytes, nameStart)) return slot;
  return null;
};

/** Sorts the headers that have a meaning here; values are not looked into. */
export const collectHeaders = (record: LogRecord): HeaderSpans => {
  const walk = walkHeaders(record);
  const spans: HeaderSpans = { total: 0 };
  while (walk.next()) {
    spans.total += walk.nameEnd - walk.nameStart + walk.valueEnd - walk.valueStart;
    const slot = slotOf(walk);
    if (slot === null || spans[slot] !== undefined) continue;
    spans[slot] = { bytes: walk.bytes, start: walk.valueStart, end: walk.valueEnd };
  }
  return spans;
};

/** Which CloudEvents content mode the record is in; `foreign` is an event format other than JSON. */
export const contentMode = ({ contentType }: HeaderSpans): 'binary' | 'structured' | 'foreign' => {
  if (contentType === undefined || contentType.end - contentType.start < 23) return 'binary';
  const text = contentType.bytes.toString('latin1', contentType.start, contentType.end);
  const mediaType = (text.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (mediaType === 'application/cloudevents+json') return 'structured';
  return mediaType.startsWith('application/cloudevents') ? 'foreign' : 'binary';
};

const view = (span: Span | undefined): Buffer | undefined => span?.bytes.subarray(span.start, span.end);

const traceOf = (headers: HeaderSpans): TraceContext | null => {
  const traceparent = view(headers.traceparent);
  const own = traceparent === undefined ? null : readTraceparent(traceparent, view(headers.tracestate));
  const other = view(headers.ceTraceparent);
  if (own !== null || other === undefined) return own;
  return readTraceparent(other, view(headers.ceTracestate));
};

/** The trace context in a record's headers, null where there is none; that of a structured envelope is not looked for. */
export const headerTrace = (record: LogRecord): TraceContext | null => traceOf(collectHeaders(record));

/** Reads attributes one by one and remembers which were no text. */
class TextReader {
  malformed: Set<string> | null = null;

  span(name: string, span: Span | undefined): string | null {
    if (span === undefined) return null;
    const text = span.bytes.toString('utf8', span.start, span.end);
    // Only text with a replacement character can have come from bytes that are not UTF-8.
    return text.includes('\uFFFD') && !isUtf8(span.bytes.subarray(span.start, span.end)) ? this.#reject(name) : text;
  }

  json(name: string, value: unknown): string | null {
    if (value === undefined || value === null) return null;
    return typeof value === 'string' && value.isWellFormed() ? value : this.#reject(name);
  }

  #reject(name: string): null {
    this.malformed ??= new Set();
    this.malformed.add(name);
    return null;
  }
}

/** What tells whom an event is for, which event it is, and whether it is over. */
export type EventAddress = Pick<EventAttributes, 'id' | 'source' | 'audience' | 'subject' | 'expirytime' | 'malformed'>;

/** That of a binary-mode or plain record; `malformed` says nothing of other attributes. */
export const headerAddress = (headers: HeaderSpans): EventAddress => {
  const read = new TextReader();
  return {
    id: read.span('id', headers.id),
    source: read.span('source', headers.source),
    expirytime: read.span('expirytime', headers.expirytime),
    audience: read.span('audience', headers.audience),
    subject: read.span('subject', headers.subject),
    malformed: read.malformed,
  };
};

/** Attributes of a binary-mode or plain record. */
export const headerAttributes = (headers: HeaderSpans): EventAttributes => {
  const read = new TextReader();
  return {
    specversion: read.span('specversion', headers.specversion),
    id: read.span('id', headers.id),
    source: read.span('source', headers.source),
    type: read.span('type', headers.type),
    time: read.span('time', headers.time),
    expirytime: read.span('expirytime', headers.expirytime),
    audience: read.span('audience', headers.audience),
    subject: read.span('subject', headers.subject),
    title: read.span('title', headers.title),
    trace: traceOf(headers),
    malformed: read.malformed,
  };
};

const ownText = (envelope: Readonly<Record<string, unknown>>, name: string): Buffer | undefined => {
  const value = envelope[name];
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : undefined;
};

const envelopeTrace = (envelope: Readonly<Record<string, unknown>>): TraceContext | null => {
  const traceparent = ownText(envelope, 'traceparent');
  return traceparent === undefined ? null : readTraceparent(traceparent, ownText(envelope, 'tracestate'));
};

/** Attributes of a structured-mode envelope; the record's own trace headers win over those inside. */
export const envelopeAttributes = (
  envelope: Readonly<Record<string, unknown>>,
  headers: HeaderSpans,
): EventAttributes => {
  const read = new TextReader();
  return {
    specversion: read.json('specversion', envelope['specversion']),
    id: read.json('id', envelope['id']),
    source: read.json('source', envelope['source']),
    type: read.json('type', envelope['type']),
    time: read.json('time', envelope['time']),
    expirytime: read.json('expirytime', envelope['expirytime']),
    audience: read.json('audience', envelope['audience']),
    subject: read.json('subject', envelope['subject']),
    title: read.json('title', envelope['title']),
    trace: traceOf(headers) ?? envelopeTrace(envelope),
    malformed: read.malformed,
  };
};
