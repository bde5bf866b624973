import type { HeaderWalk, LogRecord, PartitionId, RecordHeaders } from '../event.ts';
import { decodeHeaders } from '../record-headers.ts';
import { decompress } from './compression.ts';
import { WireReader } from './wire-reader.ts';

/** The head of a record batch (format v2) in the bytes of a fetch. */
export type BatchHead = {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly epoch: number;
  readonly magic: number;
  readonly codec: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly producerId: bigint;
  readonly baseTimestampMs: number;
  /** Set where the broker stamped the whole batch. */
  readonly appendTimeMs: number | null;
  readonly count: number;
  /** The records, still compressed. */
  readonly data: Buffer;
};

const lengthEnd = 12;
const headBytes = 61;

/** The batch at `at`, and where the next begins; null where the bytes end before it does. */
export const readBatchHead = (bytes: Buffer, at: number): { head: BatchHead; end: number } | null => {
  if (at + lengthEnd > bytes.length) return null;
  const end = at + lengthEnd + bytes.readInt32BE(at + 8);
  if (end > bytes.length || at + headBytes > bytes.length) return null;
  const baseOffset = bytes.readBigInt64BE(at);
  const attributes = bytes.readInt16BE(at + 21);
  const maxTimestampMs = Number(bytes.readBigInt64BE(at + 35));
  const head: BatchHead = {
    baseOffset,
    lastOffset: baseOffset + BigInt(bytes.readInt32BE(at + 23)),
    epoch: bytes.readInt32BE(at + 12),
    magic: bytes.readInt8(at + 16),
    codec: attributes & 0x07,
    isTransactional: (attributes & 0x10) !== 0,
    isControl: (attributes & 0x20) !== 0,
    producerId: bytes.readBigInt64BE(at + 43),
    baseTimestampMs: Number(bytes.readBigInt64BE(at + 27)),
    appendTimeMs: (attributes & 0x08) === 0 ? null : maxTimestampMs,
    count: bytes.readInt32BE(at + 57),
    data: bytes.subarray(at + headBytes, end),
  };
  return { head, end };
};

const nullableBytes = (reader: WireReader): Buffer | null => {
  const length = reader.varint();
  return length < 0 ? null : reader.raw(length);
};

/** A walk through the headers that begin at `at`; a value that is null is empty. */
class WireWalk implements HeaderWalk {
  readonly bytes: Buffer;
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  readonly #reader: WireReader;
  #left: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.#reader = new WireReader(bytes, at);
    this.#left = this.#reader.varint();
  }

  next(): boolean {
    if (this.#left <= 0) return false;
    this.#left -= 1;
    const reader = this.#reader;
    const nameLength = reader.varint();
    this.nameStart = reader.at;
    reader.skip(nameLength);
    this.nameEnd = reader.at;
    const valueLength = Math.max(0, reader.varint());
    this.valueStart = reader.at;
    reader.skip(valueLength);
    this.valueEnd = reader.at;
    return true;
  }
}

const skipNullableBytes = (reader: WireReader): void => {
  const length = reader.varint();
  if (length >= 0) reader.skip(length);
};

/** Throws where a walk would, and makes nothing: each live record is read to its end here before anybody asks for its headers. */
const skipHeaders = (reader: WireReader): void => {
  for (let left = reader.varint(); left > 0; left--) {
    reader.skip(reader.varint());
    skipNullableBytes(reader);
  }
};

/** A record over its own bytes: parts of it are views, made when they are asked for; made at once they would weigh more than the bytes. */
class WireRecord implements LogRecord {
  readonly partition: PartitionId;
  readonly offset: bigint;
  readonly epoch: number;
  readonly timestampMs: number;
  readonly #bytes: Buffer;
  readonly #keyAt: number;
  readonly #valueAt: number;
  readonly #headersAt: number;

  /** Throws where the bytes make no sense. */
  constructor(bytes: Buffer, head: BatchHead, partition: PartitionId) {
    const reader = new WireReader(bytes);
    reader.int8();
    const timestampMs = head.baseTimestampMs + reader.varlong();
    this.partition = partition;
    this.offset = head.baseOffset + BigInt(reader.varint());
    this.epoch = head.epoch;
    this.timestampMs = head.appendTimeMs ?? timestampMs;
    this.#bytes = bytes;
    this.#keyAt = reader.at;
    skipNullableBytes(reader);
    this.#valueAt = reader.at;
    skipNullableBytes(reader);
    this.#headersAt = reader.at;
    skipHeaders(reader);
  }

  get key(): Buffer | null {
    return nullableBytes(new WireReader(this.#bytes, this.#keyAt));
  }

  get value(): Buffer | null {
    return nullableBytes(new WireReader(this.#bytes, this.#valueAt));
  }

  get headers(): RecordHeaders {
    return decodeHeaders(this.walkHeaders());
  }

  walkHeaders(): HeaderWalk {
    return new WireWalk(this.#bytes, this.#headersAt);
  }
}

/**
 * The records of a data batch from offset `from` on. Each is copied once, whole: a value that stayed a view of the
 * answer would keep a megabyte alive for 300 bytes. Throws where the batch cannot be decompressed or makes no sense.
 */
export const readBatchRecords = (head: BatchHead, partition: PartitionId, from: bigint): LogRecord[] => {
  if (head.magic !== 2) throw new RangeError(`record format ${head.magic} is older than kafka 0.11`);
  const reader = new WireReader(decompress(head.codec, head.data));
  const records: LogRecord[] = [];
  for (let left = head.count; left > 0; left--) {
    const record = new WireRecord(Buffer.from(reader.raw(reader.varint())), head, partition);
    if (record.offset >= from) records.push(record);
  }
  return records;
};

/** Whether a control batch takes its producer's transaction back (type 0 of the marker's key). */
export const isAbortMarker = (head: BatchHead): boolean => {
  const reader = new WireReader(decompress(head.codec, head.data));
  const record = new WireReader(reader.raw(reader.varint()));
  record.int8();
  record.varlong();
  record.varint();
  const key = nullableBytes(record);
  return key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
};
