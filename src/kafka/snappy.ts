/** Snappy decompression: raw blocks, and the framing of Java's producer (xerial), which every Kafka client understands. */

/** Output that is written once, bounded, and read back from by copies. */
class Output {
  readonly bytes: Buffer;
  at = 0;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafe(length);
  }

  literal(source: Buffer): void {
    if (this.at + source.length > this.bytes.length) throw new RangeError('snappy: more data than announced');
    source.copy(this.bytes, this.at);
    this.at += source.length;
  }

  /** A copy may overlap what it writes: then it repeats. */
  copy(distance: number, length: number): void {
    const from = this.at - distance;
    if (distance === 0 || from < 0 || this.at + length > this.bytes.length) throw new RangeError('snappy: bad copy');
    if (distance >= length) this.bytes.copyWithin(this.at, from, from + length);
    else for (let index = 0; index < length; index++) this.bytes[this.at + index] = this.bytes[from + index] as number;
    this.at += length;
  }
}

const readLength = (block: Buffer): { length: number; at: number } => {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = block.readUInt8(at);
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return { length, at: at + 1 };
  }
  throw new RangeError('snappy: bad length');
};

const readLiteral = (block: Buffer, at: number, output: Output): number => {
  const short = block.readUInt8(at) >> 2;
  const extra = short < 60 ? 0 : short - 59;
  const length = extra === 0 ? short + 1 : block.readUIntLE(at + 1, extra) + 1;
  const from = at + 1 + extra;
  if (from + length > block.length) throw new RangeError('snappy: cut off');
  output.literal(block.subarray(from, from + length));
  return from + length;
};

const readCopy = (block: Buffer, at: number, output: Output): number => {
  const tag = block.readUInt8(at);
  const long = (tag >> 2) + 1;
  switch (tag & 3) {
    case 1:
      output.copy(((tag >> 5) << 8) | block.readUInt8(at + 1), ((tag >> 2) & 7) + 4);
      return at + 2;
    case 2:
      output.copy(block.readUInt16LE(at + 1), long);
      return at + 3;
    default:
      output.copy(block.readUInt32LE(at + 1), long);
      return at + 5;
  }
};

const decompressBlock = (block: Buffer, maxBytes: number): Buffer => {
  const { length, at: start } = readLength(block);
  if (length > maxBytes) throw new RangeError(`snappy: ${length} bytes are more than ${maxBytes}`);
  const output = new Output(length);
  for (let at = start; at < block.length; ) {
    at = (block.readUInt8(at) & 3) === 0 ? readLiteral(block, at, output) : readCopy(block, at, output);
  }
  if (output.at !== length) throw new RangeError('snappy: less data than announced');
  return output.bytes;
};

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const xerialHeaderBytes = 16;

/** Decompresses a raw block or xerial-framed blocks. Throws on damaged data and where the result would exceed `maxBytes`. */
export const decompressSnappy = (data: Buffer, maxBytes: number): Buffer => {
  if (!data.subarray(0, 8).equals(xerialMagic)) return decompressBlock(data, maxBytes);
  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let at = xerialHeaderBytes; at < data.length; ) {
    const length = data.readInt32BE(at);
    if (length < 0 || at + 4 + length > data.length) throw new RangeError('snappy: cut off');
    const block = decompressBlock(data.subarray(at + 4, at + 4 + length), left);
    left -= block.length;
    blocks.push(block);
    at += 4 + length;
  }
  return Buffer.concat(blocks);
};
