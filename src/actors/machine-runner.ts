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

type Callbacks = {
  /** Who carries out the machine's effects; what the machine's actions find by `ownerOf`. */
  readonly owner: object;
  /** The machine itself threw, and is deaf from here on. */
  onFailure(thrown: unknown): void;
};

export type MachineRunner = {
  /** Starts `machine`; its initial effects run before this returns. */
  start<Event, Tag>(machine: unknown, input: unknown, callbacks: Callbacks): RunningMachine<Event, Tag>;
};

const owners = new WeakMap<object, object>();

/** The owner of the machine whose action is running. */
export const ownerOf = <Owner>(self: object): Owner => owners.get(self) as Owner;

const describeValue = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([name, inner]) => {
    const text = describeValue(inner);
    return text === '' || text === '{}' ? name : `${name}.${text}`;
  });
  return parts.join(' ');
};

type Send = (source: AnyActorRef, target: AnyActorRef, event: { type: string }) => void;

/** xstate's scheduler with timers per actor: ending one actor costs its own timers, not everybody's. */
const createScheduler = (wheel: TimerWheel, send: Send) => {
  const timers = new WeakMap<AnyActorRef, Map<string, Timer>>();
  let anonymous = 0;
  return {
    schedule(...[source, target, event, delayMs, id]: [AnyActorRef, AnyActorRef, { type: string }, number, string?]) {
      const key = id ?? `anonymous ${anonymous++}`;
      const own = timers.get(source) ?? new Map<string, Timer>();
      timers.set(source, own);
      own.get(key)?.cancel();
      const task = (): void => {
        own.delete(key);
        send(source, target, event);
      };
      own.set(key, wheel.after(delayMs, task));
    },
    cancel(source: AnyActorRef, id: string) {
      timers.get(source)?.get(id)?.cancel();
      timers.get(source)?.delete(id);
    },
    cancelAll(source: AnyActorRef) {
      for (const timer of timers.get(source)?.values() ?? []) timer.cancel();
      timers.delete(source);
    },
  };
};

/** Creates the shared system. */
export const createMachineRunner = (wheel: TimerWheel): MachineRunner => {
  // The end and the failure of a child are reported to its parent; this one listens to neither.
  const root = createActor(fromTransition((state: null) => state, null));
  const relay: Send = (_source, target, event) => target.send(event);
  Object.assign(root.system.scheduler, createScheduler(wheel, relay));
  root.start();
  return {
    start<Event, Tag>(machine: unknown, input: unknown, callbacks: Callbacks): RunningMachine<Event, Tag> {
      const actor = createActor(machine as AnyStateMachine, { parent: root, input });
      owners.set(actor, callbacks.owner);
      actor.subscribe({ error: (thrown) => callbacks.onFailure(thrown) });
      actor.start();
      return {
        send(event) {
          // xstate would write a warning about it in development.
          if (actor.getSnapshot().status === 'active') actor.send(event as { type: string });
        },
        hasTag: (tag) => actor.getSnapshot().hasTag(tag as never),
        output: () => actor.getSnapshot().output,
        describe: () => describeValue(actor.getSnapshot().value),
      };
    },
  };
};
