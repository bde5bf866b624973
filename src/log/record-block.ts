import type { LogRecord, NewRecord, PartitionId, RecordHeaders } from '../event.ts';

/**
 * Records in one piece of memory, so that a batch changes threads by transfer, without a copy or an object per record.
 * Little-endian, per record: partition row u32, offset i64, timestamp f64, lengths of key and value i32 (-1 = null) and of headers u32, then
 * the bytes of the three. Headers: name length u32, name, value length u32, value, repeated.
 */

const fixedBytes = 32;
const offsetAt = 4;

/** One record of a block: views, valid as long as the block is. */
export type BlockRecord = {
  /** Where the record begins in the block. */
  readonly at: number;
  readonly row: number;
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Encoded. */
  readonly headers: Buffer;
};

/** A record on its way into a block; `headers` encoded. */
export type PackableRecord = Omit<BlockRecord, 'at' | 'key' | 'value' | 'headers'> & {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Uint8Array;
};

const noHeaders = Buffer.alloc(0);

/** Headers as they are stored. */
export const encodeHeaders = (headers: RecordHeaders): Buffer => {
  if (headers.length === 0) return noHeaders;
  let size = 0;
  for (const [name, value] of headers) size += 8 + Buffer.byteLength(name) + value.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [name, value] of headers) {
    const nameBytes = bytes.write(name, at + 4);
    at = bytes.writeUInt32LE(nameBytes, at) + nameBytes;
    at = bytes.writeUInt32LE(value.length, at);
    at += value.copy(bytes, at);
  }
  return bytes;
};

/** Headers whose values are views. */
export const decodeHeaders = (bytes: Buffer): RecordHeaders => {
  const headers: (readonly [string, Buffer])[] = [];
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 4 + bytes.readUInt32LE(at);
    const valueEnd = nameEnd + 4 + bytes.readUInt32LE(nameEnd);
    headers.push([bytes.toString('utf8', at + 4, nameEnd), bytes.subarray(nameEnd + 4, valueEnd)]);
    at = valueEnd;
  }
  return headers;
};

/** Bytes of a record in a block. */
export const packedBytes = (record: PackableRecord): number =>
  fixedBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0) + record.headers.length;

const writeBytes = (block: Buffer, at: number, bytes: Uint8Array | null): number => {
  if (bytes === null) return at;
  block.set(bytes, at);
  return at + bytes.length;
};

/** Packs records; the block has memory of its own, fit for transfer. */
export const packRecords = (records: readonly PackableRecord[]): Buffer<ArrayBuffer> => {
  let size = 0;
  for (const record of records) size += packedBytes(record);
  const block = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const { row, offset, timestampMs, key, value, headers } of records) {
    at = block.writeUInt32LE(row, at);
    at = block.writeBigInt64LE(offset, at);
    at = block.writeDoubleLE(timestampMs, at);
    at = block.writeInt32LE(key?.length ?? -1, at);
    at = block.writeInt32LE(value?.length ?? -1, at);
    at = block.writeUInt32LE(headers.length, at);
    at = writeBytes(block, at, key);
    at = writeBytes(block, at, value);
    at = writeBytes(block, at, headers);
  }
  return block;
};

/** The records of a block, in order. */
export function* unpackRecords(block: Buffer): Generator<BlockRecord> {
  let at = 0;
  while (at < block.length) {
    const keyLength = block.readInt32LE(at + 20);
    const valueLength = block.readInt32LE(at + 24);
    const keyAt = at + fixedBytes;
    const valueAt = keyAt + Math.max(keyLength, 0);
    const headersAt = valueAt + Math.max(valueLength, 0);
    const end = headersAt + block.readUInt32LE(at + 28);
    yield {
      at,
      row: block.readUInt32LE(at),
      offset: block.readBigInt64LE(at + offsetAt),
      timestampMs: block.readDoubleLE(at + 12),
      key: keyLength < 0 ? null : block.subarray(keyAt, valueAt),
      value: valueLength < 0 ? null : block.subarray(valueAt, headersAt),
      headers: block.subarray(headersAt, end),
    };
    at = end;
  }
}

/** Writes the offset of the record that begins at `at`. */
export const setOffset = (block: Buffer, at: number, offset: bigint): void => {
  block.writeBigInt64LE(offset, at + offsetAt);
};

/** The record over the block's memory, for whoever owns the block. Blocks come from the embedded log only, whose epoch is always 0. */
export const viewLogRecord = (
  { offset, timestampMs, key, value, headers }: BlockRecord,
  partition: PartitionId,
): LogRecord => ({
  partition,
  offset,
  epoch: 0,
  timestampMs,
  key,
  value,
  headers: decodeHeaders(headers),
});

const copy = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));

/** The record with buffers of its own. */
export const toLogRecord = (record: BlockRecord, partition: PartitionId): LogRecord =>
  viewLogRecord(
    { ...record, key: copy(record.key), value: copy(record.value), headers: Buffer.from(record.headers) },
    partition,
  );

/** A new record for partition row `row`, not yet with an offset. */
export const toPackable = (record: NewRecord, row: number, nowMs: number): PackableRecord => ({
  row,
  offset: -1n,
  timestampMs: record.timestampMs ?? nowMs,
  key: record.key,
  value: record.value,
  headers: encodeHeaders(record.headers),
});
