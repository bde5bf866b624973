import { hash } from 'node:crypto';

/**
 * The vocabulary of events: what a record becomes once it is decoded, who it is for, and where it stands in the log.
 * Imports nothing of ours, so that every room may use it.
 */

declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A user id as the token or the record gives it: 1 to 128 bytes of UTF-8, compared byte for byte. */
export type UserId = Branded<string, 'UserId'>;
/** A notification topic, `.`-separated segments (`orders.eu.42`). Not a Kafka topic. */
export type TopicName = Branded<string, 'TopicName'>;
/** Opaque id of a notification: hash of (`ce_source`, `ce_id`). */
export type NotificationId = Branded<string, 'NotificationId'>;
/** One partition of one log topic, `<log topic>/<partition>`. Stable over restarts and over re-creation of the topic. */
export type PartitionId = Branded<string, 'PartitionId'>;

/** The id of partition `partition` of log topic `logTopic`. */
export const partitionId = (logTopic: string, partition: number): PartitionId =>
  `${logTopic}/${partition}` as PartitionId;

const maxUserIdBytes = 128;
const maxTopicNameBytes = 256;

/** Whether `text` can be a user id: 1 to 128 bytes of well-formed UTF-8; nothing else is asked of it. */
export const isUserId = (text: string): text is UserId =>
  text.length > 0 && text.length <= maxUserIdBytes && text.isWellFormed() && Buffer.byteLength(text) <= maxUserIdBytes;

/** White space, control characters and `*`, which is the wildcard of topic claims. */
const isForbiddenInTopic = (code: number): boolean =>
  code <= 0x20 || (code >= 0x7f && code <= 0xa0) || code === 0x2a || code === 0x2028 || code === 0x2029;

/** Whether `text` can be a topic name: 1 to 256 bytes of UTF-8, segments between `.` never empty, no white space, control character or `*`. */
export const isTopicName = (text: string): text is TopicName => {
  if (text.length > maxTopicNameBytes || !text.isWellFormed() || Buffer.byteLength(text) > maxTopicNameBytes)
    return false;
  let segmentLength = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isForbiddenInTopic(code)) return false;
    if (code !== 0x2e) segmentLength++;
    else if (segmentLength === 0) return false;
    else segmentLength = 0;
  }
  return segmentLength > 0;
};

/** The opaque id of the event that (`ce_source`, `ce_id`) names: 43 characters of base64url. No two pairs share one by moving a separator. */
export const notificationId = (source: string, ceId: string): NotificationId =>
  hash('sha256', `${source.length}:${source}${ceId}`, 'base64url') as NotificationId;

/** Who an event is addressed to. */
export type Audience =
  | { readonly kind: 'user'; readonly userId: UserId }
  | { readonly kind: 'topic'; readonly topic: TopicName }
  | { readonly kind: 'everyone' };

export type AudienceKind = Audience['kind'];

/** Header names and values in record order; a name may occur more than once. */
export type RecordHeaders = readonly (readonly [name: string, value: Buffer])[];

/**
 * A walk through a record's headers where they lie, without making anything of them. It begins before the first; after each `next` the positions are
 * those of one header, in `bytes`.
 */
export type HeaderWalk = {
  readonly bytes: Buffer;
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** On to the next header; false where there is none. */
  next(): boolean;
};

/** A W3C trace context as it travelled with the record. `isSampled` is the flag byte's lowest bit. */
export type TraceContext = {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
  readonly tracestate?: string | undefined;
};

/** Where a record stands: `offset` within its partition, and the leader epoch it was written under (-1 unknown). */
export type Position = { readonly partition: PartitionId; readonly offset: bigint; readonly epoch: number };

/** Next offset to read, and the leader epoch of the record before it (-1 unknown). */
export type NextOffset = { readonly next: bigint; readonly epoch: number };

/** Per partition, where reading goes on. A missing partition has no position yet. */
export type PositionVector = ReadonlyMap<PartitionId, NextOffset>;

/** Why positions cannot be replayed; the names are the schema's `StreamGapReason`. */
export type GapReason = 'EXPIRED' | 'LIMIT' | 'TRUNCATED' | 'RECREATED' | 'UNREADABLE' | 'INVALID_CURSOR';

/** What an event shows where its type is unknown or a client is old: rendered once from the type's templates. */
export type Display = { readonly title: string; readonly body: string | null; readonly url: string | null };

