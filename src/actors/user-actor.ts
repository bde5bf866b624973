import type { UserId } from '../event.ts';
import { type MachineRunner, ownerOf, type RunningMachine } from './machine-runner.ts';
import type { CoreOptions } from './options.ts';
import type { FlowLevel, IdentityLevel, PulseLevel } from './session.machine.ts';
import { type UserEvent, type UserMachine, type UserTag, userMachine } from './user.machine.ts';

/** One connected user: the sessions, what is worst among them, and whether they fail too often. Lives on for the away window. */

/** How a session is, in what concerns its user. */
export type SessionHealth = { readonly flow: FlowLevel; readonly pulse: PulseLevel; readonly identity: IdentityLevel };

const well: SessionHealth = { flow: 'open', pulse: 'quiet', identity: 'valid' };

const isSame = (one: SessionHealth, other: SessionHealth): boolean =>
  one.flow === other.flow && one.pulse === other.pulse && one.identity === other.identity;

/** A session as its user sees it. */
export type OwnedSession = { send(event: { readonly type: 'user.revoked' }): void };

type Held = { readonly session: OwnedSession; health: SessionHealth };

/** What all users share. */
export type UserActorDeps = {
  /** From `wireUserMachine`. */
  readonly machine: unknown;
  readonly runner: MachineRunner;
  readonly options: CoreOptions;
  monotonic(): number;
  /** Nobody is left of this user. */
  forget(userId: UserId): void;
};

/** Per region its levels, worst first, with the event that says so. */
const regions: { readonly [Region in keyof SessionHealth]: readonly (readonly [SessionHealth[Region], UserEvent])[] } =
  {
    flow: [
      ['stalled', { type: 'flow.stalled' }],
      ['lagging', { type: 'flow.lagged' }],
      ['open', { type: 'flow.opened' }],
    ],
    pulse: [
      ['silent', { type: 'pulse.silenced' }],
      ['waiting', { type: 'pulse.waited' }],
      ['quiet', { type: 'pulse.quieted' }],
    ],
    identity: [
      ['expiring', { type: 'identity.expiring' }],
      ['valid', { type: 'identity.renewed' }],
    ],
  };

/** All users begin alike, without context and without effects: where they begin is worked out once, and is one snapshot for all of them. */
const withSharedStart = (machine: UserMachine): unknown => {
  let first: ReturnType<UserMachine['getInitialSnapshot']> | null = null;
  const getInitialSnapshot: UserMachine['getInitialSnapshot'] = (scope, input) => {
    first ??= machine.getInitialSnapshot(scope, input);
    return first;
  };
  return Object.assign(Object.create(machine), { getInitialSnapshot });
};

/** The user machine with its effects and delays; made once, shared by all. */
export const wireUserMachine = (options: CoreOptions): unknown =>
  withSharedStart(
    userMachine.provide({
      actions: {
        closeSessions: ({ self }) => ownerOf<UserActor>(self).closeSessions(),
        forget: ({ self }) => ownerOf<UserActor>(self).forget(),
      },
      delays: { awayWindow: options.awayWindowMs, holdWindow: options.holdWindowMs },
    }),
  );

export class UserActor {
  readonly userId: UserId;
  readonly #deps: UserActorDeps;
  /** Few each, of very many users: a list takes half of a Map's memory. */
  #sessions: readonly Held[] = [];
  readonly #machine: RunningMachine<UserEvent, UserTag>;
  /** Null where none did. */
  #failedAtMs: readonly number[] | null = null;
  /** The worst of the sessions, as the machine knows it. */
  #worst: SessionHealth = well;

  constructor(userId: UserId, deps: UserActorDeps) {
    this.#deps = deps;
    this.userId = userId;
    this.#machine = deps.runner.start<UserEvent, UserTag>(deps.machine, undefined, this);
  }

  /** Passed the restart intensity: reconnects are paced. */
  get isHeld(): boolean {
    return this.#machine.hasTag('held');
  }

  /** Has a session. */
  get isPresent(): boolean {
    return this.#sessions.length > 0;
  }

  describe(): string {
    return this.#machine.describe();
  }

  /** Takes in a session; false when the user has as many as allowed. */
  attach(session: OwnedSession): boolean {
    if (this.#sessions.length >= this.#deps.options.maxSocketsPerUser) return false;
    this.#sessions = [...this.#sessions, { session, health: well }];
    this.#machine.send({ type: 'session.attached' });
    // The session before, where it was the only one, left how it was.
    this.#report();
    return true;
  }

  detach(session: OwnedSession): void {
    const left = this.#sessions.filter((held) => held.session !== session);
    if (left.length === this.#sessions.length) return;
    this.#sessions = left;
    this.#machine.send({ type: 'session.detached', left: left.length });
    this.#report();
  }

  /** What changed for one session. */
  note(session: OwnedSession, change: Partial<SessionHealth>): void {
    const held = this.#sessions.find((each) => each.session === session);
    if (held === undefined) return;
    const next = { ...held.health, ...change };
    if (isSame(next, held.health)) return;
    held.health = isSame(next, well) ? well : next;
    this.#report();
  }

  /** A session of this user failed by a bug: too many in a while, and reconnects are paced. */
  failed(): void {
    const { monotonic, options } = this.#deps;
    const now = monotonic();
    const failedAtMs = [...(this.#failedAtMs ?? []).filter((at) => at > now - options.holdWindowMs), now];
    this.#failedAtMs = failedAtMs;
    this.#machine.send({ type: 'session.failed', isIntense: failedAtMs.length >= options.restartIntensity });
  }

  revoke(): void {
    this.#machine.send({ type: 'user.revoked' });
  }

  stop(): void {
    this.#machine.send({ type: 'gateway.stopped' });
  }

  closeSessions(): void {
    for (const { session } of this.#sessions) session.send({ type: 'user.revoked' });
  }

  /** The user's own machine threw: a new one begins with the next session. */
  fail(): void {
    this.forget();
  }

  forget(): void {
    this.#deps.forget(this.userId);
  }

  /** Tells the machine where the worst of a region has changed. */
  #report(): void {
    const all = this.#sessions;
    for (const region of ['flow', 'pulse', 'identity'] as const) {
      const [level, event] = regions[region].find(([each]) => all.some(({ health }) => health[region] === each)) ?? [];
      if (level === undefined || event === undefined || level === this.#worst[region]) continue;
      this.#worst = { ...this.#worst, [region]: level };
      this.#machine.send(event);
    }
  }
}
