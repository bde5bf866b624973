import { describe, expect, it } from 'vitest';
import { StretchBuilder } from '../../src/actors/stretch.ts';
import { type Audience, type LogRecord, partitionId } from '../../src/event.ts';
import { topic } from './node.ts';

/** What was read of the log for several is kept within bounds: what it takes in memory is known. */

const everyone: Audience = { kind: 'everyone' };
const record = (offset: number, value: Buffer): LogRecord => ({
  ...{ partition: partitionId(topic, 0), offset: BigInt(offset), epoch: 0, timestampMs: 0 },
  ...{ key: null, value, headers: [] },
});

/** Bytes of a stretch of these values. */
const bytesOf = (values: readonly Buffer[]): number => {
  const builder = new StretchBuilder(() => null);
  for (const [offset, value] of values.entries()) builder.add(record(offset, value), everyone);
  return builder.finish({ next: BigInt(values.length), epoch: 0 }).bytes;
};

describe('a stretch of the log', () => {
  it('counts all that a record keeps in memory, be it that it looks only into a part of it', () => {
    const block = Buffer.alloc(65_536);
    expect(bytesOf([block.subarray(100, 110)])).toBeGreaterThan(65_536);
  });

  it('counts once what records that stand together look into', () => {
    const block = Buffer.alloc(65_536);
    const other = Buffer.alloc(10_000);
    const values = [block.subarray(0, 10), block.subarray(10, 20), other.subarray(0, 10), other];
    expect(bytesOf(values)).toBeGreaterThan(75_536);
    expect(bytesOf(values)).toBeLessThan(80_000);
  });
});
