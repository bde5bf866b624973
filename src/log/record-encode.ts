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

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Headers that every event has, in the order in which they are written. */
const requiredHeaders = (event: NewEvent): [string, string][] => [
  ['content-type', 'application/json'],
  ['ce_specversion', '1.0'],
  ['ce_id', event.ceId],
  ['ce_source', event.source],
  ['ce_type', event.type],
  ['ce_time', isoTime(event.createdAtMs)],
  ['ce_audience', event.audience.kind],
  ['ce_title', event.title],
];

const optionalHeaders = (event: NewEvent): [string, string][] => {
  const headers: [string, string][] = [];
  if (event.audience.kind !== 'everyone') headers.push(['ce_subject', keyOf(event.audience)]);
  if (event.expiresAtMs !== null) headers.push(['ce_expirytime', isoTime(event.expiresAtMs)]);
  if (event.traceparent !== null) headers.push(['traceparent', event.traceparent]);
  if (event.traceparent !== null && event.tracestate !== null) headers.push(['tracestate', event.tracestate]);
  return headers;
};

/** Writes a validated event as a CloudEvents binary-mode record, keyed by its user or topic. Throws only on a value that is not JSON. */
export const encodeEvent = (event: NewEvent): NewRecord => ({
  key: Buffer.from(keyOf(event.audience)),
  value: Buffer.from(JSON.stringify(event.value)),
  headers: [...requiredHeaders(event), ...optionalHeaders(event)].map(([name, text]) => [name, Buffer.from(text)]),
  timestampMs: event.createdAtMs,
});
