/**
 * Where a cursor stands, read by the checker's own eyes: docs/design.md describes the unsealed form, and nothing of the program's own reader
 * is used, since what judges must not share a mistake with what is judged.
 */

/** Next offsets of one topic; index = partition, -1 = not known. `topic` is the fingerprint of its creation; empty: the cursor has no topic. */
export type Place = { readonly topic: string; readonly next: readonly number[] };

/** CRC-32C bit by bit: slow and plain. */
const checksum = (bytes: Uint8Array): number => {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0x82f63b78 : 0);
  }
  return (rest ^ 0xffffffff) >>> 0;
};

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(count: number): Buffer {
    this.#at += count;
    if (this.#at > this.#bytes.length) throw new RangeError('the cursor ends too early');
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.take(1)[0] ?? 0;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }
}

/** Leader epochs are of no interest here, but stand in the way: either every one of them, or exceptions from one. */
const skipEpochs = (reader: Reader, partitions: number): void => {
  const form = reader.number();
  reader.number();
  const numbers = form === 0 ? partitions : (form - 1) * 2;
  for (let n = 0; n < numbers; n++) reader.number();
};

const placeIn = (body: Buffer): Place => {
  const reader = new Reader(body);
  const topics = reader.number();
  // A node that does not know of the topic: a place all the same, and no gap has said so.
  if (topics === 0 && reader.isAtEnd) return { topic: '', next: [] };
  if (topics !== 1) throw new RangeError('the campaign has one topic, the cursor has others');
  const topic = reader.take(8).toString('hex');
  const count = reader.number();
  skipEpochs(reader, count);
  const next = Array.from({ length: count }, () => reader.number() - 1);
  if (!reader.isAtEnd) throw new RangeError('the cursor goes on behind its end');
  return { topic, next };
};

/** Null for what is no cursor: changed, cut off, or something else altogether. */
export const placeOf = (cursor: string): Place | null => {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.toString('base64url') !== cursor || bytes.length < 6 || bytes[0] !== 1) return null;
  const end = bytes.length - 4;
  if (checksum(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return null;
  try {
    return placeIn(bytes.subarray(1, end));
  } catch {
    return null;
  }
};

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

/** A cursor as the gateway would write it: for the checker's own tests, and for cursors of another installation. */
export const cursorAt = ({ topic, next }: Place): string => {
  const offsets = next.flatMap((each) => varint(each + 1));
  const head = [1, 1, ...Buffer.from(topic, 'hex'), ...varint(next.length), 1, 1];
  const body = Buffer.from([...head, ...offsets]);
  const end = Buffer.alloc(4);
  end.writeUInt32LE(checksum(body));
  return Buffer.concat([body, end]).toString('base64url');
};
