import type { Clock } from '../clock.ts';
import type { SessionHandle, SessionLink, Sessions } from './session.ts';
import { SessionActor, type SessionDeps } from './session-actor.ts';
import type { Tail } from './tail.ts';

/** How a drain closes the sessions: spread over `spreadMs`, all done by `deadlineMs`, both from the call. */
export type DrainOptions = {
  /** @default 5_000 // 5 s */
  readonly spreadMs?: number;
  /** @default 10_000 // 10 s */
  readonly deadlineMs?: number;
};

export type SessionTableDeps = Omit<SessionDeps, 'ended' | 'currentCursor'> & {
  readonly tail: Tail;
  readonly clock: Clock;
};

/** All sessions of this node. */
export class SessionTable implements Sessions {
  readonly #deps: SessionTableDeps;
  readonly #sessionDeps: SessionDeps;
  readonly #sessions = new Set<SessionActor>();
  #isDraining = false;
  #onEmpty: (() => void) | null = null;

  constructor(deps: SessionTableDeps) {
    this.#deps = deps;
    const ended = (session: SessionActor): void => this.#ended(session);
    this.#sessionDeps = { ...deps, ended, currentCursor: () => this.currentCursor() };
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get all(): Iterable<SessionActor> {
    return this.#sessions;
  }

  /** Opens a session. While draining it is closed at once, in a later turn, so that the caller has its handle by then. */
  open(link: SessionLink, options: { kind: 'websocket' | 'sse' }): SessionHandle {
    const session = new SessionActor(link, options.kind, this.#sessionDeps);
    if (session.isEnded) return session;
    this.#sessions.add(session);
    if (this.#isDraining) this.#deps.after(0, () => this.#drainOne(session));
    return session;
  }

  currentCursor(): string {
    return this.#deps.tail.cursor();
  }

  /**
   * Takes no new sessions and closes those there are, with reason `draining`, each at a random moment of `spreadMs`. Resolves when all are closed,
   * at the latest after `deadlineMs`, when what is left was cut off with the same reason.
   */
  async drain(options: DrainOptions = {}): Promise<void> {
    const { spreadMs = 5_000, deadlineMs = 10_000 } = options;
    this.#isDraining = true;
    const timers = [...this.#sessions].map((session) =>
      this.#deps.after(this.#deps.random() * Math.min(spreadMs, deadlineMs), () => this.#drainOne(session)),
    );
    await this.#emptyOr(deadlineMs);
    for (const timer of timers) timer.cancel();
    for (const session of [...this.#sessions]) session.send({ type: 'drain.requested' });
    for (const session of [...this.#sessions]) session.send({ type: 'drain.due' });
  }

  /** Closes every session whose token was revoked; returns how many. */
  closeRevoked(): number {
    let count = 0;
    for (const session of [...this.#sessions]) {
      if (session.viewer === null || !this.#deps.isRevoked(session.viewer)) continue;
      session.revoke();
      count += 1;
    }
    return count;
  }

  /** Ends all now. */
  stop(): void {
    this.#isDraining = true;
    for (const session of [...this.#sessions]) session.send({ type: 'gateway.stopped' });
  }

  #drainOne(session: SessionActor): void {
    session.send({ type: 'drain.requested' });
    if (!session.isParking) session.send({ type: 'drain.due' });
  }

  #ended(session: SessionActor): void {
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }

  #emptyOr(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#sessions.size === 0) {
        resolve();
        return;
      }
      const timer = this.#deps.after(deadlineMs, resolve);
      this.#onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
