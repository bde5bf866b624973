import type { UserId } from '../event.ts';
import { UserActor, type UserActorDeps, wireUserMachine } from './user-actor.ts';

/** The users who are connected to this node, or were a short while ago. */
export class Users {
  readonly #actors = new Map<UserId, UserActor>();
  readonly #deps: UserActorDeps;

  constructor(deps: Omit<UserActorDeps, 'machine' | 'forget'>) {
    const forget = (userId: UserId): void => void this.#actors.delete(userId);
    this.#deps = { ...deps, machine: wireUserMachine(deps.options), forget };
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
    const actor = new UserActor(userId, this.#deps);
    this.#actors.set(userId, actor);
    return actor;
  }

  stop(): void {
    for (const actor of [...this.#actors.values()]) actor.stop();
  }
}
