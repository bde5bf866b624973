import type { Clock, Timer } from '../../src/clock.ts';

/** A clock that stands still until a test moves it. Wall and monotonic time advance together. */
export type SimulatedClock = Clock & {
  /** Moves time on by `ms` and runs what falls due, in order of due time, then of creation; timers set meanwhile run too if they fall due. */
  advance(ms: number): void;
  /** Sets the wall clock forward by `ms`; timers know nothing of it, as after a machine's sleep. */
  jump(ms: number): void;
  /** How many timers are set. */
  readonly pending: number;
};

type Entry = { readonly dueMs: number; readonly sequence: number; readonly task: () => void };

/** Creates a clock that shows `startMs` (milliseconds since 1970). */
export const createSimulatedClock = (startMs: number = Date.UTC(2026, 0, 1)): SimulatedClock => {
  const timers = new Set<Entry>();
  let elapsedMs = 0;
  let jumpedMs = 0;
  let sequence = 0;

  const nextDue = (untilMs: number): Entry | null => {
    let next: Entry | null = null;
    for (const entry of timers) {
      if (entry.dueMs > untilMs) continue;
      if (next === null || entry.dueMs < next.dueMs || (entry.dueMs === next.dueMs && entry.sequence < next.sequence))
        next = entry;
    }
    return next;
  };

  return {
    now: () => startMs + elapsedMs + jumpedMs,
    monotonic: () => elapsedMs,
    after(delayMs, task): Timer {
      const entry = { dueMs: elapsedMs + Math.max(delayMs, 0), sequence: sequence++, task };
      timers.add(entry);
      return { cancel: () => timers.delete(entry) };
    },
    advance(ms) {
      const untilMs = elapsedMs + ms;
      for (let due = nextDue(untilMs); due !== null; due = nextDue(untilMs)) {
        timers.delete(due);
        elapsedMs = Math.max(elapsedMs, due.dueMs);
        due.task();
      }
      elapsedMs = untilMs;
    },
    jump(ms) {
      jumpedMs += ms;
    },
    get pending() {
      return timers.size;
    },
  };
};
