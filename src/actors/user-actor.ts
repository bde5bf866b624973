import type { UserId } from '../event.ts';
import { type MachineRunner, ownerOf, type RunningMachine } from './machine-runner.ts';
import type { CoreOptions } from './options.ts';
import { type UserEvent, type UserTag, userMachine } from './user.machine.ts';

/** One connected user: the sessions, what is worst among them, and whether they fail too often. Lives on for the away window. */

type Level = 'open' | 'lagging' | 'stalled';
type Pulse = 'quiet' | 'waiting';

/** A session as its user sees it. */
export type OwnedSession = { send(event: { readonly type: 'user.revoked' }): void };

export type UserActorDeps = {
  readonly userId: UserId;
  /** From `wireUserMachine`. */
  readonly machine: unknown;
  readonly runner: MachineRunner;
  readonly options: CoreOptions;
  monotonic(): number;
  /** Nobody is left of this user. */
  forget(userId: UserId): void;
};

const flowEvents: Readonly<Record<Level, UserEvent>> = {
  open: { type: 'flow.opened' },
  lagging: { type: 'flow.lagged' },
  stalled: { type: 'flow.stalled' },
};
const levels: readonly Level[] = ['stalled', 'lagging', 'open'];

/** The user machine with its effects and delays; made once, shared by all. */
export const wireUserMachine = (options: CoreOptions): unknown =>
  userMachine.provide({
    actions: {
      closeSessions: ({ self }) => ownerOf<UserActor>(self).closeSessions(),
      forget: ({ self }) => ownerOf<UserActor>(self).forget(),
    },
    delays: { awayWindow: options.awayWindowMs, holdWindow: options.holdWindowMs },
  });

export class UserActor {
  readonly userId: UserId;
  readonly #deps: UserActorDeps;
  readonly #sessions = new Map<OwnedSession, { flow: Level; pulse: Pulse }>();
  readonly #machine: RunningMachine<UserEvent, UserTag>;
  #failedAtMs: number[] = [];

  constructor(deps: UserActorDeps) {
    this.#deps = deps;
    this.userId = deps.userId;
    const callbacks = { owner: this, onFailure: () => this.forget() };
    this.#machine = deps.runner.start<UserEvent, UserTag>(deps.machine, undefined, callbacks);
  }

  /** Passed the restart intensity: reconnects are paced. */
  get isHeld(): boolean {
    return this.#machine.hasTag('held');
  }

  /** Has a session. */
  get isPresent(): boolean {
    return this.#sessions.size > 0;
  }

  describe(): string {
    return this.#machine.describe();
  }

  /** Takes in a session; false when the user has as many as allowed. */
  attach(session: OwnedSession): boolean {
    if (this.#sessions.size >= this.#deps.options.maxSocketsPerUser) return false;
    this.#sessions.set(session, { flow: 'open', pulse: 'quiet' });
    this.#machine.send({ type: 'session.attached' });
    return true;
  }

  detach(session: OwnedSession): void {
    if (!this.#sessions.delete(session)) return;
    this.#machine.send({ type: 'session.detached', left: this.#sessions.size });
    this.#reportFlow();
  }

  flow(session: OwnedSession, flow: Level): void {
    const entry = this.#sessions.get(session);
    if (entry === undefined || entry.flow === flow) return;
    entry.flow = flow;
    this.#reportFlow();
  }

  pulse(session: OwnedSession, pulse: Pulse): void {
    const entry = this.#sessions.get(session);
    if (entry === undefined || entry.pulse === pulse) return;
    entry.pulse = pulse;
    const isWaiting = [...this.#sessions.values()].some((each) => each.pulse === 'waiting');
    this.#machine.send({ type: isWaiting ? 'pulse.waited' : 'pulse.quieted' });
  }

  /** A session of this user failed by a bug: too many in a while, and reconnects are paced. */
  failed(): void {
    const { monotonic, options } = this.#deps;
    const now = monotonic();
    this.#failedAtMs = [...this.#failedAtMs.filter((at) => at > now - options.holdWindowMs), now];
    this.#machine.send({ type: 'session.failed', isIntense: this.#failedAtMs.length >= options.restartIntensity });
  }

  revoke(): void {
    this.#machine.send({ type: 'user.revoked' });
  }

  stop(): void {
    this.#machine.send({ type: 'gateway.stopped' });
  }

  closeSessions(): void {
    for (const session of [...this.#sessions.keys()]) session.send({ type: 'user.revoked' });
  }

  forget(): void {
    this.#deps.forget(this.userId);
  }

  #reportFlow(): void {
    const worst = levels.find((level) => [...this.#sessions.values()].some((entry) => entry.flow === level));
    this.#machine.send(flowEvents[worst ?? 'open']);
  }
}
