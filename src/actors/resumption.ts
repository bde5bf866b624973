import type { ParkedPosition } from './operation-records.ts';
import type { Claim, Parking, Taken } from './parking.ts';
import type { Subscription } from './subscription.ts';

/**
 * Where operations go on whose client reconnects by itself, with the variables that they began with: at their parked position, or, while the
 * socket before still counts as open, here or on another node, at what was acknowledged on it.
 */

/** The session that an operation is in. */
export type Holder = {
  /** Where the operation would go on. */
  positionOf(subscription: Subscription): string;
  /** Another socket of the same client, on this node, has the operation from here on. */
  handOver(subscription: Subscription): void;
  /**
   * Another node has it. Should its client be here after all, since what nodes tell each other may be late, then it must not take the operation for
   * ended: the socket is closed, and it comes back.
   */
  supersede(subscription: Subscription): void;
  /** Has the client come back, for all that it has there. */
  restart(): void;
};

type Place = { readonly holder: Holder; readonly subscription: Subscription };
/**
 * `guessedAtMs`: where its client stood was not known, but where it was to begin at this time; whoever knows of an earlier one knows better. Null:
 * it was known.
 */
type Held = Place & { readonly guessedAtMs: number | null };
type Attach = (from: string | null) => void;

/** An operation that waits for another node's answer. */
type Claiming = {
  held: Place;
  attach: Attach;
  /** Since when it waits, on the wall clock. */
  readonly sinceMs: number;
  /** Its client has gone on, to a node that waits too, or nobody knows where: what the answer is, is for whoever comes. */
  isLeft: boolean;
  isLost: boolean;
};

export class Resumption {
  readonly #parking: Parking;
  readonly #failed: (thrown: unknown) => void;
  readonly #held = new Map<string, Held>();
  /** Operations whose position another node is asked for. */
  readonly #claiming = new Map<string, Claiming>();

  /** `failed` hears of a bug met while a position was taken: that position is lost, and nothing else. */
  constructor(parking: Parking, failed: (thrown: unknown) => void) {
    this.#parking = parking;
    this.#failed = failed;
  }

  /** When it was guessed where its client was to begin; null: it was known; undefined: it does not run here. */
  guessOf(key: string): number | null | undefined {
    return this.#held.get(key)?.guessedAtMs;
  }

