import type { HeaderWalk, LogRecord, RecordHeaders } from './event.ts';

/** Headers of records as they are stored: name length u32, name, value length u32, value, repeated; little-endian. */

const none = Buffer.alloc(0);
/** The two lengths of a header. */
const lengthBytes = 8;

/** Headers as they are stored. */
export const encodeHeaders = (headers: RecordHeaders): Buffer => {
  if (headers.length === 0) return none;
  let size = 0;
  for (const [name, value] of headers) size += lengthBytes + Buffer.byteLength(name) + value.length;
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

/** A walk through headers that are stored in `[from, to)` of `bytes`. */
export class EncodedWalk implements HeaderWalk {
  readonly bytes: Buffer;
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd: number;
  readonly #to: number;

  constructor(bytes: Buffer, from: number = 0, to: number = bytes.length) {
    this.bytes = bytes;
    this.valueEnd = from;
    this.#to = to;
  }

  next(): boolean {
    if (this.valueEnd >= this.#to) return false;
    this.nameStart = this.valueEnd + 4;
    this.nameEnd = this.nameStart + this.bytes.readUInt32LE(this.valueEnd);
    this.valueStart = this.nameEnd + 4;
    this.valueEnd = this.valueStart + this.bytes.readUInt32LE(this.nameEnd);
    return true;
  }
}

/** The headers of a walk; values are views. */
export const decodeHeaders = (walk: HeaderWalk): RecordHeaders => {
  const headers: (readonly [string, Buffer])[] = [];
  while (walk.next()) {
    const { bytes } = walk;
    headers.push([
      bytes.toString('utf8', walk.nameStart, walk.nameEnd),
      bytes.subarray(walk.valueStart, walk.valueEnd),
    ]);
  }
  return headers;
};

/** A walk through the headers of any record. */
export const walkHeaders = (record: LogRecord): HeaderWalk =>
  record.walkHeaders?.() ?? new EncodedWalk(encodeHeaders(record.headers));

/** The headers of any record as they are stored. */
export const storedHeaders = (record: LogRecord): Buffer => {
  const walk = walkHeaders(record);
  let size = 0;
  while (walk.next()) size += lengthBytes + (walk.nameEnd - walk.nameStart) + (walk.valueEnd - walk.valueStart);
  const stored = Buffer.allocUnsafe(size);
  const again = walkHeaders(record);
  let at = 0;
  while (again.next()) {
    at = stored.writeUInt32LE(again.nameEnd - again.nameStart, at);
    at += again.bytes.copy(stored, at, again.nameStart, again.nameEnd);
    at = stored.writeUInt32LE(again.valueEnd - again.valueStart, at);
    at += again.bytes.copy(stored, at, again.valueStart, again.valueEnd);
  }
  return stored;
};
