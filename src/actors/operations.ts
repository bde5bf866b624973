import type { Subscription } from './subscription.ts';

/** The subscriptions of one session, by operation id. Few each, but thousands of these: a Map would take three times the memory. */
export class Operations {
  #all: readonly Subscription[] = none;

  get size(): number {
    return this.#all.length;
  }

  /** Those that run now; later changes make a new list. */
  get all(): readonly Subscription[] {
    return this.#all;
  }

  find(operationId: string): Subscription | undefined {
    return this.#all.find((each) => each.operationId === operationId);
  }

  /** The id must be free. */
  add(subscription: Subscription): void {
    // Not spread: V8 would leave room for sixteen more.
    this.#all = this.#all.concat(subscription);
  }

  remove(subscription: Subscription): void {
    this.#all = this.#all.filter((each) => each !== subscription);
  }

  clear(): void {
    this.#all = none;
  }
}

const none: readonly Subscription[] = [];
