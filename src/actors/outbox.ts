import type { DeliverSpan } from '../telemetry/facade.ts';
import type { Delivery, NumberedOperations, StreamOperation } from './session.ts';
import { type Offer, Waiting } from './waiting.ts';

/**
 * A session's bounded queue of deliveries, and its only mailbox. Offering never blocks and never refuses: the delivery that crosses the mark is
 * still taken, and it is up to the one who offers to stop then. So it holds at most the mark and one delivery per subscription.
 */

export type OutboxLimits = { readonly outboxHighWaterBytes: number; readonly outboxHighWaterCount: number };

export class Outbox implements NumberedOperations {
  readonly #limits: OutboxLimits;
  /** By their numbers; null where one is free. */
  #operations: (StreamOperation | null)[] = none;
  #waiting: Waiting | null = null;
  #isSaturated = false;
  #hasPassedMark = false;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#waiting?.bytes ?? 0;
  }

  get count(): number {
    return this.#waiting?.count ?? 0;
  }

  /** Over the high-water mark; stays so until under half of it. */
  get isSaturated(): boolean {
    return this.#isSaturated;
  }

  /** Whether the mark was passed since this was last asked, be it that there is room again by now: the edge is never lost. */
  takeEdge(): boolean {
    const hasPassed = this.#hasPassedMark;
    this.#hasPassedMark = false;
    return hasPassed;
  }

  /** Numbers an operation, for as long as it runs: the lowest number that is free, so that most have the same. */
  enter(operation: StreamOperation): number {
    const free = this.#operations.indexOf(null);
    if (free === -1) {
      // Not spread: V8 would leave room for sixteen more.
      this.#operations = this.#operations.concat(operation);
      return this.#operations.length - 1;
    }
    this.#operations[free] = operation;
    return free;
  }

  at(operation: number): StreamOperation {
    const found = this.#operations[operation];
    if (found === undefined || found === null)
      throw new Error(`a delivery for operation ${operation}, which has ended`);
    return found;
  }

  /** Whether something waits for the operation of that id. */
  has(operationId: string): boolean {
    return this.#waiting?.deliveries.some(({ operation }) => this.at(operation).operationId === operationId) === true;
  }

  /** Takes a payload for an operation, whatever the fill. */
  offer(offer: Offer, operation: number, trace: DeliverSpan | null): void {
    const waiting = offer.behind(this.#waiting, operation, trace);
    this.#waiting = waiting;
    const { outboxHighWaterBytes, outboxHighWaterCount } = this.#limits;
    if (waiting.bytes < outboxHighWaterBytes && waiting.count < outboxHighWaterCount) return;
    this.#isSaturated = true;
    this.#hasPassedMark = true;
  }

  /** Hands out the oldest deliveries, in order: at least one, then as many as `maxBytes` allows. Null when there are none. */
  take(maxBytes: number): Waiting | null {
    const waiting = this.#waiting;
    if (waiting === null || waiting.bytes <= maxBytes || waiting.count === 1) {
      this.#waiting = null;
      this.#isSaturated = false;
      return waiting;
    }
    const { taken, rest } = waiting.split(maxBytes);
    this.#waiting = rest;
    this.#relieve();
    return taken;
  }

  /** An operation has ended: throws away what waits for it; its spans end as closed. Its number is free. */
  leave(operation: StreamOperation): void {
    const number = this.#operations.indexOf(operation);
    if (number === -1) return;
    const ofIt = (each: Delivery): boolean => each.operation === number;
    const all = this.#waiting?.deliveries ?? [];
    if (all.some(ofIt)) {
      for (const each of all) if (ofIt(each)) each.trace?.end('closed');
      this.#waiting = Waiting.of(all.filter((each) => !ofIt(each)));
      this.#relieve();
    }
    this.#operations[number] = null;
  }

  /** Throws away everything; spans end as closed. */
  clear(): void {
    if (this.#waiting?.isTraced === true) for (const { trace } of this.#waiting.deliveries) trace?.end('closed');
    this.#waiting = null;
    this.#isSaturated = false;
  }

  #relieve(): void {
    const { outboxHighWaterBytes, outboxHighWaterCount } = this.#limits;
    if (this.bytes <= outboxHighWaterBytes / 2 && this.count <= outboxHighWaterCount / 2) this.#isSaturated = false;
  }
}

/** Never changed. */
const none: (StreamOperation | null)[] = [];
