import { createMachineRunner, ownerOf, type RunningMachine } from '../../src/actors/machine-runner.ts';
import { createTimerWheel } from '../../src/actors/timer-wheel.ts';
import { createSimulatedClock, type SimulatedClock } from '../support/simulated-clock.ts';

/** A machine that runs on a simulated clock, its effects written down by name instead of carried out. */
export type RecordedMachine<Event, Tag> = RunningMachine<Event, Tag> & {
  readonly clock: SimulatedClock;
  /** Effects since the last call. */
  takeEffects(): readonly string[];
  /** Timers that are set for it. */
  timers(): number;
  /** What the machine threw. */
  readonly failures: readonly unknown[];
};

type Providable = { provide(implementations: { actions: Record<string, (args: { self: object }) => void> }): unknown };
type Owner = { effects: string[]; fail(thrown: unknown): void };

/** Starts `machine` with every action named in `effects` recorded. */
export const recordMachine = <Event, Tag>(
  machine: unknown,
  options: { input?: unknown; effects: readonly string[] },
): RecordedMachine<Event, Tag> => {
  const clock = createSimulatedClock();
  const failures: unknown[] = [];
  const wheel = createTimerWheel({ clock, onThrow: (thrown) => failures.push(thrown) });
  const owner: Owner = { effects: [], fail: (thrown) => failures.push(thrown) };
  const record = (name: string) => (args: { self: object }) => ownerOf<Owner>(args.self).effects.push(name);
  const actions = Object.fromEntries(options.effects.map((name) => [name, record(name)]));
  const running = createMachineRunner(wheel).start<Event, Tag>(
    (machine as Providable).provide({ actions }),
    options.input,
    owner,
  );
  return {
    send: (event) => running.send(event),
    hasTag: (tag) => running.hasTag(tag),
    output: () => running.output(),
    describe: () => running.describe(),
    clock,
    failures,
    timers: () => wheel.size,
    takeEffects: () => owner.effects.splice(0),
  };
};
