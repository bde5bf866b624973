/** LZ4 frame decompression (lz4_Frame_format.md 1.6), without its optional checksums: TCP and Kafka's CRC have their own. */

const magic = 0x184d2204;
const minMatch = 4;

/** Output that grows up to a bound; matches may reach back into earlier blocks. */
class Output {
  readonly #maxBytes: number;
  #bytes: Buffer;
  #at = 0;

  constructor(maxBytes: number, expected: number) {
    this.#maxBytes = maxBytes;
    this.#bytes = Buffer.allocUnsafe(Math.min(maxBytes, expected));
  }

  get result(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  literal(source: Buffer): void {
    this.#grow(source.length);
    this.#at += source.copy(this.#bytes, this.#at);
  }

  /** A match may overlap what it writes: then it repeats. */
  match(distance: number, length: number): void {
    const from = this.#at - distance;
    if (distance === 0 || from < 0) throw new RangeError('lz4: bad match');
    this.#grow(length);
    const bytes = this.#bytes;
    if (distance >= length) bytes.copyWithin(this.#at, from, from + length);
    else for (let index = 0; index < length; index++) bytes[this.#at + index] = bytes[from + index] as number;
    this.#at += length;
  }

  #grow(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    if (needed > this.#maxBytes) throw new RangeError(`lz4: more than ${this.#maxBytes} bytes`);
    const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(needed, this.#bytes.length * 2)));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** A length that begins in a token's four bits and goes on in bytes while they are 255. */
const readLength = (block: Buffer, at: number, nibble: number): { length: number; at: number } => {
  let length = nibble;
  let next = at;
  if (nibble === 15) {
    for (let byte = 255; byte === 255; next++) {
      byte = block.readUInt8(next);
      length += byte;
    }
  }
  return { length, at: next };
};

const decompressBlock = (block: Buffer, output: Output): void => {
  for (let at = 0; at < block.length; ) {
    const token = block.readUInt8(at);
    const literal = readLength(block, at + 1, token >> 4);
    const end = literal.at + literal.length;
    if (end > block.length) throw new RangeError('lz4: cut off');
    output.literal(block.subarray(literal.at, end));
    // The last sequence of a block is literals only.
    if (end === block.length) return;
    const match = readLength(block, end + 2, token & 15);
    output.match(block.readUInt16LE(end), match.length + minMatch);
    at = match.at;
  }
};

type Header = { readonly hasBlockChecksum: boolean; readonly at: number };

const readHeader = (data: Buffer): Header => {
  if (data.length < 7 || data.readUInt32LE(0) !== magic) throw new RangeError('lz4: no frame');
  const flags = data.readUInt8(4);
  const contentSizeBytes = (flags & 0x08) === 0 ? 0 : 8;
  const dictionaryBytes = (flags & 0x01) === 0 ? 0 : 4;
  return { hasBlockChecksum: (flags & 0x10) !== 0, at: 7 + contentSizeBytes + dictionaryBytes };
};

/** Decompresses one frame. Throws on damaged data and where the result would exceed `maxBytes`. */
export const decompressLz4 = (data: Buffer, maxBytes: number): Buffer => {
  const header = readHeader(data);
  const output = new Output(maxBytes, data.length * 4);
  for (let at = header.at; at + 4 <= data.length; ) {
    const word = data.readUInt32LE(at);
    const length = word & 0x7fffffff;
    if (length === 0) break;
    const block = data.subarray(at + 4, at + 4 + length);
    if (block.length < length) throw new RangeError('lz4: cut off');
    if (word >>> 31 === 1) output.literal(block);
    else decompressBlock(block, output);
    at += 4 + length + (header.hasBlockChecksum ? 4 : 0);
  }
  return output.result;
};
