import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../src/crc32c.ts';
import { type CursorCodec, createCursorCodec, type TopicPositions } from '../src/cursor.ts';
import type { NextOffset } from '../src/event.ts';

const keyA = 'a secret of thirty-two bytes or more';
const keyB = 'b secret of thirty-two bytes or more';
const plain = createCursorCodec();
const sealing = createCursorCodec({ keys: [keyA] });

const nextOffset: fc.Arbitrary<NextOffset> = fc.record({
  next: fc.bigInt({ min: 0n, max: 2n ** 63n - 2n }),
  epoch: fc.oneof(fc.constant(3), fc.integer({ min: -1, max: 2 ** 31 - 1 })),
});
const fingerprint = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const topic = fc.record({ fingerprint, partitions: fc.array(fc.option(nextOffset), { maxLength: 40 }) });
const positions: fc.Arbitrary<TopicPositions[]> = fc.uniqueArray(topic, {
  maxLength: 4,
  selector: (each) => each.fingerprint,
});

const vector = (partitions: number, limit: bigint, epochOf: (partition: number) => number): TopicPositions[] => [
  {
    fingerprint: '00112233aabbccdd',
    partitions: Array.from({ length: partitions }, (_, i) => ({ next: limit - BigInt(i) - 2n, epoch: epochOf(i) })),
  },
];

const codecs: [string, CursorCodec][] = [
  ['checksummed', plain],
  ['sealed', sealing],
];

describe.each(codecs)('a %s cursor', (_form, codec) => {
  it('reads back as the positions it was made of', () => {
    fc.assert(
      fc.property(positions, (given) => {
        expect(codec.decode(codec.encode(given))).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same for the same positions, so that clients can compare cursors', () => {
    const given = vector(12, 2n ** 30n, () => 4);
    expect(codec.encode(given)).toBe(codec.encode(structuredClone(given)));
  });

  it('is nothing when any of its bits is flipped', () => {
    const bytes = Buffer.from(codec.encode(vector(12, 2n ** 33n, (i) => i)), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(codec.decode(flipped.toString('base64url'))).toBeNull();
    }
  });

  it('is nothing when cut anywhere, or with anything added', () => {
    const cursor = codec.encode(vector(12, 2n ** 33n, (i) => i));
    for (let length = 0; length < cursor.length; length++) expect(codec.decode(cursor.slice(0, length))).toBeNull();
    for (const extra of ['A', 'AAAA', '=', ' ', '\n', '\0']) expect(codec.decode(cursor + extra)).toBeNull();
    expect(codec.decode(` ${cursor}`)).toBeNull();
  });

  it('is nothing when a character is another one', () => {
    const cursor = codec.encode(vector(3, 2n ** 33n, () => 1));
    for (let i = 0; i < cursor.length; i++) {
      for (const other of ['A', '_', '+', '/', 'é']) {
        if (cursor[i] !== other) expect(codec.decode(cursor.slice(0, i) + other + cursor.slice(i + 1))).toBeNull();
      }
    }
  });

  it('has at most 640 characters at 64 partitions and offsets below 2^35, and about 100 at 12', () => {
    expect(codec.encode(vector(64, 2n ** 35n, () => 9)).length).toBeLessThanOrEqual(640);
    expect(codec.encode(vector(64, 2n ** 35n, (i) => 300 + i)).length).toBeLessThanOrEqual(640);
    expect(codec.encode(vector(12, 2n ** 33n, () => 9)).length).toBeLessThanOrEqual(140);
  });
});

describe('decode', () => {
  it('gives null or positions for any text, and never throws', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.base64String({ maxLength: 400 }),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(
      fc.property(text, (cursor) => {
        expect(sealing.decode(cursor)).toBeNull();
      }),
      { numRuns: 5000 },
    );
  });

  it('gives null or positions for any body under a right checksum', () => {
    const bodies = fc.uint8Array({ maxLength: 120 }).map((bytes) => {
      const head = Buffer.from([1, ...bytes]);
      const checksum = Buffer.alloc(4);
      checksum.writeUInt32LE(crc32c(head));
      return Buffer.concat([head, checksum]).toString('base64url');
    });
    fc.assert(
      fc.property(bodies, (cursor) => {
        const decoded = plain.decode(cursor);
        if (decoded !== null) expect(plain.decode(plain.encode(decoded))).toEqual(decoded);
      }),
      { numRuns: 5000 },
    );
  });

  const checked = (...body: number[]): string => {
    const head = Buffer.from([1, ...body]);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(crc32c(head));
    return Buffer.concat([head, checksum]).toString('base64url');
  };
  const topicBytes = [1, 2, 3, 4, 5, 6, 7, 8, 0];

  it('gives null for a body that says more than it should: bytes left over, a topic twice, an offset beyond 63 bits', () => {
    expect(plain.decode(checked(1, ...topicBytes))).toEqual([{ fingerprint: '0102030405060708', partitions: [] }]);
    expect(plain.decode(checked(1, ...topicBytes, 0))).toBeNull();
    expect(plain.decode(checked(2, ...topicBytes, ...topicBytes))).toBeNull();
    const onePartition = [1, ...topicBytes.slice(0, 8), 1, 1, 1];
    expect(plain.decode(checked(...onePartition, ...Array(8).fill(0xff), 0x7f))).not.toBeNull();
    expect(plain.decode(checked(...onePartition, ...Array(9).fill(0xff), 1))).toBeNull();
    expect(plain.decode(checked(...onePartition, ...Array(10).fill(0xff), 1))).toBeNull();
  });

  it('does not look at input that is too long to be a cursor', () => {
    expect(plain.decode('A'.repeat(10_000_000))).toBeNull();
  });

  it('takes 2,000 partitions', () => {
    const given = vector(2000, 2n ** 35n, () => 1);
    expect(plain.decode(plain.encode(given))).toEqual(given);
  });
});

describe('keys', () => {
  const given = vector(4, 1000n, () => 0);

  it('hide the offsets: what a cursor says cannot be read without them', () => {
    expect(plain.decode(sealing.encode(given))).toBeNull();
  });

  it('open both forms, so that setting them breaks no client', () => {
    expect(sealing.decode(plain.encode(given))).toEqual(given);
  });

  it('rotate: the first seals, all open', () => {
    const rotated = createCursorCodec({ keys: [keyB, keyA] });
    expect(rotated.decode(sealing.encode(given))).toEqual(given);
    expect(sealing.decode(rotated.encode(given))).toBeNull();
  });

  it('are refused when they are short', () => {
    expect(() => createCursorCodec({ keys: ['short'] })).toThrow(/fewer than 32 bytes/);
  });
});

describe('crc32c', () => {
  it('gives the check value of the standard', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });
});
