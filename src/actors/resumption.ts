import type { Parking } from './parking.ts';
import type { Subscription } from './subscription.ts';

/**
 * Where operations go on whose client reconnects by itself, with the variables that they began with: at their parked position, or, while the
 * socket before still counts as open, here or on another node, at what was acknowledged on it.
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
  /** Operations whose position another node is asked for. */
  readonly #claiming = new Map<string, Held>();

  /** `failed` hears of a bug met while a position was taken: that position is lost, and nothing else. */
  constructor(parking: Parking, failed: (thrown: unknown) => void) {
    this.#parking = parking;
    this.#failed = failed;
  }

  isHeld(key: string): boolean {
    return this.#held.has(key);
  }

  /**
   * Has an operation of this session begin: `attach` is called with the position to begin at, null for "now", at once or when another node has
   * answered; never where the operation has ended by then. Whoever had it before has it no more.
   */
  start(held: Held, attach: (from: string | null) => void): void {
    const { resumeKey: key, after } = held.subscription;
    if (key === null) {
      attach(after);
      return;
    }
    const own = this.#takeOver(key, after);
    if (own === null && this.#parking.isElsewhere(key)) this.#claim(key, held, attach);
    else attach(this.#begin(key, held, own) ?? after);
  }

  /** The operation has ended: its client wants no more of it. */
  release(subscription: Subscription): void {
    const { resumeKey: key } = subscription;
    if (key === null) return;
    if (this.#claiming.get(key)?.subscription === subscription) this.#claiming.delete(key);
    if (this.#held.get(key)?.subscription !== subscription) return;
    this.#held.delete(key);
    this.#parking.release(key);
  }

  /** The session ends, and its client may come back for these. Resolves when other nodes can find them; never rejects. */
  async park(holder: Holder, subscriptions: Iterable<Subscription>): Promise<void> {
    const parking: Promise<void>[] = [];
    for (const subscription of subscriptions) {
      const { resumeKey: key } = subscription;
      if (key === null) continue;
      if (this.#claiming.get(key)?.subscription === subscription) this.#claiming.delete(key);
      if (this.#held.get(key)?.subscription === subscription) parking.push(this.#park(key, { holder, subscription }));
    }
    await Promise.all(parking);
  }

  /** Another node has the operation from here on; `isClaimed`: it waits for the position. */
  lost(key: string, isClaimed: boolean): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    if (isClaimed) void this.#park(key, held);
    else this.#held.delete(key);
    held.holder.handOver(held.subscription);
  }

  /** Null: nobody has it here, or it is for its client's own `after` to say where it goes on. */
  #takeOver(key: string, after: string | null): string | null {
    const held = this.#held.get(key) ?? this.#claiming.get(key);
    if (held === undefined) return null;
    const { holder, subscription } = held;
    const isWaiting = this.#claiming.delete(key);
    const position = isWaiting ? null : holder.positionOf(subscription);
    this.#held.delete(key);
    holder.handOver(subscription);
    return after === null || after === subscription.after ? position : null;
  }

  #claim(key: string, held: Held, attach: (from: string | null) => void): void {
    this.#claiming.set(key, held);
    const { subscription, holder } = held;
    this.#parking.claim(key).then((claim) => {
      if (this.#claiming.get(key) !== held) return;
      this.#claiming.delete(key);
      if (claim === 'lost') {
        holder.handOver(subscription);
        return;
      }
      // What was published while the other node was asked belongs to the stream too.
      attach(this.#begin(key, held, null) ?? subscription.begunAt);
    }, this.#failed);
  }

  /** It runs here; the position that it goes on at, null where there is none. */
  #begin(key: string, held: Held, own: string | null): string | null {
    this.#held.set(key, held);
    const from = own ?? this.#parking.take(key, held.subscription.after);
    this.#parking.hold(key);
    if (from !== null) held.subscription.begunAt = from;
    return from;
  }

  async #park(key: string, { holder, subscription }: Held): Promise<void> {
    this.#held.delete(key);
    try {
      const position = { cursor: holder.positionOf(subscription), after: subscription.after };
      await this.#parking.park(key, position);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }
}