/** The typed event: plain JSON data of the SDL type `__typename`, coerced (unknown fields dropped, missing ones null). */
export type EventContent = { readonly __typename: string; readonly [field: string]: unknown };

/** Bytes from the log, not looked into. Buffers are the receiver's own. They may be parts of something larger: who keeps one for long copies it. */
export type LogRecord = {
  readonly partition: PartitionId;
  readonly offset: bigint;
  /** Leader epoch of the batch; 0 on the embedded log. */
  readonly epoch: number;
  /** Milliseconds since 1970, as the producer or the log stamped it. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  /** The same headers, where they can be had for less. */
  walkHeaders?(): HeaderWalk;
};

/** A record to be appended. The partition is murmur2 of the key, as Java's producer places it, unless `partition` names one. */
export type NewRecord = {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  readonly partition?: number;
  readonly timestampMs?: number;
};

/** A decoded event, shared by all of its recipients. Immutable. */
export type Envelope = {
  readonly position: Position;
  readonly id: NotificationId;
  /** Duplicate key: (`ce_source`, `ce_id`, audience kind, subject), joined so that no two differ only by a separator. */
  readonly dedupeKey: string;
  readonly type: string;
  readonly audience: Audience;
  /** Milliseconds since 1970: `ce_time`, else the record's timestamp. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly display: Display;
  /** Null where this node's schema does not know the type. */
  readonly content: EventContent | null;
  readonly trace: TraceContext | null;
  /** When this node had the record in hand, on the gateway's clock, milliseconds since 1970. */
  readonly fetchedAtMs: number;
  /** Size of the record (key, value and headers), for flow accounting. */
  readonly bytes: number;
};

/**
 * What decoding one record can give; judged audience first, then content.
 * - `event`: deliver it.
 * - `unreadable`: known audience, content that does not fit: gap UNREADABLE to the addressed; `isDeadLetter` says if it is also a dead letter.
 * - `dead`: the audience itself cannot be read: dead letter only.
 * - `skip`: tombstone or expired: the position advances, nothing else happens.
 */
export type Decoded =
  | { readonly kind: 'event'; readonly envelope: Envelope }
  | {
      readonly kind: 'unreadable';
      readonly audience: Audience;
      readonly dedupeKey: string;
      readonly createdAtMs: number;
      readonly isDeadLetter: boolean;
      readonly reason: DeadLetterReason;
    }
  | { readonly kind: 'dead'; readonly reason: DeadLetterReason }
  | { readonly kind: 'skip'; readonly why: 'tombstone' | 'expired' };

/** Why a record could not be read, low-cardinality, for headers and metrics. `detail` may name a field, never a value. */
export type DeadLetterReason = {
  readonly code:
    | 'audience_unreadable'
    | 'key_missing'
    | 'not_json'
    | 'not_an_object'
    | 'too_deep'
    | 'too_large'
    | 'unknown_type'
    | 'invalid_content'
    | 'invalid_attribute';
  readonly detail: string;
};

/** Reads one record, fetched at `fetchedAtMs` (wall clock; now by default). Never throws; whatever is wrong with the record is in the result. */
export type DecodeRecord = (record: LogRecord, fetchedAtMs?: number) => Decoded;

/** A record that is for somebody, before its content is looked at. */
export type AddressedRecord = {
  readonly kind: 'addressed';
  readonly audience: Audience;
  readonly dedupeKey: string;
};

/** Reads of one record only whom it is for, and says of that what `DecodeRecord` says: two fifths of the work where it is for nobody here. Never throws. */
export type OpenRecord = (
  record: LogRecord,
  fetchedAtMs?: number,
) => AddressedRecord | Extract<Decoded, { readonly kind: 'dead' | 'skip' }>;

/** An event to be published, already validated: the producer side of an Envelope. */
export type NewEvent = {
  readonly source: string;
  readonly ceId: string;
  readonly type: string;
  readonly audience: Audience;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly title: string;
  /** JSON object of the event type's own fields. */
  readonly value: Readonly<Record<string, unknown>>;
  /** `traceparent` to send along, and its `tracestate`. */
  readonly traceparent: string | null;
  readonly tracestate: string | null;
};

/** Writes an event as a CloudEvents binary-mode record. */
export type EncodeEvent = (event: NewEvent) => NewRecord;
