import { describe, expect, it } from 'vitest';
import { type Done, lineOfRun, planOf } from './campaign.ts';
import { reportOf } from './report.ts';
import { serverFaults } from './server-faults.ts';

const names = Object.keys(serverFaults);
const options = { folder: '', runs: 2, mixes: 3, seed: 7, only: [], minutes: null };

describe('the plan of a campaign', () => {
  it('has every fault once before any twice, each round with a seed of its own, and mixes of two or three in the end', () => {
    const plan = planOf(options);
    expect(plan).toHaveLength(2 * names.length + 3);
    expect(plan.slice(0, names.length).map(({ faults, seed }) => [...faults, seed])).toEqual(
      names.map((name) => [name, 7]),
    );
    expect(new Set(plan.slice(names.length, 2 * names.length).map(({ seed }) => seed))).toEqual(new Set([8]));
    for (const { faults } of plan.slice(-3)) {
      expect([2, 3]).toContain(faults.length);
      expect(new Set(faults).size).toBe(faults.length);
    }
  });

  it('is the same for the same seed', () => {
    expect(planOf(options)).toEqual(planOf(options));
    expect(planOf({ ...options, seed: 1_000 })).not.toEqual(planOf(options));
  });

  it('has only what was asked for, several at once where they are joined', () => {
    const plan = planOf({ ...options, runs: 1, only: ['retention', 'broker-kill+gateway-kill'] });
    expect(plan.map(({ faults }) => faults)).toEqual([['retention'], ['broker-kill', 'gateway-kill']]);
  });
});

const verdict = {
  ...{ fault: 'retention', seed: 1, events: 10, deliveries: 20, gaps: { EXPIRED: 2 }, repeats: 3 },
  ...{ lostToKill: 0, unseen: 0, slowestCatchUpMs: 40, mostGrownMiB: 1, violations: [] },
};
const done: Done = { name: 'retention-1', faults: ['retention'], seed: 1, seconds: 30, verdict, problem: null };
const guilty: Done = {
  ...done,
  name: 'retention-2',
  verdict: { ...verdict, violations: [{ rule: 'd', actor: 'ada', record: 'm2 at 0:2', evidence: 'passed over' }] },
};
const failed: Done = { ...done, name: 'retention-3', verdict: null, problem: 'Error: no broker' };

describe('the report', () => {
  it('adds up the runs of a fault, and names every violation and every run that could not be judged', () => {
    expect(reportOf([done, guilty, failed]).split('\n').slice(2)).toEqual([
      '| retention | 3, 1 not judged | 20 | 40 | 4 EXPIRED | 6 | 0 | 1 | 0 | 40 |',
      '',
      '## Violations',
      '',
      '- retention-2, seed 1: VIOLATION d | ada | m2 at 0:2 | passed over',
      '',
      '## Not judged',
      '',
      '- retention-3, seed 1: Error: no broker',
      '',
    ]);
  });

  it('has a line per run that says how it went', () => {
    expect(lineOfRun(done)).toMatch(/^retention-1 .* caught up in 40 ms {2}ok$/);
    expect(lineOfRun(guilty)).toMatch(/1 VIOLATIONS of d, 0 of them known$/);
    expect(lineOfRun(failed)).toMatch(/NOT JUDGED: Error: no broker$/);
  });
});
