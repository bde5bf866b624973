import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogRecord, partitionId } from '../src/event.ts';
import {
  copyRecords,
  packRecords,
  setOffset,
  toPackable,
  unpackRecords,
  viewRecords,
  viewsOf,
} from '../src/record-block.ts';
import { encodeHeaders, storedHeaders } from '../src/record-headers.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const maybeBytes = fc.option(bytes);
const name = fc.string({ unit: 'grapheme', maxLength: 40 });
const record = fc.record({
  key: maybeBytes,
  value: maybeBytes,
  headers: fc.array(fc.tuple(name, bytes), { maxLength: 5 }),
  timestampMs: fc.integer({ min: -(2 ** 53), max: 2 ** 53 }),
});
const id = partitionId('n', 0);
const plain = ({ partition, offset, epoch, timestampMs, key, value, headers }: LogRecord): LogRecord => ({
  ...{ partition, offset, epoch, timestampMs },
  ...{ key, value, headers },
});

describe('a record block', () => {
  it('gives back what was packed, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.nat(1_000), (records, row) => {
        const block = packRecords(records.map((one) => toPackable(one, row, 0)));
        const unpacked = [...unpackRecords(block)];
        expect(unpacked.every((one) => one.row === row)).toBe(true);
        const expected = records.map((one) => ({ ...one, partition: id, offset: -1n, epoch: 0 }));
        for (const asLog of [copyRecords, viewsOf]) expect(asLog(unpacked, id).map(plain)).toEqual(expected);
        expect(viewRecords(block, id).map(plain)).toEqual(expected);
        expect(viewRecords(block, id).map(storedHeaders)).toEqual(records.map(({ headers }) => encodeHeaders(headers)));
      }),
    );
  });

  it('has memory of its own, as a transfer needs', () => {
    const block = packRecords([toPackable({ key: null, value: Buffer.from('v'), headers: [] }, 0, 0)]);
    expect([block.byteOffset, block.buffer.byteLength]).toEqual([0, block.length]);
  });

  it('takes offsets of 63 bits after the fact', () => {
    const one = toPackable({ key: null, value: Buffer.from('v'), headers: [] }, 7, 1);
    const block = packRecords([one, one]);
    for (const { at } of unpackRecords(block)) setOffset(block, at, 2n ** 62n + BigInt(at));
    expect([...unpackRecords(block)].map(({ offset, at }) => offset - BigInt(at))).toEqual([2n ** 62n, 2n ** 62n]);
  });

  it('gives copies that do not look into the block', () => {
    const block = packRecords([toPackable({ key: null, value: Buffer.from('before'), headers: [] }, 0, 0)]);
    const [own] = copyRecords([...unpackRecords(block)], id);
    block.fill(0);
    expect(own?.value?.toString()).toBe('before');
  });
});
