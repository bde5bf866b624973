import { isUtf8 } from 'node:buffer';
import type { RecordHeaders, TraceContext } from '../event.ts';
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

/** Header values by name, the first of each name: of duplicates it counts, as in most consumers, and the others are not looked at. */
export type HeaderBytes = {
  specversion?: Buffer;
  id?: Buffer;
  source?: Buffer;
  type?: Buffer;
  time?: Buffer;
  expirytime?: Buffer;
  audience?: Buffer;
  subject?: Buffer;
  title?: Buffer;
  traceparent?: Buffer;
  tracestate?: Buffer;
  ceTraceparent?: Buffer;
  ceTracestate?: Buffer;
  contentType?: Buffer;
};

const slots: ReadonlyMap<string, keyof HeaderBytes> = new Map([
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

/** Sorts the headers that have a meaning here; bytes are not looked into. */
export const collectHeaders = (headers: RecordHeaders): HeaderBytes => {
  const bytes: HeaderBytes = {};
  for (const [name, value] of headers) {
    const slot = slots.get(name);
    if (slot !== undefined && bytes[slot] === undefined) bytes[slot] = value;
  }
  return bytes;
};

/** Which CloudEvents content mode the record is in; `foreign` is an event format other than JSON. */
export const contentMode = (headers: HeaderBytes): 'binary' | 'structured' | 'foreign' => {
  const bytes = headers.contentType;
  if (bytes === undefined || bytes.length < 23) return 'binary';
  const mediaType = (bytes.toString('latin1').split(';', 1)[0] ?? '').trim().toLowerCase();
  if (mediaType === 'application/cloudevents+json') return 'structured';
  return mediaType.startsWith('application/cloudevents') ? 'foreign' : 'binary';
};

const traceOf = (headers: HeaderBytes): TraceContext | null => {
  const own = headers.traceparent === undefined ? null : readTraceparent(headers.traceparent, headers.tracestate);
  if (own !== null || headers.ceTraceparent === undefined) return own;
  return readTraceparent(headers.ceTraceparent, headers.ceTracestate);
};

/** The trace context in a record's headers, null where there is none; that of a structured envelope is not looked for. */
export const headerTrace = (headers: RecordHeaders): TraceContext | null => traceOf(collectHeaders(headers));

/** Reads attributes one by one and remembers which were no text. */
class TextReader {
  malformed: Set<string> | null = null;

  bytes(name: string, bytes: Buffer | undefined): string | null {
    if (bytes === undefined) return null;
    const text = bytes.toString('utf8');
    // Only text with a replacement character can have come from bytes that are not UTF-8.
    return text.includes('\uFFFD') && !isUtf8(bytes) ? this.#reject(name) : text;
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

/** Attributes of a binary-mode or plain record. */
export const headerAttributes = (headers: HeaderBytes): EventAttributes => {
  const read = new TextReader();
  return {
    specversion: read.bytes('specversion', headers.specversion),
    id: read.bytes('id', headers.id),
    source: read.bytes('source', headers.source),
    type: read.bytes('type', headers.type),
    time: read.bytes('time', headers.time),
    expirytime: read.bytes('expirytime', headers.expirytime),
    audience: read.bytes('audience', headers.audience),
    subject: read.bytes('subject', headers.subject),
    title: read.bytes('title', headers.title),
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
  headers: HeaderBytes,
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
