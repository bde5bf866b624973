import type { NextOffset, PartitionId } from '../event.ts';
import type { AddresseeKeys } from './audience-filter.ts';
import type { Blocks } from './blocks.ts';
import type { Entry } from './entry.ts';
import type { Ring } from './ring.ts';
import type { Scan } from './scan.ts';
import type { Tail } from './tail.ts';

/** One partition of one catching-up subscription: its position, and the scan that reads the log for it where the ring does not reach. */
export class Lane {
  readonly partition: PartitionId;
  position: NextOffset;
  scan: Scan | null = null;
  /** Where the newest scan began: one that ends there has brought nothing. */
  scannedFrom = 0n;
  /**
   * Its position came from a node that is ahead of this one: what lies before it here may be other records than there, until the log has said that
   * they are the same.
   */
  proof: 'open' | 'asked' | 'given' = 'given';
  /** After a scan without success: no other before this time, on the monotonic clock. */
  restUntilMs = 0;

  constructor(partition: PartitionId, position: NextOffset) {
    this.partition = partition;
    this.position = position;
  }

  /** Whether there is something between the position and the tail. A position beyond the tail waits for it. */
  isBehind(tail: Tail): boolean {
    const end = tail.at(this.partition);
    return end !== undefined && this.position.next < end.next;
  }

  isAtTail(tail: Tail): boolean {
    return tail.at(this.partition)?.next === this.position.next;
  }

  /** Whether this node has not read as far as the position, or only of a log that was cut since. */
  isAhead(tail: Tail): boolean {
    const { next, epoch } = tail.at(this.partition) ?? { next: 0n, epoch: -1 };
    return this.position.next > next || (epoch >= 0 && this.position.epoch > epoch);
  }

  /** Whether the question is settled, without asking where the tail is exactly there. `ask` when only the log can say. */
  isProven(tail: Tail, ask: () => void): boolean {
    const end = tail.at(this.partition);
    if (this.proof !== 'open' || end === undefined || this.isAhead(tail)) return this.proof === 'given';
    const isSame = end.next === this.position.next && end.epoch === this.position.epoch && end.epoch >= 0;
    this.proof = isSame ? 'given' : 'asked';
    if (!isSame) ask();
    return isSame;
  }

  /** Moves over what is known to hold nothing for `keys`; how many blocks that was. A scan that is there, or near enough, goes on. */
  leap(blocks: Blocks, keys: AddresseeKeys): number {
    const leap = blocks.leap(this.partition, this.position.next, keys.all);
    if (leap === null) return 0;
    this.pass(leap.position.next, leap.position.epoch);
    if ((this.scan?.distanceTo(leap.position.next) ?? 0n) > BigInt(blocks.size)) this.stopScan();
    return leap.blocks;
  }

  /** Moves on, never back. */
  pass(next: bigint, epoch: number): void {
    if (next > this.position.next) this.position = { next, epoch };
  }

  stopScan(): void {
    this.scan?.stop();
    this.scan = null;
  }

  /** The next entry that the ring has for one of `keys`, moved past; at the end null, with the position at the tail. */
  takeFromRing(ring: Ring, tail: Tail, keys: AddresseeKeys): Entry | null {
    const entry = ring.first(this.partition, this.position.next, keys);
    if (entry !== undefined) {
      this.pass(entry.position.offset + 1n, entry.position.epoch);
      return entry;
    }
    const end = tail.at(this.partition);
    if (end !== undefined) this.pass(end.next, end.epoch);
    return null;
  }
}
