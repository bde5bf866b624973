import { describe, expect, it } from 'vitest';
import { AddresseeKeys } from '../../src/actors/audience-filter.ts';
import type { Addressee } from '../../src/actors/entry.ts';
import { EntryReader } from '../../src/actors/entry-reader.ts';
import { Ring } from '../../src/actors/ring.ts';
import { type Audience, type LogRecord, partitionId, type TopicName } from '../../src/event.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { userId } from './node.ts';
import { readAs } from './reading.ts';

const partition = partitionId('notifications', 0);
const everyone: Audience = { kind: 'everyone' };

/** Takes 1,744 bytes in a ring that is so small that it has a pack for each. */
const recordAt = (offset: number): LogRecord => ({
  ...{ partition, offset: BigInt(offset), epoch: 0, timestampMs: offset },
  ...{ key: null, value: Buffer.alloc(1_168), headers: [] },
});

const anybody = new AddresseeKeys({ userId: null, topics: [], takesEveryone: true });

const create = (maxBytes: number, from: number): Ring => {
  const ring = new Ring(maxBytes, new EntryReader({ decode: readAs(everyone), counts: silentTelemetry().counts }));
  ring.reset(partition, BigInt(from));
  return ring;
};

/** A ring for three records, read up to `end`, with one at each of `offsets`. */
const filled = (from: number, offsets: readonly number[], end: number): Ring => {
  const ring = create(3 * 1_744, from);
  for (const offset of offsets) ring.push(recordAt(offset), everyone, 0);
  ring.advance(partition, BigInt(end));
  return ring;
};

const firstAt = (ring: Ring, offset: number): bigint | undefined =>
  ring.first(partition, BigInt(offset), anybody)?.position.offset;

describe('the ring', () => {
  it('covers from its start to what was read, gaps between entries included', () => {
    const ring = filled(10, [12, 15], 20);
    const covered = [9, 10, 14, 20, 21].map((offset) => ring.covers(partition, BigInt(offset)));
    expect(covered).toEqual([false, true, true, true, false]);
    expect([10, 13, 16].map((offset) => firstAt(ring, offset))).toEqual([12n, 15n, undefined]);
  });

  it('gives up its oldest entries over its bound, and no longer covers what they stood at', () => {
    const ring = filled(0, [1, 3, 5, 7], 8);
    expect([1, 2, 3].map((offset) => ring.covers(partition, BigInt(offset)))).toEqual([false, true, true]);
    expect(firstAt(ring, 2)).toBe(3n);
  });

  it('keeps nothing from before its start', () => {
    const ring = filled(10, [8, 9, 12], 20);
    expect(ring.covers(partition, 9n)).toBe(false);
    expect(firstAt(ring, 0)).toBe(12n);
  });

  it('covers no partition that it does not know', () => {
    expect(create(900, 0).covers(partitionId('notifications', 1), 0n)).toBe(false);
  });

  it('keeps nothing that is larger than itself, and goes on behind it', () => {
    const ring = create(4_000, 0);
    ring.push({ ...recordAt(0), value: Buffer.alloc(5_000) }, everyone, 0);
    ring.push(recordAt(1), everyone, 0);
    ring.advance(partition, 2n);
    expect([0n, 1n].map((offset) => ring.covers(partition, offset))).toEqual([false, true]);
    expect(firstAt(ring, 1)).toBe(1n);
  });

  it('is filled nearly to its bound', () => {
    const ring = create(4_194_304, 0);
    const value = Buffer.alloc(600, 'x');
    for (let n = 0; n < 20_000; n++) ring.push({ ...recordAt(n), value }, everyone, 0);
    ring.advance(partition, 20_000n);
    const kept = 20_000 - Number(firstAt(ring, 0));
    expect(kept * 650).toBeGreaterThan(0.9 * 4_194_304);
    expect(kept * 650).toBeLessThan(4_194_304);
  });

  it('finds what is for somebody among what is for others, in order, and forgets nobody but with what goes', () => {
    const ring = create(40 * 1_744, 0);
    const [ada, bob] = [userId('ada'), userId('bob')];
    const news = 'news' as TopicName;
    const others: Readonly<Record<number, Audience>> = {
      5: { kind: 'user', userId: ada },
      7: { kind: 'topic', topic: news },
      9: everyone,
    };
    for (let n = 0; n < 60; n++) ring.push(recordAt(n), others[n % 10] ?? { kind: 'user', userId: bob }, 0);
    ring.advance(partition, 60n);
    const all = (addressee: Addressee): number[] => {
      const keys = new AddresseeKeys(addressee);
      const found: number[] = [];
      let next = ring.first(partition, 0n, keys);
      for (; next !== undefined; next = ring.first(partition, next.position.offset + 1n, keys)) {
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
