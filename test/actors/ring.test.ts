import { describe, expect, it } from 'vitest';
import type { Addressee, Entry } from '../../src/actors/entry.ts';
import { Ring } from '../../src/actors/ring.ts';
import { type Audience, partitionId, type TopicName, type UserId } from '../../src/event.ts';
import { stillHeld } from '../support/collected.ts';

const partition = partitionId('notifications', 0);

const entry = (offset: number): Entry => ({
  kind: 'unreadable',
  position: { partition, offset: BigInt(offset), epoch: 0 },
  audience: { kind: 'everyone' },
  createdAtMs: offset,
});

const anybody = { userId: null, topics: [], takesEveryone: true };

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
    expect([10, 13, 16].map((offset) => ring.first(partition, BigInt(offset), anybody)?.position.offset)).toEqual([
      12n,
      15n,
      undefined,
    ]);
  });

  it('gives up its oldest entries over its bound, and no longer covers what they stood at', () => {
    const ring = filled(0, [1, 3, 5, 7], 8);
    expect([1, 2, 3].map((offset) => ring.covers(partition, BigInt(offset)))).toEqual([false, true, true]);
    expect(ring.first(partition, 2n, anybody)?.position.offset).toBe(3n);
  });

  it('keeps nothing from before its start', () => {
    const ring = filled(10, [8, 9, 12], 20);
    expect(ring.covers(partition, 9n)).toBe(false);
    expect(ring.first(partition, 0n, anybody)?.position.offset).toBe(12n);
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
    expect(ring.first(partition, 0n, anybody)?.position.offset).toBe(497n);
  });

  it('finds what is for somebody among what is for others, in order, and forgets nobody but with what goes', () => {
    const ring = new Ring(300 * 40);
    ring.reset(partition, 0n);
    const [ada, bob] = ['ada' as UserId, 'bob' as UserId];
    const news = 'news' as TopicName;
    const others: Readonly<Record<number, Audience>> = {
      5: { kind: 'user', userId: ada },
      7: { kind: 'topic', topic: news },
      9: { kind: 'everyone' },
    };
    for (let n = 0; n < 60; n++) {
      const audience = others[n % 10] ?? { kind: 'user', userId: bob };
      ring.push({ ...entry(n), kind: 'unreadable', createdAtMs: n, audience });
    }
    ring.advance(partition, 60n);
    const all = (addressee: Addressee): number[] => {
      const found: number[] = [];
      let next = ring.first(partition, 0n, addressee);
      for (; next !== undefined; next = ring.first(partition, next.position.offset + 1n, addressee)) {
        found.push(Number(next.position.offset));
      }
      return found;
    };
    expect(all({ userId: ada, topics: [], takesEveryone: false })).toEqual([25, 35, 45, 55]);
    expect(all({ userId: ada, topics: [news], takesEveryone: true })).toEqual([
      25, 27, 29, 35, 37, 39, 45, 47, 49, 55, 57, 59,
    ]);
    expect(all({ userId: null, topics: [], takesEveryone: false })).toEqual([]);
    expect(all({ userId: bob, topics: [], takesEveryone: false })).toHaveLength(28);
  });
});
