import { describe, expect, it } from 'vitest';
import { simulate } from './simulation.ts';

/** `npm run simulate 100000` plays more of them; `npm run simulate 1 <seed>` tells one step by step. */

const seeds = 2_000;
const slices = 4;

describe('a deployment to which anything may happen, by seed', () => {
  it.each(Array.from({ length: slices }, (_, n) => n))(
    'keeps its promises (part %i)',
    async (slice) => {
      const broken: string[] = [];
      for (let seed = 1 + slice; seed <= seeds; seed += slices) {
        const { violations } = await simulate(seed);
        broken.push(...violations.map((each) => `seed ${seed}: ${each}`));
      }
      expect(broken).toEqual([]);
    },
    300_000,
  );

  it('is the same run for the same seed', async () => {
    expect(await simulate(77)).toEqual(await simulate(77));
  });
});