  /**
   * Has an operation of this session begin: `attach` is called with the position to begin at, null for "now", at once or when another node has
   * answered; never where the operation has ended by then. Whoever had it before has it no more.
   */
  start(held: Place, attach: Attach): void {
    const { resumeKey: key, after } = held.subscription;
    if (key === null) attach(after);
    else if (this.#claiming.has(key)) this.#joinClaim(key, held, attach);
    else {
      const own = this.#takeOver(key, after);
      if (own === null && this.#parking.isElsewhere(key))
        this.#claim(key, { held, attach, sinceMs: this.#parking.now(), isLeft: false, isLost: false });
      else {
        const { cursor, guessedAtMs } = own ?? this.#parking.take(key, after, this.#parking.now());
        this.#begin(key, { ...held, guessedAtMs }, cursor);
        attach(cursor ?? after);
      }
    }
  }

  /** The operation has ended: its client wants no more of it. */
  release(subscription: Subscription): void {
    const { resumeKey: key } = subscription;
    if (key === null) return;
    if (this.#claiming.get(key)?.held.subscription === subscription) this.#claiming.delete(key);
    if (this.#held.get(key)?.subscription !== subscription) return;
    this.#held.delete(key);
    this.#parking.release(key);
  }

  /** The session ends, and its client may come back for these. Resolves when other nodes can find them; never rejects. */
  async park(subscriptions: Iterable<Subscription>): Promise<void> {
    const parking: Promise<void>[] = [];
    for (const subscription of subscriptions) {
      const { resumeKey: key } = subscription;
      if (key === null) continue;
      const claiming = this.#claiming.get(key);
      if (claiming?.held.subscription === subscription) claiming.isLeft = true;
      const held = this.#held.get(key);
      if (held?.subscription === subscription) parking.push(this.#park(key, held));
    }
    await Promise.all(parking);
  }

  /**
   * A position comes from another node, for an operation that runs here. Where it began without one, its client has missed what lies between: it is
   * to come back and go on there. False where the position is of no use.
   */
  placed(key: string, { after, guessedAtMs }: ParkedPosition): boolean {
    const held = this.#held.get(key);
    if (held === undefined) return true;
    const { subscription, holder } = held;
    const isBetter = held.guessedAtMs !== null && (guessedAtMs ?? Number.NEGATIVE_INFINITY) < held.guessedAtMs;
    const isOther = subscription.after !== null && subscription.after !== after;
    // Its client says itself where it stands: nobody knows better, and nobody is to tell it again.
    if (isOther) this.#held.set(key, { ...held, guessedAtMs: null });
    if (!isBetter || isOther) return false;
    this.#held.delete(key);
    holder.restart();
    return true;
  }

  /**
   * Another node has the operation from here on; `isClaimed`: it waits for the position. One that does not is told it all the same: it may have been
   * killed since it said so, and the client is here. Where it was not, it says so again.
   */
  lost(key: string, isClaimed: boolean): void {
    const claiming = this.#claiming.get(key);
    if (claiming !== undefined && isClaimed) claiming.isLeft = true;
    // The answer was there, and gone to yet another node before it could be taken here.
    if (claiming !== undefined && !isClaimed) claiming.isLost = true;
    const held = this.#held.get(key);
    if (held === undefined) return;
    void this.#park(key, held);
    held.holder.supersede(held.subscription);
  }

  /** Null: nobody has it here, or it is for its client's own `after` to say where it goes on. */
  #takeOver(key: string, after: string | null): Taken | null {
    const held = this.#held.get(key);
    if (held === undefined) return null;
    const { holder, subscription, guessedAtMs } = held;
    const cursor = holder.positionOf(subscription);
    this.#held.delete(key);
    holder.handOver(subscription);
    return after === null || after === subscription.after ? { cursor, guessedAtMs } : null;
  }

  /** The client is here again while the other node is still asked: what it waited for so far, it waits for on. */
  #joinClaim(key: string, held: Place, attach: Attach): void {
    const claiming = this.#claiming.get(key);
    if (claiming === undefined) return;
    const { holder, subscription } = claiming.held;
    if (held.subscription.after === subscription.after) held.subscription.begunAt = subscription.begunAt;
    Object.assign(claiming, { held, attach, isLeft: false, isLost: false });
    holder.handOver(subscription);
  }

  #claim(key: string, claiming: Claiming): void {
    this.#claiming.set(key, claiming);
    this.#parking.claim(key).then((claim) => {
      if (this.#claiming.get(key) !== claiming) return;
      this.#claiming.delete(key);
      const outcome = claiming.isLost ? 'lost' : claim;
      if (outcome === 'lost' || claiming.isLeft) this.#giveUp(key, claiming, outcome);
      else this.#goOn(key, claiming);
    }, this.#failed);
  }

  #goOn(key: string, { held, attach, sinceMs }: Claiming): void {
    const { cursor, guessedAtMs } = this.#parking.take(key, held.subscription.after, sinceMs);
    this.#begin(key, { ...held, guessedAtMs }, cursor);
    // What was published while the other node was asked belongs to the stream too.
    attach(cursor ?? held.subscription.begunAt);
  }

  /**
   * Its client is elsewhere. Where nobody has left a better place, the time of its coming is what there is: a node that only says that it has the
   * operation may have been killed since.
   */
  #giveUp(key: string, { held, sinceMs }: Claiming, claim: Claim): void {
    const isPlaced = claim === 'answered' || claim === 'found';
    if (!isPlaced || this.#parking.isLaterGuess(key, sinceMs)) void this.#park(key, { ...held, guessedAtMs: sinceMs });
    else if (claim === 'found') this.#parking.tellAgain(key);
    held.holder.supersede(held.subscription);
  }

  #begin(key: string, held: Held, from: string | null): void {
    this.#held.set(key, held);
    this.#parking.hold(key);
    if (from !== null) held.subscription.begunAt = from;
  }

  async #park(key: string, { holder, subscription, guessedAtMs }: Held): Promise<void> {
    this.#held.delete(key);
    try {
      const guess = guessedAtMs === null ? {} : { guessedAtMs };
      const position = { cursor: holder.positionOf(subscription), after: subscription.after, ...guess };
      await this.#parking.park(key, position);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }
}
