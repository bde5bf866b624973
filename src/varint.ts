/** Unsigned LEB128 numbers, as protobuf and Kafka write them: seven bits per byte, lowest first. */

const maxValue = 2n ** 63n - 1n;

/** Appends to a buffer that grows. */
export class VarintWriter {
  #bytes: Buffer = Buffer.allocUnsafe(128);
  #length = 0;

  /** Appends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Appends a whole number, 0 to 2^53. */
  number(value: number): void {
    this.#reserve(10);
    let rest = value;
    // Arithmetic, since the bit operators cut numbers to 32 bits.
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Appends a whole number, 0 to 2^63 - 1. */
  bigint(value: bigint): void {
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.number(Number(value));
      return;
    }
    this.#reserve(10);
    let rest = value;
    while (rest >= 128n) {
      this.#bytes[this.#length++] = Number(rest % 128n) + 128;
      rest /= 128n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  /** What was appended; valid until the next append. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Reads what a VarintWriter wrote. Past the end, and for numbers out of range, `hasFailed` turns true and zeros come. */
export class VarintReader {
  hasFailed = false;
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  raw(count: number): Buffer {
    if (count > this.left) {
      this.hasFailed = true;
      return Buffer.alloc(count);
    }
    this.#offset += count;
    return this.#bytes.subarray(this.#offset - count, this.#offset);
  }

  bigint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 128) return value <= maxValue ? value : this.#fail();
    }
    return this.#fail();
  }

  /** A number of at most `max`. */
  number(max: number): number {
    const value = this.bigint();
    return value <= BigInt(max) ? Number(value) : Number(this.#fail());
  }

  #fail(): bigint {
    this.hasFailed = true;
    return 0n;
  }
}
