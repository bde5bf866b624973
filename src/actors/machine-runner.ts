import { type AnyActorRef, type AnyStateMachine, createActor, fromTransition } from 'xstate';
import type { Timer } from '../clock.ts';
import type { TimerWheel } from './timer-wheel.ts';

/**
 * Runs any number of flat machines over one timer wheel. All share one actor system with a root that does nothing: a system of its own per
 * machine costs 4 KB, children spawned by a parent are copied at each spawn, and xstate's own scheduler looks through the timers of the whole
 * system when one actor ends, so it is replaced by one that keeps timers per actor.
 */

/** One running machine. */
export type RunningMachine<Event, Tag> = {
  /** Carries out the transition and its effects before it returns; ignored once the machine has ended. */
  send(event: Event): void;
  hasTag(tag: Tag): boolean;
  /** What a machine that has ended gave. */
  output(): unknown;
  /** States as dotted paths, for a person. */
  describe(): string;
};

/** Who carries out a machine's effects; what the machine's actions find by `ownerOf`. */
export type MachineOwner = {
  /** The machine itself threw, and is deaf from here on. */
  fail(thrown: unknown): void;
};

export type MachineRunner = {
  /** Starts `machine`; its initial effects run before this returns. */
  start<Event, Tag>(machine: unknown, input: unknown, owner: MachineOwner): RunningMachine<Event, Tag>;
};

/** The owner of the machine whose action is running. */
export const ownerOf = <Owner>(self: object): Owner => running.get(self)?.owner as Owner;

const describeValue = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([name, inner]) => {
    const text = describeValue(inner);
    return text === '' || text === '{}' ? name : `${name}.${text}`;
  });
  return parts.join(' ');
};

/** A machine with its timers. */
class Running<Event, Tag> implements RunningMachine<Event, Tag> {
  readonly owner: MachineOwner;
  readonly #actor: AnyActorRef;
  /** Few: copied at each change, so that it is never larger than it must be. */
  #timers: readonly Delayed[] = [];

  constructor(actor: AnyActorRef, owner: MachineOwner) {
    this.#actor = actor;
    this.owner = owner;
    running.set(actor, this);
    actor.start();
    this.#reportFailure();
  }

  send(event: Event): void {
    // xstate would write a warning about it in development.
    if (this.#actor.getSnapshot().status !== 'active') return;
    this.#actor.send(event as { type: string });
    this.#reportFailure();
  }

  hasTag(tag: Tag): boolean {
    return this.#actor.getSnapshot().hasTag(tag as never);
  }

  output(): unknown {
    return this.#actor.getSnapshot().output;
  }

  describe(): string {
    return describeValue(this.#actor.getSnapshot().value);
  }

  schedule(wheel: TimerWheel, id: string, { event, delayMs }: { event: Event; delayMs: number }): void {
    this.unschedule(id);
    const delayed: Delayed = {
      id,
      timer: wheel.after(delayMs, () => {
        this.#drop(delayed);
        this.send(event);
      }),
    };
    this.#timers = [...this.#timers, delayed];
  }

  unschedule(id: string): void {
    for (const delayed of this.#timers) {
      if (delayed.id !== id) continue;
      delayed.timer.cancel();
      this.#drop(delayed);
      return;
    }
  }

  unscheduleAll(): void {
    for (const { timer } of this.#timers) timer.cancel();
    this.#timers = [];
  }

  #drop(delayed: Delayed): void {
    this.#timers = this.#timers.filter((each) => each !== delayed);
  }

  /** Asked after each step instead of subscribing to it: a subscription of its own per machine costs 300 bytes. */
  #reportFailure(): void {
    const snapshot = this.#actor.getSnapshot();
    if (snapshot.status === 'error') this.owner.fail(snapshot.error);
  }
}

type Delayed = { readonly id: string; readonly timer: Timer };

const running = new WeakMap<object, Running<unknown, unknown>>();

/** xstate's scheduler with timers per actor: ending one actor costs its own timers, not everybody's. A machine sends later events to itself only. */
const createScheduler = (wheel: TimerWheel) => {
  let anonymous = 0;
  return {
    schedule(...[source, , event, delayMs, id]: [AnyActorRef, AnyActorRef, { type: string }, number, string?]) {
      running.get(source)?.schedule(wheel, id ?? `anonymous ${anonymous++}`, { event, delayMs });
    },
    cancel(source: AnyActorRef, id: string) {
      running.get(source)?.unschedule(id);
    },
    cancelAll(source: AnyActorRef) {
      running.get(source)?.unscheduleAll();
    },
  };
};

/** Creates the shared system. */
export const createMachineRunner = (wheel: TimerWheel): MachineRunner => {
  // The end and the failure of a child are reported to its parent; this one listens to neither.
  const root = createActor(fromTransition((state: null) => state, null));
  Object.assign(root.system.scheduler, createScheduler(wheel));
  root.start();
  return {
    start<Event, Tag>(machine: unknown, input: unknown, owner: MachineOwner): RunningMachine<Event, Tag> {
      return new Running<Event, Tag>(createActor(machine as AnyStateMachine, { parent: root, input }), owner);
    },
  };
};
