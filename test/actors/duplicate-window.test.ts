import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DuplicateWindow, duplicateWindowOffsets } from '../../src/actors/duplicate-window.ts';

/** What the promise says, without cleverness: does the key occur in the 4,096 offsets before? */
const occurs = (log: ReadonlyMap<number, string>, key: string, offset: number): boolean => {
  for (let at = Math.max(0, offset - duplicateWindowOffsets); at < offset; at++) if (log.get(at) === key) return true;
  return false;
};

const keys = fc.constantFrom('a', 'b', 'c');
const steps = fc.array(fc.record({ key: keys, skip: fc.constantFrom(1, 1, 2, 5, 1_000, 4_095, 4_096, 4_097) }), {
  maxLength: 40,
});

describe('the duplicate window', () => {
  it('finds a key that occurs in the 4,096 offsets before, and no older one', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const window = new DuplicateWindow();
        const log = new Map<number, string>();
        let offset = 0;
        for (const { key, skip } of all) {
          offset += skip;
          const expected = occurs(log, key, offset);
          expect(window.has(key, BigInt(offset))).toBe(expected);
          expect(window.note(key, BigInt(offset))).toBe(expected);
          log.set(offset, key);
        }
      }),
    );
  });

  it('judges after a cut as if what was cut off had never been', () => {
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 30 }), fc.nat(30), keys, (all, cut, key) => {
        const window = new DuplicateWindow();
        for (const [offset, each] of all.entries()) window.note(each, BigInt(offset));
        window.truncate(BigInt(cut));
        const kept = new Map([...all.entries()].filter(([offset]) => offset < cut));
        expect(window.note(key, BigInt(cut))).toBe(occurs(kept, key, cut));
      }),
    );
  });
});
