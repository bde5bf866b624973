import type { DeadLetterReason, LogRecord, NewRecord, Position, RecordHeaders } from '../event.ts';
import type { EventLog } from './event-log.ts';

/** What a dead letter looks like in its topic, how it is written and how it is read. */

/** Headers that a letter has behind those of the record. */
const names = {
  topic: 'carillon_dlq_topic',
  code: 'carillon_dlq_reason',
  detail: 'carillon_dlq_detail',
  schema: 'carillon_dlq_schema',
  key: 'carillon_dlq_key',
  timestamp: 'carillon_dlq_timestamp',
  /** Bytes of the value before it was cut. */
  truncated: 'carillon_dlq_truncated',
  /** Bytes of the headers that were left out. */
  headersDropped: 'carillon_dlq_headers_dropped',
  /** Why there is no value: the record was gone when the letter was written. */
  unavailable: 'carillon_dlq_unavailable',
} as const;

const ours: ReadonlySet<string> = new Set(Object.values(names));
const maxDetailLength = 500;
/** Room for our headers, and for what the log adds. */
const overheadBytes = 4_096;

/** Where the record stands that could not be read; `topic` is its log topic, `fingerprint` that topic's. */
export type LetterAddress = {
  readonly fingerprint: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
};

/** A dead letter as a reader sees it: the record as it came, and why it could not be read. */
export type DeadLetter = LetterAddress & {
  readonly id: string;
  readonly code: string;
  readonly detail: string;
  /** Digest of the schema of the node that could not read it. */
  readonly schemaDigest: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  readonly timestampMs: number;
  /** Bytes that the value had, where it was too large to be kept whole. */
  readonly truncatedFromBytes: number | null;
  /** `expired`, `truncated` or `recreated`: the record was gone before the letter could be written. */
  readonly unavailable: string | null;
};

/** The address of a position, under the topic's fingerprint at that time. */
export const letterAddress = (position: Position, fingerprint: string): LetterAddress => {
  const slash = position.partition.lastIndexOf('/');
  return {
    fingerprint,
    topic: position.partition.slice(0, slash),
    partition: Number(position.partition.slice(slash + 1)),
    offset: position.offset,
  };
};

/** A letter's key, `<topic fingerprint>/<partition>/<offset>`: the same on every node. */
export const letterId = ({ fingerprint, partition, offset }: Omit<LetterAddress, 'topic'>): string =>
  `${fingerprint}/${partition}/${offset}`;

export type LetterContent = {
  readonly address: LetterAddress;
  readonly reason: DeadLetterReason;
  readonly schemaDigest: string;
  /** The record, or why it is gone. */
  readonly record: LogRecord | 'expired' | 'truncated' | 'recreated';
};

const headerBytes = (headers: RecordHeaders): number =>
  headers.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + value.length, 0);

/** Writes a letter of at most `maxBytes`: headers are left out, and the value cut, where they do not fit; headers say so. */
export const writeLetter = (content: LetterContent, maxBytes: number): NewRecord => {
  const { address, reason, schemaDigest, record } = content;
  const added: [string, Buffer][] = [
    [names.topic, Buffer.from(address.topic)],
    [names.code, Buffer.from(reason.code)],
    [names.detail, Buffer.from(reason.detail.slice(0, maxDetailLength))],
    [names.schema, Buffer.from(schemaDigest)],
  ];
  const key = Buffer.from(letterId(address));
  if (typeof record === 'string') {
    added.push([names.unavailable, Buffer.from(record)]);
    return { key, value: Buffer.alloc(0), headers: added };
  }
  added.push([names.timestamp, Buffer.from(String(record.timestampMs))]);
  const kept = shrink(record, maxBytes - overheadBytes);
  return { key, value: kept.value, headers: [...kept.headers, ...added, ...kept.notes] };
};

type Shrunk = { value: Buffer | null; headers: RecordHeaders; notes: [string, Buffer][] };

const shrink = (record: LogRecord, maxBytes: number): Shrunk => {
  const notes: [string, Buffer][] = [];
  let room = maxBytes;
  if (record.key !== null && record.key.length <= room) {
    notes.push([names.key, record.key]);
    room -= record.key.length;
  }
  let { headers, value } = record;
  const bytes = headerBytes(headers);
  if (bytes > room) {
    notes.push([names.headersDropped, Buffer.from(String(bytes))]);
    headers = [];
  } else {
    room -= bytes;
  }
  if (value !== null && value.length > room) {
    notes.push([names.truncated, Buffer.from(String(value.length))]);
    value = value.subarray(0, room);
  }
  return { value, headers, notes };
};

/** The last header of that name: a record that was itself made of a letter has older ones before. */
const lastHeader = (headers: RecordHeaders, name: string): Buffer | null =>
  headers.findLast(([candidate]) => candidate === name)?.[1] ?? null;

/** Reads a letter; null for a record that is none. Never throws. */
export const readLetter = (record: LogRecord): DeadLetter | null => {
  const id = record.key?.toString() ?? '';
  const match = /^([0-9a-f]{16})\/(\d{1,9})\/(\d{1,18})$/.exec(id);
  if (match === null) return null;
  const [, fingerprint = '', partition = '', offset = ''] = match;
  // Taken out once: a log may decode them each time anew.
  const { headers } = record;
  const text = (name: string): string | null => lastHeader(headers, name)?.toString() ?? null;
  const truncated = text(names.truncated);
  return {
    id,
    fingerprint,
    topic: text(names.topic) ?? '',
    partition: Number(partition),
    offset: BigInt(offset),
    code: text(names.code) ?? '',
    detail: text(names.detail) ?? '',
    schemaDigest: text(names.schema) ?? '',
    key: lastHeader(headers, names.key),
    value: record.value,
    headers: headers.filter(([name]) => !ours.has(name)),
    timestampMs: Number(text(names.timestamp) ?? record.timestampMs),
    truncatedFromBytes: truncated === null ? null : Number(truncated),
    unavailable: text(names.unavailable),
  };
};

/** Folds letters by key: two nodes may have written the same one, the first counts. Records that are no letters are left out. */
export const foldDeadLetters = (records: Iterable<LogRecord>): Map<string, DeadLetter> => {
  const letters = new Map<string, DeadLetter>();
  for (const record of records) {
    const letter = readLetter(record);
    if (letter !== null && !letters.has(letter.id)) letters.set(letter.id, letter);
  }
  return letters;
};

/** Reads the open dead-letter log from its start to its present end, folded. Rejects with LOG_UNAVAILABLE when the log does not answer. */
export const readDeadLetters = async (log: EventLog, signal: AbortSignal): Promise<Map<string, DeadLetter>> => {
  const records: LogRecord[] = [];
  for (const [partition, { start, end }] of await log.offsets()) {
    for await (const chunk of log.read(partition, start, end, { signal })) {
      if (chunk.kind === 'records') records.push(...chunk.records);
    }
  }
  return foldDeadLetters(records);
};
