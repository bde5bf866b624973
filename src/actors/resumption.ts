import type { Parking } from './parking.ts';
import type { Subscription } from './subscription.ts';

/**
 * Where operations begin whose clients come back by themselves, with the variables that they began with: at their parked position, or, while the
 * socket before still counts as open here, at what was acknowledged on it.
 */

/** The session that an operation is in. */
export type Holder = {
  /** Where the operation would go on. */
  positionOf(subscription: Subscription): string;
  /** Another socket of the same client has the operation from here on. */
  handOver(subscription: Subscription): void;
};

type Held = { readonly holder: Holder; readonly subscription: Subscription };

export class Resumption {
  readonly #parking: Parking;
  readonly #failed: (thrown: unknown) => void;
  readonly #held = new Map<string, Held>();

  /** `failed` hears of a bug met while a position was taken: that position is lost, and nothing else. */
  constructor(parking: Parking, failed: (thrown: unknown) => void) {
    this.#parking = parking;
    this.#failed = failed;
  }

  /** Where an operation is to begin; null: with what its client asks for. Whoever had it before has it no more. */
  begin(key: string | null, after: string | null): string | null {
    if (key === null) return null;
    const held = this.#held.get(key);
    if (held === undefined) return this.#parking.take(key, after);
    const { holder, subscription } = held;
    const position = holder.positionOf(subscription);
    this.#held.delete(key);
    holder.handOver(subscription);
    return after === null || after === subscription.after ? position : null;
  }

  /** The operation runs in this session now. */
  hold(holder: Holder, subscription: Subscription): void {
    if (subscription.resumeKey !== null) this.#held.set(subscription.resumeKey, { holder, subscription });
  }

  /** The operation has ended: its client wants no more of it. */
  release(subscription: Subscription): void {
    const { resumeKey } = subscription;
    if (resumeKey !== null && this.#held.get(resumeKey)?.subscription === subscription) this.#held.delete(resumeKey);
  }

  /** The session ends, and its client may come back for these. Resolves when other nodes can find them; never rejects. */
  async park(holder: Holder, subscriptions: Iterable<Subscription>): Promise<void> {
    const parking: Promise<void>[] = [];
    for (const subscription of subscriptions) {
      const { resumeKey, after } = subscription;
      if (resumeKey === null || this.#held.get(resumeKey)?.subscription !== subscription) continue;
      this.#held.delete(resumeKey);
      try {
        parking.push(this.#parking.park(resumeKey, { cursor: holder.positionOf(subscription), after }));
      } catch (thrown) {
        this.#failed(thrown);
      }
    }
    await Promise.all(parking);
  }
}
