import type {
  Audience,
  Decoded,
  DecodeRecord,
  Envelope,
  LogRecord,
  OpenRecord,
  Position,
  TopicName,
  UserId,
} from '../event.ts';

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

/** Whom a record is for, and whether it is a duplicate. */
export type Opened = { readonly audience: Audience; readonly isDuplicate: boolean };

/** Judges one record without reading its content; null: it is for nobody. Says what `judge` says. */
export const openEntry = (record: LogRecord, open: OpenRecord, noteKey: NoteKey): Opened | null => {
  const opened = open(record);
  if (opened.kind !== 'addressed') return null;
  return { audience: opened.audience, isDuplicate: noteKey(opened.dedupeKey, record.offset) };
};

/** The entry of a record that is for somebody and no duplicate. */
export const readEntry = (record: LogRecord, decode: DecodeRecord): Entry | null => {
  const decoded = decode(record);
  return decoded.kind === 'event' || decoded.kind === 'unreadable' ? entryOf(record, decoded) : null;
};

/** Decodes and judges one record. Never throws. */
export const judge = (record: LogRecord, decode: DecodeRecord, noteKey: NoteKey): Judged => {
  const decoded = decode(record);
  if (decoded.kind !== 'event' && decoded.kind !== 'unreadable') return { decoded, isDuplicate: false, entry: null };
  const key = decoded.kind === 'event' ? decoded.envelope.dedupeKey : decoded.dedupeKey;
  if (noteKey(key, record.offset)) return { decoded, isDuplicate: true, entry: null };
  return { decoded, isDuplicate: false, entry: entryOf(record, decoded) };
};

const entryOf = (
  { partition, offset, epoch }: Position,
  decoded: Extract<Decoded, { readonly kind: 'event' | 'unreadable' }>,
): Entry => {
  if (decoded.kind === 'event') {
    const { envelope } = decoded;
    return { kind: 'event', position: envelope.position, envelope };
  }
  const { audience, createdAtMs } = decoded;
  return { kind: 'unreadable', position: { partition, offset, epoch }, audience, createdAtMs };
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

/** Whether what is for `audience` is for the addressee. */
export const isAddressed = ({ userId, topics, takesEveryone }: Addressee, audience: Audience): boolean => {
  switch (audience.kind) {
    case 'user':
      return audience.userId === userId;
    case 'topic':
      return topics.includes(audience.topic);
    case 'everyone':
      return takesEveryone;
  }
};
