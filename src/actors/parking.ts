import type { Timer } from '../clock.ts';
import type { OperationRecord, OperationRecords, ParkedPosition } from './operation-records.ts';

/**
 * Where operations stood whose socket is gone, by a key that their client brings again when it comes back by itself; and which other node has those
 * that run elsewhere. Kept here for a while, and in the control topic, so that every node finds them.
 */

export type ParkingDeps = {
  readonly records: OperationRecords;
  /** Without other nodes nobody need know what runs here. */
  readonly isAlone: boolean;
  readonly windowMs: number;
  /** Positions that are kept; beyond it the oldest goes. */
  readonly maxParked: number;
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  after(delayMs: number, task: () => void): Timer;
  /** Another node's client has the operation now: it ends here; `isClaimed`: that node waits for its position. */
  lost(key: string, isClaimed: boolean): void;
  /** Whether the operation runs here. */
  isHeld(key: string): boolean;
};

/** What a claim came to. `lost`: yet another node has the operation by now. */
export type Claim = 'answered' | 'unanswered' | 'lost';

type Waiting = { readonly settle: (claim: Claim) => void; readonly timer: Timer };

/** What a node leaves behind that ends for good is cleared away by others, this much later. */
const othersGraceMs = 60_000;
/** A node answers at once, or not at all. */
const claimPatienceMs = 1_000;
/** Who did not answer is not asked again for so long: its clients come in crowds. */
const silenceMs = 60_000;
/** What is held is told again in this time, and forgotten by the others after twice as long: its node may be gone for good. */
const heldForMs = 12 * 3_600_000;

export class Parking {
  readonly #deps: ParkingDeps;
  /** The one parked longest ago first. */
  readonly #parked = new Map<string, ParkedPosition>();
  readonly #own = new Set<string>();
  readonly #claims = new Map<string, Waiting>();
  /** Nodes that did not answer, with the time until which they are not asked. */
  readonly #silent = new Map<string, number>();
  readonly #unfollow: () => void;

  constructor(deps: ParkingDeps) {
    this.#deps = deps;
    for (const [key, record] of deps.records.entries()) {
      if (record.kind === 'parked') this.#keep(key, record.position);
    }
    this.#unfollow = deps.records.follow((key, record, isOvertaken) => this.#learn(key, record, isOvertaken));
  }

  /** Keeps a position; found here at once. Resolves when other nodes can find it; where that fails, this node knows it all the same. */
  async park(key: string, { cursor, after }: Pick<ParkedPosition, 'cursor' | 'after'>): Promise<void> {
    const { windowMs, records, now } = this.#deps;
    const position = { cursor, after, untilMs: now() + windowMs, node: records.node };
    this.#own.add(key);
    this.#keep(key, position);
    await records.put(key, { kind: 'parked', position });
  }

  /** Gives a position to its client, once. Null where there is none, or where the client brings an `after` of its own, which wins. */
  take(key: string, after: string | null): string | null {
    const parked = this.#parked.get(key);
    if (parked === undefined) return null;
    this.#forget(key);
    if (this.#deps.isAlone) void this.#deps.records.put(key, undefined);
    if (parked.untilMs <= this.#deps.now()) return null;
    return after === null || after === parked.after ? parked.cursor : null;
  }

  /** The operation runs here: other nodes are to know. */
  hold(key: string): void {
    const { isAlone, records, now } = this.#deps;
    if (!isAlone) void records.put(key, { kind: 'held', node: records.node, atMs: now() });
  }

  /** The operation is over: its client wants no more of it. */
  release(key: string): void {
    if (!this.#deps.isAlone) void this.#deps.records.put(key, undefined);
  }

  /** Whether another node has the operation, and may answer. */
  isElsewhere(key: string): boolean {
    const { isAlone, records, now } = this.#deps;
    if (isAlone || this.#parked.has(key)) return false;
    const record = records.get(key);
    if (record === null || record.kind === 'parked' || record.node === records.node) return false;
    return (this.#silent.get(record.node) ?? 0) <= now();
  }

  /** Has the node that holds the operation park it. Resolves when it has, when it does not answer, or when the operation goes elsewhere; a second claim ends the first. */
  claim(key: string): Promise<Claim> {
    const { records, now, after } = this.#deps;
    const holder = records.get(key);
    this.#claims.get(key)?.settle('lost');
    return new Promise((resolve) => {
      const settle = (claim: Claim): void => {
        timer.cancel();
        this.#claims.delete(key);
        resolve(claim);
      };
      const timer = after(claimPatienceMs, () => {
        if (holder?.kind === 'held') this.#silent.set(holder.node, now() + silenceMs);
        settle('unanswered');
      });
      this.#claims.set(key, { settle, timer });
      void records.put(key, { kind: 'claimed', node: records.node, atMs: now() });
    });
  }

  /** Forgets what is over, and tells again what is not; called from time to time. */
  sweep(): void {
    const nowMs = this.#deps.now();
    for (const [key, { untilMs }] of [...this.#parked]) {
      if (untilMs > nowMs || (!this.#own.has(key) && untilMs + othersGraceMs > nowMs)) continue;
      this.#forget(key);
      void this.#deps.records.put(key, undefined);
    }
    for (const [node, untilMs] of this.#silent) if (untilMs <= nowMs) this.#silent.delete(node);
  }

  /** Tells again what has run here for long, and forgets what nobody has told for longer; called now and then. */
  sweepHeld(): void {
    const { isAlone, records, now } = this.#deps;
    if (isAlone) return;
    for (const [key, record] of [...records.entries()]) {
      if (record.kind !== 'parked') this.#sweepOne(key, record.node === records.node, now() - record.atMs);
    }
  }

  #sweepOne(key: string, isOwn: boolean, ageMs: number): void {
    if (ageMs < heldForMs || this.#deps.records.isUnderway(key)) return;
    if (isOwn && this.#deps.isHeld(key)) this.hold(key);
    else if (isOwn || ageMs > 2 * heldForMs) void this.#deps.records.put(key, undefined);
  }

  close(): void {
    this.#unfollow();
    for (const { settle } of [...this.#claims.values()]) settle('unanswered');
  }

  #learn(key: string, record: OperationRecord | undefined, isOvertaken: boolean): void {
    if (record?.kind === 'parked') this.#learnParked(key, record.position, isOvertaken);
    else if (isOvertaken) return;
    else if (record?.kind === 'claimed') this.#deps.lost(key, true);
    else this.#learnGone(key, record !== undefined);
  }

  /** Whoever waits for it takes it, whatever is on its way. */
  #learnParked(key: string, position: ParkedPosition, isOvertaken: boolean): void {
    const waiting = this.#claims.get(key);
    if (waiting === undefined && isOvertaken) return;
    // It comes from a node that noticed late: the client has been here for a while.
    if (this.#deps.isHeld(key)) {
      this.hold(key);
      return;
    }
    this.#own.delete(key);
    this.#keep(key, position);
    waiting?.settle('answered');
  }

  #learnGone(key: string, isHeldElsewhere: boolean): void {
    this.#forget(key);
    this.#claims.get(key)?.settle(isHeldElsewhere ? 'lost' : 'unanswered');
    if (isHeldElsewhere) this.#deps.lost(key, false);
  }

  #keep(key: string, parked: ParkedPosition): void {
    this.#parked.delete(key);
    this.#parked.set(key, parked);
    if (this.#parked.size <= this.#deps.maxParked) return;
    const [oldest] = this.#parked.keys();
    if (oldest !== undefined) this.#forget(oldest);
  }

  #forget(key: string): void {
    this.#parked.delete(key);
    this.#own.delete(key);
  }
}
