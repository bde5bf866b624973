import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionId } from '../src/event.ts';
import { packRecords, setOffset, toLogRecord, toPackable, unpackRecords, viewRecords } from '../src/record-block.ts';

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

describe('a record block', () => {
  it('gives back what was packed, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), fc.nat(1_000), (records, row) => {
        const block = packRecords(records.map((one) => toPackable(one, row, 0)));
        const unpacked = [...unpackRecords(block)];
        expect(unpacked.every((one) => one.row === row)).toBe(true);
        expect(unpacked.map((one) => toLogRecord(one, id))).toEqual(
          records.map((one) => ({ ...one, partition: id, offset: -1n, epoch: 0 })),
        );
        const views = viewRecords(block, id);
        expect(views.length).toBe(unpacked.length);
        for (const [n, one] of unpacked.entries()) expect(views[n]).toMatchObject(toLogRecord(one, id));
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

  it('gives records buffers that do not look into the block', () => {
    const block = packRecords([toPackable({ key: null, value: Buffer.from('before'), headers: [] }, 0, 0)]);
    const [view] = unpackRecords(block);
    if (view === undefined) throw new Error('the block is empty');
    const own = toLogRecord(view, id);
    block.fill(0);
    expect(own.value?.toString()).toBe('before');
  });
});
