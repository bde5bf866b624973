import type { HeaderWalk, LogRecord, NewRecord, PartitionId, RecordHeaders } from './event.ts';
import { decodeHeaders, EncodedWalk, encodeHeaders } from './record-headers.ts';

/**
 * Records in one piece of memory, so that a batch changes threads by transfer, without a copy or an object per record.
 * Little-endian, per record: partition row u32, offset i64, timestamp f64, lengths of key and value i32 (-1 = null) and of headers u32, then
 * the bytes of the three, headers as in `record-headers.ts`.
 */

const fixedBytes = 32;
const offsetAt = 4;

/** One record of a block, read where it lies: valid as long as the block is. Its buffers are views, made when they are asked for. */
export class BlockRecord {
  /** Where the record begins in the block. */
  readonly at: number;
  readonly #block: Buffer;

  constructor(block: Buffer, at: number) {
    this.#block = block;
    this.at = at;
  }

  get row(): number {
    return this.#block.readUInt32LE(this.at);
  }

  get offset(): bigint {
    return this.#block.readBigInt64LE(this.at + offsetAt);
  }

  get timestampMs(): number {
    return this.#block.readDoubleLE(this.at + 12);
  }

  get key(): Buffer | null {
    return this.#keyLength < 0 ? null : this.#block.subarray(this.at + fixedBytes, this.#valueAt);
  }

  get value(): Buffer | null {
    return this.#valueLength < 0 ? null : this.#block.subarray(this.#valueAt, this.#headersAt);
  }

  get encodedHeaders(): Buffer {
    return this.#block.subarray(this.#headersAt, this.end);
  }

  walkHeaders(): HeaderWalk {
    return new EncodedWalk(this.#block, this.#headersAt, this.end);
  }

  /** Where the next one begins. */
  get end(): number {
    return this.#headersAt + this.#block.readUInt32LE(this.at + 28);
  }

  /** The same as a record of `partition`, over the block's memory. */
  viewAs(partition: PartitionId): RecordView {
    return new RecordView(this.#block, this.at, partition);
  }

  /** As it lies in the block. */
  get bytes(): Buffer {
    return this.#block.subarray(this.at, this.end);
  }

  get #keyLength(): number {
    return this.#block.readInt32LE(this.at + 20);
  }

  get #valueLength(): number {
    return this.#block.readInt32LE(this.at + 24);
  }

  get #valueAt(): number {
    return this.at + fixedBytes + Math.max(this.#keyLength, 0);
  }

  get #headersAt(): number {
    return this.#valueAt + Math.max(this.#valueLength, 0);
  }
}

/** A record on its way into a block; `headers` encoded. */
export type PackableRecord = Pick<BlockRecord, 'row' | 'offset' | 'timestampMs'> & {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Uint8Array;
};

/** Bytes of a record in a block. */
export const packedBytes = (record: PackableRecord): number =>
  fixedBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0) + record.headers.length;

const writeBytes = (block: Buffer, at: number, bytes: Uint8Array | null): number => {
  if (bytes === null) return at;
  block.set(bytes, at);
  return at + bytes.length;
};

/** Writes a record at `at`, where there is room for it; where the next one begins. */
export const writeRecord = (block: Buffer, at: number, record: PackableRecord): number => {
  const { row, offset, timestampMs, key, value, headers } = record;
  let end = block.writeUInt32LE(row, at);
  end = block.writeBigInt64LE(offset, end);
  end = block.writeDoubleLE(timestampMs, end);
  end = block.writeInt32LE(key?.length ?? -1, end);
  end = block.writeInt32LE(value?.length ?? -1, end);
  end = block.writeUInt32LE(headers.length, end);
  end = writeBytes(block, end, key);
  end = writeBytes(block, end, value);
  return writeBytes(block, end, headers);
};

/** Packs records; the block has memory of its own, fit for transfer. */
export const packRecords = (records: readonly PackableRecord[]): Buffer<ArrayBuffer> => {
  let size = 0;
  for (const record of records) size += packedBytes(record);
  const block = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const record of records) at = writeRecord(block, at, record);
  return block;
};

/** The records of a block, in order. */
export function* unpackRecords(block: Buffer): Generator<BlockRecord> {
  for (let at = 0; at < block.length; ) {
    const record = new BlockRecord(block, at);
    yield record;
    at = record.end;
  }
}

/** Writes the offset of the record that begins at `at`. */
export const setOffset = (block: Buffer, at: number, offset: bigint): void => {
  block.writeBigInt64LE(offset, at + offsetAt);
};

/** A record of a block as a log gives it: no more than a place in the block. */
export class RecordView extends BlockRecord implements LogRecord {
  readonly partition: PartitionId;

  constructor(block: Buffer, at: number, partition: PartitionId) {
    super(block, at);
    this.partition = partition;
  }

  /** Blocks come from the embedded log only. */
  get epoch(): number {
    return 0;
  }

  get headers(): RecordHeaders {
    return decodeHeaders(this.walkHeaders());
  }
}

/** The records of a block over its memory, in order. */
export const viewRecords = (block: Buffer, partition: PartitionId): LogRecord[] =>
  Array.from(unpackRecords(block), (record) => record.viewAs(partition));

/** Records of some block as those of a log, over the block's memory. */
export const viewsOf = (records: readonly BlockRecord[], partition: PartitionId): LogRecord[] =>
  records.map((record) => record.viewAs(partition));

/** Records of some block as those of a log, in memory of their own. */
export const copyRecords = (records: readonly BlockRecord[], partition: PartitionId): LogRecord[] =>
  viewRecords(Buffer.concat(records.map(({ bytes }) => bytes)), partition);

/** A new record for partition row `row`, not yet with an offset. */
export const toPackable = (record: NewRecord, row: number, nowMs: number): PackableRecord => ({
  row,
  offset: -1n,
  timestampMs: record.timestampMs ?? nowMs,
  key: record.key,
  value: record.value,
  headers: encodeHeaders(record.headers),
});
