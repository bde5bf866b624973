import type { Audience, NewEvent, NewRecord } from '../event.ts';

/** Key of events for everyone: one partition, so that they keep their order. */
const everyoneKey = 'everyone';

const keyOf = (audience: Audience): string => {
  switch (audience.kind) {
    case 'user':
      return audience.userId;
    case 'topic':
      return audience.topic;
    case 'everyone':
      return everyoneKey;
  }
};

/** Bytes of texts that come one after the other and are mostly the same: the last one is kept. */
const remembering = <Value>(write: (value: Value) => string): ((value: Value) => Buffer) => {
  let known: { readonly value: Value; readonly bytes: Buffer } | null = null;
  return (value) => {
    if (known === null || known.value !== value) known = { value, bytes: Buffer.from(write(value)) };
    return known.bytes;
  };
};

const isoTime = (ms: number): string => new Date(ms).toISOString();
const asItIs = (text: string): string => text;

const contentType = Buffer.from('application/json');
const specVersion = Buffer.from('1.0');
const sourceBytes = remembering(asItIs);
const typeBytes = remembering(asItIs);
const audienceBytes = remembering(asItIs);
const timeBytes = remembering(isoTime);

type Headers = [name: string, value: Buffer][];

/** Headers that every event has, in the order in which they are written. */
const requiredHeaders = (event: NewEvent): Headers => [
  ['content-type', contentType],
  ['ce_specversion', specVersion],
  ['ce_id', Buffer.from(event.ceId)],
  ['ce_source', sourceBytes(event.source)],
  ['ce_type', typeBytes(event.type)],
  ['ce_time', timeBytes(event.createdAtMs)],
  ['ce_audience', audienceBytes(event.audience.kind)],
  ['ce_title', Buffer.from(event.title)],
];

const addOptionalHeaders = (headers: Headers, event: NewEvent, key: Buffer): void => {
  if (event.audience.kind !== 'everyone') headers.push(['ce_subject', key]);
  if (event.expiresAtMs !== null) headers.push(['ce_expirytime', Buffer.from(isoTime(event.expiresAtMs))]);
  if (event.traceparent === null) return;
  headers.push(['traceparent', Buffer.from(event.traceparent)]);
  if (event.tracestate !== null) headers.push(['tracestate', Buffer.from(event.tracestate)]);
};

/**
 * Writes a validated event as a CloudEvents binary-mode record, keyed by its user or topic. Records share the bytes of what they have in common: nobody
 * may write into them. Throws only on a value that is not JSON.
 */
export const encodeEvent = (event: NewEvent): NewRecord => {
  const key = Buffer.from(keyOf(event.audience));
  const headers = requiredHeaders(event);
  addOptionalHeaders(headers, event, key);
  return { key, value: Buffer.from(JSON.stringify(event.value)), headers, timestampMs: event.createdAtMs };
};
