import type { Audience, Decoded, DecodeRecord, Envelope, LogRecord, Position, TopicName, UserId } from '../event.ts';

/** What one record means for subscribers: an envelope, or a place where one should be. Anything else is no entry. */
export type Entry =
  | { readonly kind: 'event'; readonly position: Position; readonly envelope: Envelope }
  | {
      readonly kind: 'unreadable';
      readonly position: Position;
      readonly audience: Audience;
      readonly createdAtMs: number;
    };

export type Judged = { readonly decoded: Decoded; readonly isDuplicate: boolean; readonly entry: Entry | null };

/** Says whether the event of `key` at `offset` was there before, and takes note of it. Asked once per record, offsets rising. */
export type NoteKey = (key: string, offset: bigint) => boolean;

/** Decodes and judges one record. Live reading and catch-up both use it, so that they agree. Never throws. */
export const judge = (record: LogRecord, decode: DecodeRecord, noteKey: NoteKey): Judged => {
  const decoded = decode(record);
  if (decoded.kind !== 'event' && decoded.kind !== 'unreadable') return { decoded, isDuplicate: false, entry: null };
  const key = decoded.kind === 'event' ? decoded.envelope.dedupeKey : decoded.dedupeKey;
  if (noteKey(key, record.offset)) return { decoded, isDuplicate: true, entry: null };
  if (decoded.kind === 'event') {
    const { envelope } = decoded;
    return { decoded, isDuplicate: false, entry: { kind: 'event', position: envelope.position, envelope } };
  }
  const { partition, offset, epoch } = record;
  const { audience, createdAtMs } = decoded;
  const position = { partition, offset, epoch };
  return { decoded, isDuplicate: false, entry: { kind: 'unreadable', position, audience, createdAtMs } };
};

/** Whether an event's time is over at `nowMs` (wall clock): it is not delivered any more, wherever it waits. */
export const isExpired = ({ expiresAtMs }: Envelope, nowMs: number): boolean =>
  expiresAtMs !== null && expiresAtMs <= nowMs;

/** Whom an entry is addressed to. */
export const audienceOf = (entry: Entry): Audience =>
  entry.kind === 'event' ? entry.envelope.audience : entry.audience;

/** Whom a subscription stands for. */
export type Addressee = {
  /** Null: it does not take what is for its user. */
  readonly userId: UserId | null;
  readonly topics: readonly TopicName[];
  readonly takesEveryone: boolean;
};
