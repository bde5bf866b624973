import type { Clock } from '../clock.ts';
import {
  type Audience,
  type DeadLetterReason,
  type Decoded,
  type DecodeRecord,
  type Display,
  type EncodeEvent,
  type Envelope,
  type EventContent,
  isTopicName,
  isUserId,
  type LogRecord,
  type NotificationId,
  notificationId,
  type OpenRecord,
  type PartitionId,
  type Position,
} from '../event.ts';
import { parseRfc3339 } from '../rfc3339.ts';
import { type JsonResult, parseJsonValue } from './json-value.ts';
import {
  collectHeaders,
  contentMode,
  type EventAddress,
  type EventAttributes,
  envelopeAttributes,
  type HeaderSpans,
  headerAddress,
  headerAttributes,
} from './record-attributes.ts';
import { encodeEvent } from './record-encode.ts';

/**
 * CloudEvents 1.0 on log records: binary mode, structured JSON, and plain records without any `ce_` header. What an event's fields
 * mean is behind the ContentCodec port. Audience first, then content, so that an unfit event is still known to its addressed.
 */

/** Judges and coerces the JSON of one event type; implemented by the GraphQL schema. Integers beyond 2^53 come as bigint. Never throws. */
export type ContentCodec = {
  read(type: string, value: Readonly<Record<string, unknown>>): ContentResult;
};

export type ContentResult =
  | { readonly ok: true; readonly content: EventContent; readonly display: Display }
  | { readonly ok: false; readonly code: 'unknown_type' | 'invalid_content'; readonly detail: string };

/** Both directions of the binding. `open` and `decode` never throw; `encode` takes validated events only. */
export type RecordCodec = { readonly open: OpenRecord; readonly decode: DecodeRecord; readonly encode: EncodeEvent };

export type RecordCodecOptions = {
  readonly content: ContentCodec;
  /** Type of records that name none. */
  readonly defaultType: string;
  readonly clock: Clock;
  /** Fingerprint of a partition's topic, 16 hex digits: part of the id of events without `ce_id`. */
  fingerprintOf(partition: PartitionId): string;
  /** Larger records (key, value and headers) are unreadable. @default 262_144 // 256 KiB */
  readonly maxRecordBytes?: number;
};

const defaultMaxRecordBytes = 262_144;

/** What was found out about a record before its content is looked at. */
type Known = {
  readonly position: Position;
  readonly timestampMs: number;
  readonly attributes: EventAttributes;
  readonly audience: Audience;
  readonly id: NotificationId;
  readonly dedupeKey: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly fetchedAtMs: number;
  readonly bytes: number;
};

type Read = Extract<Decoded, { readonly kind: 'event' | 'unreadable' }>;
type Nobodys = Extract<Decoded, { readonly kind: 'dead' | 'skip' }>;

/** A record that is for somebody; what costs more than to know for whom is a function. */
type Somebodys = {
  readonly kind: 'somebodys';
  readonly audience: Audience;
  readonly dedupeKey: string;
  known(): Known;
  data(): JsonResult;
};

/** A record as it was fetched. */
type Fetched = { readonly record: LogRecord; readonly headers: HeaderSpans; readonly atMs: number };

/** Attributes as far as they say whom an event is for, and all of them. */
type Stated = { readonly address: EventAddress; all(): EventAttributes };

const dead = (code: DeadLetterReason['code'], detail: string): Nobodys => ({ kind: 'dead', reason: { code, detail } });

const unreadable = (known: Known, reason: DeadLetterReason, isDeadLetter = true): Read => ({
  kind: 'unreadable',
  audience: known.audience,
  dedupeKey: known.dedupeKey,
  createdAtMs: known.createdAtMs,
  isDeadLetter,
  reason,
});

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const sizeOf = ({ record, headers }: Fetched): number =>
  (record.key?.length ?? 0) + (record.value?.length ?? 0) + headers.total;

const unreadableAudience = (detail: string): DeadLetterReason => ({ code: 'audience_unreadable', detail });

const userOf = (attributes: EventAddress, key: Buffer | null): Audience | DeadLetterReason => {
  if (attributes.subject === null && key === null) {
    return { code: 'key_missing', detail: 'the record names no user: it has neither a key nor a subject' };
  }
  const userId = attributes.subject ?? key?.toString('utf8') ?? '';
  // Text from the key alone has not been checked for bytes that are not UTF-8.
  const isFaithful =
    attributes.subject !== null || !userId.includes('\uFFFD') || Buffer.from(userId).equals(key ?? Buffer.alloc(0));
  if (isFaithful && isUserId(userId)) return { kind: 'user', userId };
  return unreadableAudience('the user id is not 1 to 128 bytes of UTF-8');
};

