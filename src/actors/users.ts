import type { UserId } from '../event.ts';
import { UserActor, type UserActorDeps, wireUserMachine } from './user-actor.ts';

/** The users who are connected to this node, or were a short while ago. */
export class Users {
  readonly #actors = new Map<UserId, UserActor>();
  readonly #deps: Omit<UserActorDeps, 'userId' | 'forget' | 'machine'>;
  readonly #machine: unknown;

  constructor(deps: Omit<UserActorDeps, 'userId' | 'forget' | 'machine'>) {
    this.#deps = deps;
    this.#machine = wireUserMachine(deps.options);
  }

  get size(): number {
    return this.#actors.size;
  }

  get all(): Iterable<UserActor> {
    return this.#actors.values();
  }

  find(userId: UserId): UserActor | undefined {
    return this.#actors.get(userId);
  }

  /** The actor of a user, spawned if there is none. */
  ensure(userId: UserId): UserActor {
    const known = this.#actors.get(userId);
    if (known !== undefined) return known;
    const forget = (): void => {
      this.#actors.delete(userId);
    };
    const actor = new UserActor({ ...this.#deps, userId, machine: this.#machine, forget });
    this.#actors.set(userId, actor);
    return actor;
  }

  stop(): void {
    for (const actor of [...this.#actors.values()]) actor.stop();
  }
}
