/** Writes Kafka's primitive types. `compact` forms and `tags` belong to the flexible versions (KIP-482). */
export class WireWriter {
  #bytes: Buffer = Buffer.allocUnsafe(256);
  #length = 0;

  /** What was written so far; a view, valid until the next write. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  int8(value: number): this {
    this.#length = this.#room(1).writeInt8(value, this.#length);
    return this;
  }

  int16(value: number): this {
    this.#length = this.#room(2).writeInt16BE(value, this.#length);
    return this;
  }

  int32(value: number): this {
    this.#length = this.#room(4).writeInt32BE(value, this.#length);
    return this;
  }

  int64(value: bigint): this {
    this.#length = this.#room(8).writeBigInt64BE(value, this.#length);
    return this;
  }

  uvarint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    return this.#byte(rest);
  }

  string(value: string): this {
    return this.int16(Buffer.byteLength(value)).raw(Buffer.from(value));
  }

  compactString(value: string): this {
    return this.uvarint(Buffer.byteLength(value) + 1).raw(Buffer.from(value));
  }

  /** 16 bytes, given as 32 hex digits. */
  uuid(hex: string): this {
    return this.raw(Buffer.from(hex, 'hex'));
  }

  array<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.int32(items.length);
    items.forEach(write);
    return this;
  }

  compactArray<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.uvarint(items.length + 1);
    items.forEach(write);
    return this;
  }

  /** No tagged fields. */
  tags(): this {
    return this.#byte(0);
  }

  raw(bytes: Buffer): this {
    this.#length += bytes.copy(this.#room(bytes.length), this.#length);
    return this;
  }

  #byte(value: number): this {
    this.#length = this.#room(1).writeUInt8(value, this.#length);
    return this;
  }

  #room(bytes: number): Buffer {
    if (this.#length + bytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}