const audienceOf = (attributes: EventAddress, key: Buffer | null): Audience | DeadLetterReason => {
  const { audience, subject, malformed } = attributes;
  if (malformed !== null && (malformed.has('audience') || malformed.has('subject'))) {
    return unreadableAudience('audience or subject is not text');
  }
  switch (audience) {
    case null:
    case 'user':
      return userOf(attributes, key);
    case 'topic':
      if (subject !== null && isTopicName(subject)) return { kind: 'topic', topic: subject };
      return unreadableAudience('the subject is not a topic name');
    case 'everyone':
      return { kind: 'everyone' };
    default:
      return unreadableAudience('the audience is not one of user, topic, everyone');
  }
};

const subjectOf = (audience: Audience): string => {
  switch (audience.kind) {
    case 'user':
      return audience.userId;
    case 'topic':
      return audience.topic;
    case 'everyone':
      return '';
  }
};

/** The first attribute that cannot be what it says; null where all can. */
const invalidAttribute = ({ attributes, createdAtMs, expiresAtMs }: Known): string | null => {
  const { malformed, specversion, time, expirytime } = attributes;
  if (malformed !== null) return `${[...malformed].join(', ')}: not text`;
  if (specversion !== null && specversion !== '1.0') return 'specversion is not 1.0';
  if (time !== null && Number.isNaN(createdAtMs)) return 'time is not an RFC 3339 date-time';
  if (expirytime !== null && Number.isNaN(expiresAtMs)) return 'expirytime is not an RFC 3339 date-time';
  return null;
};

const dedupeKeyOf = ({ source, id }: EventAddress, audience: Audience, place: string): string => {
  const event = place === '' ? `${source?.length ?? 0}:${source ?? ''}${id?.length ?? 0}:${id ?? ''}` : place;
  return `${event}${audience.kind}:${subjectOf(audience)}`;
};

const timeOf = (text: string): number => parseRfc3339(text) ?? Number.NaN;

const isOver = ({ expirytime }: EventAddress, nowMs: number): boolean =>
  expirytime !== null && timeOf(expirytime) <= nowMs;

/** The event's fields: the value itself, or `data` of the structured envelope. */
const dataOf = (envelope: Readonly<Record<string, unknown>>): JsonResult => {
  const base64 = envelope['data_base64'];
  if (typeof base64 === 'string') return parseJsonValue(Buffer.from(base64, 'base64'));
  return { ok: true, value: envelope['data'] };
};

/** One codec's work on records; holds no state between them. */
class Decoder {
  readonly #options: RecordCodecOptions;
  readonly #maxRecordBytes: number;

  constructor(options: RecordCodecOptions) {
    this.#options = options;
    this.#maxRecordBytes = options.maxRecordBytes ?? defaultMaxRecordBytes;
  }

  decode(record: LogRecord, fetchedAtMs: number): Decoded {
    const found = this.#find(record, fetchedAtMs);
    return found.kind === 'somebodys' ? this.#read(found.known(), found.data) : found;
  }

  open(record: LogRecord, fetchedAtMs: number): ReturnType<OpenRecord> {
    const found = this.#find(record, fetchedAtMs);
    if (found.kind !== 'somebodys') return found;
    return { kind: 'addressed', audience: found.audience, dedupeKey: found.dedupeKey };
  }

