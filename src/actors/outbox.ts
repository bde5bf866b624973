import type { Delivery } from './session.ts';

/**
 * A session's bounded queue of deliveries, and its only mailbox. Offering never blocks and never refuses: the delivery that crosses the mark is
 * still taken, and it is up to the one who offers to stop then. So it holds at most the mark and one delivery per subscription.
 */

export type OutboxLimits = { readonly outboxHighWaterBytes: number; readonly outboxHighWaterCount: number };

/** What a payload costs beside its record: frame head, cursor, bookkeeping. */
const overheadBytes = 200;

/** Estimated bytes that a delivery will take as a frame. */
export const deliveryBytes = ({ payload }: Delivery): number =>
  payload.kind === 'event' ? payload.envelope.bytes + overheadBytes : overheadBytes;

export class Outbox {
  readonly #limits: OutboxLimits;
  /** Made anew when empty: most hold one delivery, once in a while. */
  #waiting: Delivery[] = none;
  #bytes = 0;
  #isSaturated = false;
  #hasPassedMark = false;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#waiting.length;
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

  /** Whether something waits for the operation. */
  has(operationId: string): boolean {
    return this.#waiting.some((delivery) => delivery.operationId === operationId);
  }

  /** Takes `delivery`, whatever the fill. */
  offer(delivery: Delivery): void {
    if (this.#waiting.length === 0) this.#waiting = [delivery];
    else this.#waiting.push(delivery);
    this.#bytes += deliveryBytes(delivery);
    const { outboxHighWaterBytes, outboxHighWaterCount } = this.#limits;
    if (this.#bytes < outboxHighWaterBytes && this.#waiting.length < outboxHighWaterCount) return;
    this.#isSaturated = true;
    this.#hasPassedMark = true;
  }

  /** Hands out the oldest deliveries, in order: at least one, then as many as `maxBytes` allows. Empty when there are none. */
  take(maxBytes: number): readonly Delivery[] {
    const waiting = this.#waiting;
    if (this.#bytes <= maxBytes || waiting.length <= 1) {
      this.#waiting = none;
      this.#bytes = 0;
      this.#isSaturated = false;
      return waiting;
    }
    const [count, bytes] = fitting(waiting, maxBytes);
    this.#waiting = waiting.slice(count);
    this.#bytes -= bytes;
    this.#relieve();
    return waiting.slice(0, count);
  }

  /** Throws away what waits for an operation that has ended; its spans end as closed. */
  drop(operationId: string): void {
    if (!this.has(operationId)) return;
    const kept = this.#waiting.filter((delivery) => delivery.operationId !== operationId);
    for (const delivery of this.#waiting) if (delivery.operationId === operationId) delivery.trace?.end('closed');
    this.#waiting = kept;
    this.#bytes = bytesOf(kept);
    this.#relieve();
  }

  /** Throws away everything; spans end as closed. */
  clear(): void {
    for (const { trace } of this.#waiting) trace?.end('closed');
    this.#waiting = none;
    this.#bytes = 0;
    this.#isSaturated = false;
  }

  #relieve(): void {
    const { outboxHighWaterBytes, outboxHighWaterCount } = this.#limits;
    if (this.#bytes <= outboxHighWaterBytes / 2 && this.count <= outboxHighWaterCount / 2) this.#isSaturated = false;
  }
}

/** Never pushed to. */
const none: Delivery[] = [];

/** Estimated bytes of deliveries. */
export const bytesOf = (batch: readonly Delivery[]): number => {
  let bytes = 0;
  for (const delivery of batch) bytes += deliveryBytes(delivery);
  return bytes;
};

/** How many of the first fit into `maxBytes`, at least one, and their bytes. */
const fitting = (waiting: readonly Delivery[], maxBytes: number): readonly [count: number, bytes: number] => {
  let bytes = 0;
  for (const [count, delivery] of waiting.entries()) {
    const next = bytes + deliveryBytes(delivery);
    if (count > 0 && next > maxBytes) return [count, bytes];
    bytes = next;
  }
  return [waiting.length, bytes];
};
