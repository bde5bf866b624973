import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/actors/entry.ts';
import { Ring } from '../../src/actors/ring.ts';
import { partitionId } from '../../src/event.ts';
import { stillHeld } from '../support/collected.ts';

const partition = partitionId('notifications', 0);

const entry = (offset: number): Entry => ({
  kind: 'unreadable',
  position: { partition, offset: BigInt(offset), epoch: 0 },
  audience: { kind: 'everyone' },
  createdAtMs: offset,
});

/** A ring for three entries of 300 bytes, read up to `end`, with an entry at each of `offsets`. */
const filled = (from: number, offsets: readonly number[], end: number): Ring => {
  const ring = new Ring(900);
  ring.reset(partition, BigInt(from));
  for (const offset of offsets) ring.push(entry(offset));
  ring.advance(partition, BigInt(end));
  return ring;
};

describe('the ring', () => {
  it('covers from its start to what was read, gaps between entries included', () => {
    const ring = filled(10, [12, 15], 20);
    expect([9, 10, 14, 20, 21].map((offset) => ring.covers(partition, BigInt(offset)))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
    expect([10, 13, 16].map((offset) => ring.first(partition, BigInt(offset))?.position.offset)).toEqual([
      12n,
      15n,
      undefined,
    ]);
  });

  it('gives up its oldest entries over its bound, and no longer covers what they stood at', () => {
    const ring = filled(0, [1, 3, 5, 7], 8);
    expect([1, 2, 3].map((offset) => ring.covers(partition, BigInt(offset)))).toEqual([false, true, true]);
    expect(ring.first(partition, 2n)?.position.offset).toBe(3n);
  });

  it('keeps nothing from before its start', () => {
    const ring = filled(10, [8, 9, 12], 20);
    expect(ring.covers(partition, 9n)).toBe(false);
    expect(ring.first(partition, 0n)?.position.offset).toBe(12n);
  });

  it('covers no partition that it does not know', () => {
    expect(new Ring(900).covers(partition, 0n)).toBe(false);
  });

  it('holds on to no entry that it gave up', async () => {
    const ring = new Ring(900);
    ring.reset(partition, 0n);
    const push = (offset: number): WeakRef<Entry> => {
      const each = entry(offset);
      ring.push(each);
      return new WeakRef(each);
    };
    const refs = Array.from({ length: 500 }, (_, offset) => push(offset));
    expect(await stillHeld(refs)).toBe(3);
    expect(ring.first(partition, 0n)?.position.offset).toBe(497n);
  });
});
