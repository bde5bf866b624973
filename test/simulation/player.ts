import { simulate } from './simulation.ts';

/** Part of `npm run simulate`, one process per processor: plays the seeds that its parent names, and tells how each lot went. */

export type Lot = { readonly first: number; readonly count: number };

/** `broken`: seeds that broke something, and what. */
export type LotReport = {
  readonly events: number;
  readonly received: number;
  readonly broken: readonly { readonly seed: number; readonly violations: readonly string[] }[];
};

const play = async ({ first, count }: Lot): Promise<LotReport> => {
  const broken: { seed: number; violations: readonly string[] }[] = [];
  let events = 0;
  let received = 0;
  for (let seed = first; seed < first + count; seed++) {
    const outcome = await simulate(seed);
    events += outcome.events;
    received += outcome.received;
    if (outcome.violations.length > 0) broken.push({ seed, violations: outcome.violations });
  }
  return { events, received, broken };
};

// Its parent was ended.
process.on('disconnect', () => process.exit());
process.on('message', (lot: Lot) => {
  void play(lot).then((report) => process.send?.(report));
});
