import type { Delivery } from './session.ts';

/**
 * A session's bounded queue of deliveries, and its only mailbox. Offering never blocks and never refuses: the delivery that crosses the mark is
 * still taken, and it is up to the one who offers to stop then. So it holds at most the mark and one delivery per subscription.
 */

export type OutboxLimits = { readonly outboxHighWaterBytes: number; readonly outboxHighWaterCount: number };

type Item = { readonly delivery: Delivery; readonly bytes: number };

/** What a payload costs beside its record: frame head, cursor, bookkeeping. */
const overheadBytes = 200;

/** Estimated bytes that a delivery will take as a frame. */
export const deliveryBytes = ({ payload }: Delivery): number =>
  payload.kind === 'event' ? payload.envelope.bytes + overheadBytes : overheadBytes;

export class Outbox {
  readonly #limits: OutboxLimits;
  /** Places that were handed out are emptied at once, and removed by and by. */
  #items: (Item | undefined)[] = [];
  #head = 0;
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
    return this.#items.length - this.#head;
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
    return this.#items.some((item) => item?.delivery.operationId === operationId);
  }

  /** Takes `delivery`, whatever the fill. */
  offer(delivery: Delivery): void {
    const bytes = deliveryBytes(delivery);
    this.#items.push({ delivery, bytes });
    this.#bytes += bytes;
    if (this.#bytes >= this.#limits.outboxHighWaterBytes || this.count >= this.#limits.outboxHighWaterCount) {
      this.#isSaturated = true;
      this.#hasPassedMark = true;
    }
  }

  /** Hands out the oldest deliveries, in order: at least one, then as many as `maxBytes` allows. Empty when there are none. */
  take(maxBytes: number): Delivery[] {
    const batch: Delivery[] = [];
    let taken = 0;
    for (let item = this.#items[this.#head]; item !== undefined; item = this.#items[this.#head]) {
      if (batch.length > 0 && taken + item.bytes > maxBytes) break;
      batch.push(item.delivery);
      this.#items[this.#head] = undefined;
      taken += item.bytes;
      this.#head += 1;
    }
    this.#bytes -= taken;
    this.#compact();
    this.#relieve();
    return batch;
  }

  /** Throws away what waits for an operation that has ended; its spans end as closed. */
  drop(operationId: string): void {
    const kept: Item[] = [];
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item === undefined) continue;
      if (item.delivery.operationId !== operationId) kept.push(item);
      else {
        item.delivery.trace?.end('closed');
        this.#bytes -= item.bytes;
      }
    }
    this.#items = kept;
    this.#head = 0;
    this.#relieve();
  }

  /** Throws away everything; spans end as closed. */
  clear(): void {
    for (let i = this.#head; i < this.#items.length; i++) this.#items[i]?.delivery.trace?.end('closed');
    this.#items = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#isSaturated = false;
  }

  #compact(): void {
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 256) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #relieve(): void {
    const { outboxHighWaterBytes, outboxHighWaterCount } = this.#limits;
    if (this.#bytes <= outboxHighWaterBytes / 2 && this.count <= outboxHighWaterCount / 2) this.#isSaturated = false;
  }
}
