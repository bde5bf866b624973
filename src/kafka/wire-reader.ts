/**
 * Reads Kafka's primitive types. `compact` forms and `tags` belong to the flexible versions (KIP-482).
 * Every read beyond the end throws a RangeError: a truncated answer is a bug of the peer, not a shorter answer.
 */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next read begins. */
  get at(): number {
    return this.#at;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#advance(1));
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError('a varint is longer than 5 bytes');
  }

  /** Zigzag, 32 bits. */
  varint(): number {
    const value = this.uvarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** Zigzag, 64 bits, as a number: exact up to 2^53. */
  varlong(): number {
    let value = 0;
    let scale = 1;
    for (let bytes = 0; bytes < 10; bytes++) {
      const byte = this.#bytes.readUInt8(this.#advance(1));
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    throw new RangeError('a varlong is longer than 10 bytes');
  }

  string(): string {
    return this.#text(this.int16());
  }

  /** Null becomes the empty string. */
  compactString(): string {
    return this.#text(this.uvarint() - 1);
  }

  /** 16 bytes, as 32 hex digits. */
  uuid(): string {
    return this.raw(16).toString('hex');
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Buffer {
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** Over the next `length` bytes. */
  skip(length: number): void {
    this.#advance(length);
  }

  /** A view; null becomes empty. */
  compactBytes(): Buffer {
    return this.raw(Math.max(0, this.uvarint() - 1));
  }

  /** Null becomes empty. */
  array<Item>(read: () => Item): Item[] {
    return this.#items(this.int32(), read);
  }

  /** Null becomes empty. */
  compactArray<Item>(read: () => Item): Item[] {
    return this.#items(this.uvarint() - 1, read);
  }

  /** Hands over each tagged field as a reader of its own; unknown ones may be left alone. */
  tags(read?: (tag: number, field: WireReader) => void): void {
    for (let left = this.uvarint(); left > 0; left--) {
      const tag = this.uvarint();
      const field = this.raw(this.uvarint());
      read?.(tag, new WireReader(field));
    }
  }

  #items<Item>(count: number, read: () => Item): Item[] {
    const items: Item[] = [];
    for (let index = 0; index < count; index++) items.push(read());
    return items;
  }

  #text(length: number): string {
    return length <= 0 ? '' : this.raw(length).toString('utf8');
  }

  #advance(bytes: number): number {
    const from = this.#at;
    if (from + bytes > this.#bytes.length) throw new RangeError('the answer ends before its last field');
    this.#at = from + bytes;
    return from;
  }
}
