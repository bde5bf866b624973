import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddresseeKeys, AudienceFilter, audienceKeyOf } from '../../src/actors/audience-filter.ts';
import type { Audience, TopicName } from '../../src/event.ts';
import { userId } from './node.ts';

const user = (name: string): Audience => ({ kind: 'user', userId: userId(name) });
const nobody = { userId: null, topics: [], takesEveryone: false };

const audience: fc.Arbitrary<Audience> = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40 }).map(user),
  fc.string({ minLength: 1 }).map((topic): Audience => ({ kind: 'topic', topic: topic as TopicName })),
  fc.constant<Audience>({ kind: 'everyone' }),
);

describe('a filter over audiences', () => {
  it('never says of something in it that it is not', () => {
    fc.assert(
      fc.property(fc.array(audience, { minLength: 1, maxLength: 200 }), (audiences) => {
        const filter = AudienceFilter.of(new Set(audiences.map(audienceKeyOf)));
        const again = new AudienceFilter(Uint8Array.from(filter.bits));
        for (const each of audiences) expect(again.mayHold([audienceKeyOf(each)])).toBe(true);
      }),
    );
  });

  it('asks in vain for fewer than one in three hundred, at 14 bits each', () => {
    const inside = Array.from({ length: 1_024 }, (_, n) => audienceKeyOf(user(`inside-${n}`)));
    const filter = AudienceFilter.of(new Set(inside));
    const wrong = Array.from({ length: 100_000 }, (_, n) => filter.mayHold([audienceKeyOf(user(`user-${n}`))]));
    expect(filter.bits.length).toBe(1 + (1_024 * 14) / 8);
    expect(wrong.filter(Boolean).length).toBeLessThan(333);
  });

  it('never asks in vain for everyone, whom every subscriber asks for', () => {
    const everyone = audienceKeyOf({ kind: 'everyone' });
    const usersOf = (block: number) => Array.from({ length: 50 }, (_, n) => audienceKeyOf(user(`${block}-${n}`)));
    const filters = Array.from({ length: 5_000 }, (_, block) => AudienceFilter.of(usersOf(block)));
    expect(filters.filter((filter) => filter.mayHold([everyone]))).toEqual([]);
    expect(AudienceFilter.of([...usersOf(0), everyone]).mayHold([everyone])).toBe(true);
  });

  it('holds nothing when it was made of nothing, and nobody in particular when all of it is for everyone', () => {
    const everyone = audienceKeyOf({ kind: 'everyone' });
    const ada = audienceKeyOf(user('ada'));
    expect(AudienceFilter.of([]).mayHold([ada, everyone])).toBe(false);
    expect(AudienceFilter.of([everyone]).mayHold([ada])).toBe(false);
    expect(AudienceFilter.of([everyone]).mayHold([everyone])).toBe(true);
  });

  it('is asked by whatever an addressee takes: its user, its topics, everyone', () => {
    const all = { userId: userId('ada'), topics: ['news' as TopicName], takesEveryone: true };
    const keys = new Set(new AddresseeKeys(all).all);
    for (const each of [
      user('ada'),
      { kind: 'topic', topic: 'news' as TopicName } as const,
      { kind: 'everyone' } as const,
    ])
      expect(keys.has(audienceKeyOf(each))).toBe(true);
    expect(new AddresseeKeys(nobody).all).toEqual([]);
    expect(audienceKeyOf(user('news'))).not.toBe(audienceKeyOf({ kind: 'topic', topic: 'news' as TopicName }));
  });
});