  #find(record: LogRecord, atMs: number): Somebodys | Nobodys {
    const { value } = record;
    if (value === null) return { kind: 'skip', why: 'tombstone' };
    const headers = collectHeaders(record);
    const fetched = { record, headers, atMs };
    switch (contentMode(headers)) {
      case 'binary':
        return this.#address(fetched, { address: headerAddress(headers), all: () => headerAttributes(headers) }, () =>
          parseJsonValue(value),
        );
      case 'structured':
        return this.#structured(fetched, value);
      case 'foreign':
        return dead('audience_unreadable', 'content-type names a CloudEvents format other than JSON');
    }
  }

  /** The audience is inside the envelope here, so one that does not parse is a dead letter. */
  #structured(fetched: Fetched, value: Buffer): Somebodys | Nobodys {
    const parsed = parseJsonValue(value);
    if (!parsed.ok) return { kind: 'dead', reason: parsed.reason };
    const envelope = parsed.value;
    if (!isObject(envelope)) return dead('not_an_object', 'the CloudEvents envelope is not an object');
    const attributes = envelopeAttributes(envelope, fetched.headers);
    return this.#address(fetched, { address: attributes, all: () => attributes }, () => dataOf(envelope));
  }

  #address(fetched: Fetched, { address, all }: Stated, data: () => JsonResult): Somebodys | Nobodys {
    const { record, atMs } = fetched;
    const audience = audienceOf(address, record.key);
    if ('code' in audience) return { kind: 'dead', reason: audience };
    const place = this.#placeOf(record, address);
    const dedupeKey = dedupeKeyOf(address, audience, place);
    const known = (): Known => {
      const { partition, offset, epoch, timestampMs } = record;
      const attributes = all();
      return {
        position: { partition, offset, epoch },
        timestampMs,
        attributes,
        audience,
        id: place === '' ? notificationId(attributes.source ?? '', attributes.id ?? '') : notificationId('', place),
        dedupeKey,
        createdAtMs: attributes.time === null ? timestampMs : timeOf(attributes.time),
        expiresAtMs: attributes.expirytime === null ? null : timeOf(attributes.expirytime),
        fetchedAtMs: atMs,
        bytes: sizeOf(fetched),
      };
    };
    if (isOver(address, atMs) && invalidAttribute(known()) === null) return { kind: 'skip', why: 'expired' };
    return { kind: 'somebodys', audience, dedupeKey, known, data };
  }

  /** Without an id only the place in the log tells events apart; `@` keeps such keys away from the others. Empty where there is an id. */
  #placeOf({ partition, offset }: LogRecord, { id }: EventAddress): string {
    if (id !== null && id !== '') return '';
    return `@${this.#options.fingerprintOf(partition)}/${partition}/${offset}`;
  }

  #read(known: Known, data: () => JsonResult): Read {
    const invalid = invalidAttribute(known);
    if (invalid !== null) {
      // A time that cannot be read must not reach anybody as a date.
      const dated = Number.isNaN(known.createdAtMs) ? { ...known, createdAtMs: known.timestampMs } : known;
      return unreadable(dated, { code: 'invalid_attribute', detail: invalid });
    }
    if (known.bytes > this.#maxRecordBytes) {
      const detail = `the record has ${known.bytes} bytes; ${this.#maxRecordBytes} are allowed`;
      return unreadable(known, { code: 'too_large', detail });
    }
    return this.#content(known, data());
  }

  #content(known: Known, data: JsonResult): Read {
    if (!data.ok) return unreadable(known, data.reason);
    if (!isObject(data.value)) {
      return unreadable(known, { code: 'not_an_object', detail: "the event's data is not a JSON object" });
    }
    const type = known.attributes.type ?? this.#options.defaultType;
    const result = this.#options.content.read(type, data.value);
    if (result.ok) return this.#event(known, type, result);
    const { title } = known.attributes;
    const isUnknown = result.code === 'unknown_type';
    if (isUnknown && title !== null && title !== '') {
      return this.#event(known, type, { content: null, display: { title, body: null, url: null } });
    }
    return unreadable(known, { code: result.code, detail: result.detail }, !isUnknown);
  }

  #event(known: Known, type: string, shown: { content: EventContent | null; display: Display }): Read {
    const envelope: Envelope = {
      position: known.position,
      id: known.id,
      dedupeKey: known.dedupeKey,
      type,
      audience: known.audience,
      createdAtMs: known.createdAtMs,
      expiresAtMs: known.expiresAtMs,
      display: shown.display,
      content: shown.content,
      trace: known.attributes.trace,
      fetchedAtMs: known.fetchedAtMs,
      bytes: known.bytes,
    };
    return { kind: 'event', envelope };
  }
}

/** Makes the codec of one deployment's records. */
export const createRecordCodec = (options: RecordCodecOptions): RecordCodec => {
  const decoder = new Decoder(options);
  const { clock } = options;
  return {
    open: (record, fetchedAtMs = clock.now()) => decoder.open(record, fetchedAtMs),
    decode: (record, fetchedAtMs = clock.now()) => decoder.decode(record, fetchedAtMs),
    encode: encodeEvent,
  };
};
