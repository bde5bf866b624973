import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WireReader } from '../../src/kafka/wire-reader.ts';
import { WireWriter } from '../../src/kafka/wire-writer.ts';

describe("Kafka's primitive types", () => {
  it('read back what was written', () => {
    const property = fc.property(
      fc.nat(0xffff_ffff),
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      fc.array(fc.string({ maxLength: 300 }), { maxLength: 20 }),
      (number, long, texts) => {
        const writer = new WireWriter().uvarint(number).int64(long).tags();
        writer.array(texts, (text) => writer.string(text)).compactArray(texts, (text) => writer.compactString(text));
        const reader = new WireReader(writer.bytes);
        expect([reader.uvarint(), reader.int64()]).toEqual([number, long]);
        reader.tags();
        expect(reader.array(() => reader.string())).toEqual(texts);
        expect(reader.compactArray(() => reader.compactString())).toEqual(texts);
        expect(reader.at).toBe(writer.bytes.length);
      },
    );
    fc.assert(property);
  });

  it.each([
    ['00', 0],
    ['01', -1],
    ['02', 1],
    ['feffffff0f', 2 ** 31 - 1],
    ['ffffffff0f', -(2 ** 31)],
  ])('have signed varints in zigzag: %s', (hex, value) => {
    expect(new WireReader(Buffer.from(hex, 'hex')).varint()).toBe(value);
    expect(new WireReader(Buffer.from(hex, 'hex')).varlong()).toBe(value);
  });

  it('are never read beyond the end, nor without end', () => {
    expect(() => new WireReader(Buffer.alloc(3)).int32()).toThrow(RangeError);
    expect(() => new WireReader(Buffer.alloc(20, 0xff)).uvarint()).toThrow(RangeError);
    expect(() => new WireReader(Buffer.alloc(20, 0xff)).varlong()).toThrow(RangeError);
  });
});
