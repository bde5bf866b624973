import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/**
 * The file in which blocks of one partition are kept: written at its end only, block after block, and made anew when it has grown too large. What a
 * crash left half written is cut off when it is read. It holds nothing that cannot be found out again from the log.
 */

/** One block, as it is kept. */
export type KeptBlock = {
  readonly index: number;
  readonly epoch: number;
  readonly bits: Uint8Array;
  readonly duplicates: readonly number[];
};

/** CRC32 of what follows, kind, number of duplicates, index, epoch, bytes of bits. */
const headBytes = 20;
const kinds = { block: 1, cut: 2 } as const;

const encode = (kind: number, { index, epoch, bits, duplicates }: KeptBlock): Buffer => {
  const entry = Buffer.alloc(headBytes + duplicates.length * 2 + bits.length);
  entry.writeUInt8(kind, 4);
  entry.writeUInt16LE(duplicates.length, 6);
  entry.writeUInt32LE(index, 8);
  entry.writeInt32LE(epoch, 12);
  entry.writeUInt32LE(bits.length, 16);
  for (const [n, duplicate] of duplicates.entries()) entry.writeUInt16LE(duplicate, headBytes + n * 2);
  entry.set(bits, headBytes + duplicates.length * 2);
  entry.writeUInt32LE(crc32(entry.subarray(4)), 0);
  return entry;
};

type Decoded = { readonly kind: number; readonly block: KeptBlock; readonly end: number };

/** The entry at `at`; null where none stands there whole. */
const decode = (bytes: Buffer, at: number): Decoded | null => {
  if (at + headBytes > bytes.length) return null;
  const count = bytes.readUInt16LE(at + 6);
  const bitsAt = at + headBytes + count * 2;
  const end = bitsAt + bytes.readUInt32LE(at + 16);
  if (end > bytes.length || crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32LE(at)) return null;
  const duplicates = Array.from({ length: count }, (_, n) => bytes.readUInt16LE(at + headBytes + n * 2));
  const [index, epoch] = [bytes.readUInt32LE(at + 8), bytes.readInt32LE(at + 12)];
  const block = { index, epoch, bits: Uint8Array.from(bytes.subarray(bitsAt, end)), duplicates };
  return { kind: bytes.readUInt8(at + 4), block, end };
};

/** All blocks in `bytes` that are not void, by index. */
const decodeAll = (bytes: Buffer): Map<number, KeptBlock> => {
  const blocks = new Map<number, KeptBlock>();
  for (let entry = decode(bytes, 0); entry !== null; entry = decode(bytes, entry.end)) {
    if (entry.kind === kinds.block) blocks.set(entry.block.index, entry.block);
    else forgetFrom(blocks, entry.block.index);
  }
  return blocks;
};

const forgetFrom = (blocks: Map<number, KeptBlock>, first: number): void => {
  for (const index of blocks.keys()) if (index >= first) blocks.delete(index);
};

/** The newest of them that fit in `maxBytes`, oldest first. */
const newest = (blocks: Iterable<KeptBlock>, maxBytes: number): readonly KeptBlock[] => {
  let bytes = 0;
  const byAge = [...blocks].sort((a, b) => b.index - a.index);
  const kept = byAge.filter(({ bits, duplicates }) => {
    bytes += headBytes + bits.length + duplicates.length * 2;
    return bytes <= maxBytes;
  });
  return kept.reverse();
};

export class BlockFile {
  readonly #path: string;
  readonly #maxBytes: number;
  #bytes = 0;
  #waiting: Buffer[] = [];
  /** The newest access to the file: one after another. */
  #last: Promise<unknown> = Promise.resolve();

  /** It may grow to twice `maxBytes` before it is made anew with the newest. */
  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** All blocks in it; none where there is no file. Rejects where it cannot be read. */
  load(): Promise<readonly KeptBlock[]> {
    return this.#next(async () => this.#remake(await this.#read()));
  }

  /** Resolves when it is written. Rejects where that fails; the file stays readable up to there. */
  add(block: KeptBlock): Promise<void> {
    return this.#write(encode(kinds.block, block));
  }

  cut(index: number): Promise<void> {
    return this.#write(encode(kinds.cut, { index, epoch: -1, bits: new Uint8Array(), duplicates: [] }));
  }

  /** Resolves when everything asked for before is done; never rejects. */
  async settled(): Promise<void> {
    await this.#last.catch(() => {});
  }

  #next<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task, task);
    this.#last = result;
    return result;
  }

  /** What comes while the disk is busy goes in one piece. */
  #write(entry: Buffer): Promise<void> {
    this.#waiting.push(entry);
    return this.#next(async () => {
      const bytes = Buffer.concat(this.#waiting.splice(0));
      if (bytes.length === 0) return;
      await appendFile(this.#path, bytes, { mode: 0o600 });
      this.#bytes += bytes.length;
      if (this.#bytes > 2 * this.#maxBytes) await this.#remake(await this.#read());
    });
  }

  async #read(): Promise<Buffer> {
    try {
      return await readFile(this.#path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
      throw cause;
    }
  }

  /** Leaves in the file what is of use, if it holds anything else. */
  async #remake(bytes: Buffer): Promise<readonly KeptBlock[]> {
    const blocks = newest(decodeAll(bytes).values(), this.#maxBytes);
    const fresh = Buffer.concat(blocks.map((block) => encode(kinds.block, block)));
    if (!fresh.equals(bytes)) {
      await writeFile(`${this.#path}.new`, fresh, { mode: 0o600 });
      await rename(`${this.#path}.new`, this.#path);
    }
    this.#bytes = fresh.length;
    return blocks;
  }
}
