import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTimerWheel, type TimerWheel } from '../../src/actors/timer-wheel.ts';
import { createSimulatedClock, type SimulatedClock } from '../support/simulated-clock.ts';

const setUp = (): { clock: SimulatedClock; wheel: TimerWheel; thrown: unknown[] } => {
  const clock = createSimulatedClock();
  const thrown: unknown[] = [];
  return { clock, wheel: createTimerWheel({ clock, onThrow: (error) => thrown.push(error) }), thrown };
};

const dayMs = 86_400_000;

describe('the timer wheel', () => {
  it('fires every timer once, never early, at most one tick late, in order of time', () => {
    const delay = fc.oneof(fc.nat(200), fc.nat(100_000), fc.nat(40 * dayMs));
    const step = fc.record({ waitMs: fc.nat(90_000), delayMs: delay, isCancelled: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { clock, wheel } = setUp();
        const fired: { dueMs: number; atMs: number }[] = [];
        let expected = 0;
        for (const { waitMs, delayMs, isCancelled } of steps) {
          clock.advance(waitMs);
          const dueMs = clock.monotonic() + delayMs;
          const timer = wheel.after(delayMs, () => fired.push({ dueMs, atMs: clock.monotonic() }));
          if (isCancelled) timer.cancel();
          else expected += 1;
        }
        clock.advance(41 * dayMs);
        expect(fired.length).toBe(expected);
        for (const { dueMs, atMs } of fired) {
          expect(atMs).toBeGreaterThanOrEqual(dueMs);
          expect(atMs).toBeLessThanOrEqual(dueMs + 20);
        }
        expect(fired.map(({ atMs }) => atMs)).toEqual(fired.map(({ atMs }) => atMs).sort((a, b) => a - b));
        expect(wheel.size).toBe(0);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('sets a timer anew: after it fired, while it is set, and from its own task', () => {
    const { clock, wheel } = setUp();
    const firedAt: number[] = [];
    const timer = wheel.after(100, () => {
      firedAt.push(clock.monotonic());
      if (firedAt.length === 2) timer.again(50);
    });
    clock.advance(50);
    timer.again(100);
    expect(wheel.size).toBe(1);
    clock.advance(100);
    timer.again(1_000);
    clock.advance(1_050);
    expect(firedAt).toEqual([150, 1_150, 1_200]);
    timer.again(10);
    timer.cancel();
    clock.advance(dayMs);
    expect([firedAt.length, wheel.size, clock.pending]).toEqual([3, 0, 0]);
    wheel.stop();
    timer.again(10);
    expect(wheel.size).toBe(0);
  });

  it('keeps a delay beyond 2^31 ms', () => {
    const { clock, wheel } = setUp();
    let count = 0;
    wheel.after(60 * dayMs, () => count++);
    clock.advance(60 * dayMs - 1);
    expect(count).toBe(0);
    clock.advance(20);
    expect(count).toBe(1);
  });

  it('goes on with the other tasks of a tick when one throws', () => {
    const { clock, wheel, thrown } = setUp();
    let count = 0;
    wheel.after(10, () => count++);
    wheel.after(10, () => {
      throw new Error('boom');
    });
    wheel.after(10, () => count++);
    wheel.after(1_000, () => count++);
    clock.advance(2_000);
    expect(count).toBe(3);
    expect(thrown).toHaveLength(1);
  });

  it('lets a task cancel another of its own tick, and set new ones', () => {
    const { clock, wheel } = setUp();
    const seen: string[] = [];
    wheel.after(10, () => {
      seen.push('first');
      second.cancel();
      wheel.after(0, () => seen.push('third'));
    });
    const second = wheel.after(10, () => seen.push('second'));
    clock.advance(100);
    expect(seen).toEqual(['first', 'third']);
  });

  it('runs nothing after stop', () => {
    const { clock, wheel } = setUp();
    let count = 0;
    wheel.after(10, () => count++);
    wheel.stop();
    wheel.after(10, () => count++);
    clock.advance(1_000);
    expect([count, wheel.size]).toEqual([0, 0]);
  });

  it('sets one timer of the clock for ten thousand of its own', () => {
    const { clock, wheel } = setUp();
    for (let i = 0; i < 10_000; i++) wheel.after(1_000 + (i % 500) * 37, () => {});
    expect(clock.pending).toBe(1);
    clock.advance(60_000);
    expect(wheel.size).toBe(0);
  });
});
