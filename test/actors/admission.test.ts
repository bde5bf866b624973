import { describe, expect, it } from 'vitest';
import { Admission } from '../../src/actors/admission.ts';
import { createSimulatedClock } from '../support/simulated-clock.ts';

const pace = (given: { perSecond?: number; burst?: number; maxWaiting?: number } = {}) => {
  const clock = createSimulatedClock();
  const granted: string[] = [];
  const refused: string[] = [];
  const admission = new Admission({
    perSecond: 10,
    burst: 2,
    maxWaiting: 5,
    ...given,
    monotonic: () => clock.monotonic(),
    after: (delayMs, task) => clock.after(delayMs, task),
  });
  const applicant = (name: string) => ({ grant: () => granted.push(name), refuse: () => refused.push(name) });
  return { clock, admission, granted, refused, applicant };
};

describe('admission', () => {
  it('grants a burst at once and the rest in order, at its pace', () => {
    const { clock, admission, granted, applicant } = pace();
    for (const name of ['a', 'b', 'c', 'd']) admission.request(applicant(name));
    expect(granted).toEqual(['a', 'b']);
    clock.advance(101);
    expect(granted).toEqual(['a', 'b', 'c']);
    clock.advance(101);
    expect(granted).toEqual(['a', 'b', 'c', 'd']);
    expect(clock.pending).toBe(0);
  });

  it('refuses at once when too many wait, and forgets who left', () => {
    const { clock, admission, granted, refused, applicant } = pace({ burst: 1, maxWaiting: 2 });
    const left = applicant('b');
    for (const each of [applicant('a'), left, applicant('c'), applicant('d')]) admission.request(each);
    expect(refused).toEqual(['d']);
    admission.leave(left);
    clock.advance(1_000);
    expect(granted).toEqual(['a', 'c']);
    expect(admission.waiting).toBe(0);
  });

  it('holds one back without holding back those who come after', () => {
    const { clock, admission, granted, applicant } = pace();
    admission.request(applicant('held'), 2_000);
    admission.request(applicant('next'));
    expect(granted).toEqual(['next']);
    clock.advance(2_001);
    expect(granted).toEqual(['next', 'held']);
  });

  it('holds one back also where no turn is left', () => {
    const { clock, admission, granted, applicant } = pace({ burst: 1 });
    admission.request(applicant('first'));
    admission.request(applicant('second'));
    admission.request(applicant('held'), 5_000);
    clock.advance(4_000);
    expect(granted).toEqual(['first', 'second']);
    clock.advance(1_100);
    expect(granted).toEqual(['first', 'second', 'held']);
  });
});
