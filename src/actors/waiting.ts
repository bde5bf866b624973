import type { DeliverSpan } from '../telemetry/facade.ts';
import type { Batch, Delivery, Payload } from './session.ts';

/**
 * What waits for a session. It is never changed: with one more delivery it is another, and sessions that wait for the same have the same. So of an
 * event for thousands, or a burst of them, nothing is made per recipient.
 */

/** What a payload costs beside its record: frame head, cursor, bookkeeping. */
const overheadBytes = 200;

/** Estimated bytes that a payload will take as a frame. */
const bytesOf = (payload: Payload): number =>
  payload.kind === 'event' ? payload.envelope.bytes + overheadBytes : overheadBytes;

const createdAtMsOf = (payload: Payload): number | null =>
  payload.kind === 'event' ? payload.envelope.createdAtMs : null;

const canExpire = (payload: Payload): boolean => payload.kind === 'event' && payload.envelope.expiresAtMs !== null;

/** What `Waiting.split` gives: what comes first, and what is left. */
type Split = { readonly maxBytes: number; readonly taken: Waiting; readonly rest: Waiting | null };

/** One delivery and all that wait before it. */
export class Waiting implements Batch {
  readonly before: Waiting | null;
  readonly last: Delivery;
  readonly count: number;
  /** Estimated, as frames. */
  readonly bytes: number;
  /** Checkpoints and gaps are none: nothing was published. */
  readonly events: number;
  readonly operation: number | null;
  readonly isTraced: boolean;
  /** Whether one of them has a time after which nobody wants it. */
  readonly canExpire: boolean;
  /** When the last event of them was created; null without one. */
  readonly createdAtMs: number | null;
  #deliveries: readonly Delivery[] | null = null;
  #split: Split | null = null;

  constructor(before: Waiting | null, last: Delivery) {
    const { payload, operation, trace } = last;
    this.before = before;
    this.last = last;
    this.count = (before?.count ?? 0) + 1;
    this.bytes = (before?.bytes ?? 0) + bytesOf(payload);
    this.events = (before?.events ?? 0) + (payload.kind === 'event' ? 1 : 0);
    this.operation = before === null || before.operation === operation ? operation : null;
    this.isTraced = trace !== null || before?.isTraced === true;
    this.canExpire = canExpire(payload) || before?.canExpire === true;
    this.createdAtMs = createdAtMsOf(payload) ?? before?.createdAtMs ?? null;
  }

  /** The same that `deliveries` are, in their order; null: none. */
  static of(deliveries: readonly Delivery[]): Waiting | null {
    return deliveries.reduce<Waiting | null>((before, each) => new Waiting(before, each), null);
  }

  get deliveries(): readonly Delivery[] {
    this.#deliveries ??= this.#list();
    return this.#deliveries;
  }

  #list(): readonly Delivery[] {
    const newestFirst = [this.last];
    for (let each = this.before; each !== null; each = each.before) newestFirst.push(each.last);
    return newestFirst.reverse();
  }

  /** The oldest as far as they fit into `maxBytes`, at least one, apart from the rest. Who waits for the same gets the same. */
  split(maxBytes: number): { readonly taken: Waiting; readonly rest: Waiting | null } {
    if (this.#split?.maxBytes === maxBytes) return this.#split;
    const taken = this.#fitting(maxBytes);
    this.#split = { maxBytes, taken, rest: Waiting.of(this.deliveries.slice(taken.count)) };
    return this.#split;
  }

  #fitting(maxBytes: number): Waiting {
    let fitting: Waiting = this;
    while (fitting.bytes > maxBytes && fitting.before !== null) fitting = fitting.before;
    return fitting;
  }
}

/** One payload for whoever is to have it. */
export class Offer {
  readonly payload: Payload;
  /** What came of it last. */
  #made: Waiting | null = null;

  constructor(payload: Payload) {
    this.payload = payload;
  }

  /** What waits for an operation's session once this stands behind what waits there now. */
  behind(waiting: Waiting | null, operation: number, trace: DeliverSpan | null): Waiting {
    const { payload } = this;
    if (trace !== null) return new Waiting(waiting, { operation, payload, trace });
    const made = this.#made;
    if (made !== null && made.before === waiting && made.last.operation === operation) return made;
    this.#made = new Waiting(waiting, { operation, payload, trace });
    return this.#made;
  }
}
