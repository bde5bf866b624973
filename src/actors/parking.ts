import type { Timer } from '../clock.ts';
import { nodeOf, type OperationRecord, type OperationRecords, type ParkedPosition } from './operation-records.ts';

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
  /** When it was guessed where the client of an operation that runs here was to begin, null where it was known; undefined: it does not run here. */
  guessOf(key: string): number | null | undefined;
  /** A position came for an operation that runs here; false where it is of no use. The operation is to end in a later turn. */
  placed(key: string, position: ParkedPosition): boolean;
};

/** Where an operation is to begin: null where nobody knows. `guessedAtMs` as in `ParkedPosition`, of "now" too; null: it is known. */
export type Taken = { readonly cursor: string | null; readonly guessedAtMs: number | null };

/**
 * What a claim came to. `found`: the position was on its way already, and the claim stands behind it, so that nobody finds it who comes later;
 * `lost`: yet another node has the operation by now.
 */
export type Claim = 'answered' | 'found' | 'unanswered' | 'lost';

type Waiting = { readonly settle: (claim: Claim) => void; readonly timer: Timer };

/** What a node leaves behind that ends for good is cleared away by others, this much later. */
const othersGraceMs = 60_000;
/** A node answers at once, or not at all. */
const claimPatienceMs = 1_000;
const maxPatienceMs = 5_000;
const retryMs = 1_000;
/** Who did not answer is not asked again for so long, or until it tells something: the clients of a node that is gone come in crowds. */
const silenceMs = 60_000;
/** What is held is told again in this time, and forgotten by the others after twice as long: its node may be gone for good. */
const heldForMs = 12 * 3_600_000;

type Guess = { readonly guessedAtMs?: number | undefined };

/** Whether `one` goes back to an earlier time: nothing is missing behind it that is missing behind the other. */
const isEarlier = (one: Guess, other: Guess): boolean =>
  (one.guessedAtMs ?? Number.NEGATIVE_INFINITY) < (other.guessedAtMs ?? Number.NEGATIVE_INFINITY);

export class Parking {
  readonly #deps: ParkingDeps;
  /** The one parked longest ago first. */
  readonly #parked = new Map<string, ParkedPosition>();
  readonly #own = new Set<string>();
  readonly #claims = new Map<string, Waiting>();
  /** Nodes that did not answer and have not been heard of since, with the time until which they are not asked. */
  readonly #silent = new Map<string, number>();
  readonly #unfollow: () => void;
  #isClosed = false;

  constructor(deps: ParkingDeps) {
    this.#deps = deps;
    for (const [key, record] of deps.records.entries()) {
      if (record.kind === 'parked') this.#keep(key, record.position);
    }
    this.#unfollow = deps.records.follow((key, record, isOvertaken) => this.#learn(key, record, isOvertaken));
  }

  /** Keeps a position; found here at once. Resolves when other nodes can find it, or when it is of no use any more. */
  async park(key: string, of: Pick<ParkedPosition, 'cursor' | 'after' | 'guessedAtMs'>): Promise<void> {
    const { windowMs, records, now } = this.#deps;
    const position = { ...of, untilMs: now() + windowMs, node: records.node };
    this.#own.add(key);
    this.#keep(key, position);
    await this.#tell(key, position);
  }

  /**
   * Gives a position to its client, once; the client has been here `sinceMs`. Without a cursor where there is none, where the client brings an
   * `after` of its own, which wins, or where it was guessed later than that.
   */
  take(key: string, after: string | null, sinceMs: number): Taken {
    const nothing = { cursor: null, guessedAtMs: sinceMs };
    const parked = this.#parked.get(key);
    if (parked === undefined) return nothing;
    this.#forget(key);
    if (this.#deps.isAlone) void this.#deps.records.put(key, undefined);
    const { untilMs, cursor, guessedAtMs = null } = parked;
    if (untilMs <= this.#deps.now() || (guessedAtMs ?? sinceMs) > sinceMs) return nothing;
    return after === null || after === parked.after ? { cursor, guessedAtMs } : nothing;
  }

  /** The operation runs here: other nodes are to know. */
  hold(key: string): void {
    const { isAlone, records, now, guessOf } = this.#deps;
    const guessedAtMs = guessOf(key);
    if (isAlone || guessedAtMs === undefined) return;
    void records.put(key, { kind: 'held', node: records.node, atMs: now(), guessedAtMs });
  }

  /** The operation is over: its client wants no more of it. */
  release(key: string): void {
    if (!this.#deps.isAlone) void this.#deps.records.put(key, undefined);
  }

  /** Whether what is parked was guessed, and by one whose client came after `sinceMs`. */
  isLaterGuess(key: string, sinceMs: number): boolean {
    return (this.#parked.get(key)?.guessedAtMs ?? Number.NEGATIVE_INFINITY) > sinceMs;
  }

  /** What another node told, and a record of ours hides: nodes are to find it again. */
  tellAgain(key: string): void {
    const parked = this.#parked.get(key);
    if (parked === undefined) return;
    this.#own.add(key);
    void this.#tell(key, parked);
  }

  /** Wall clock, milliseconds since 1970. */
  now(): number {
    return this.#deps.now();
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
    // One that waits for an answer itself answers later.
    const othersMs = holder?.kind === 'claimed' ? holder.atMs - now() + claimPatienceMs / 2 : 0;
    const patienceMs = Math.min(Math.max(claimPatienceMs, othersMs), maxPatienceMs);
    this.#claims.get(key)?.settle('lost');
    return new Promise((resolve) => {
      const settle = (claim: Claim): void => {
        timer.cancel();
        this.#claims.delete(key);
        resolve(claim);
      };
      const timer = after(patienceMs, () => {
        if (holder?.kind === 'held') this.#silent.set(holder.node, now() + silenceMs);
        settle('unanswered');
      });
      this.#claims.set(key, { settle, timer });
      void records.put(key, { kind: 'claimed', node: records.node, atMs: now() + patienceMs });
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
    if (isOwn && this.#isHeld(key)) this.hold(key);
    else if (isOwn || ageMs > 2 * heldForMs) void this.#deps.records.put(key, undefined);
  }

  close(): void {
    this.#isClosed = true;
    this.#unfollow();
    for (const { settle } of [...this.#claims.values()]) settle('unanswered');
  }

  #learn(key: string, record: OperationRecord | undefined, isOvertaken: boolean): void {
    if (record !== undefined) this.#silent.delete(nodeOf(record));
    if (record?.kind === 'parked') this.#learnParked(key, record.position, isOvertaken);
    else if (isOvertaken) return;
    else if (record?.kind === 'claimed') this.#claimed(key);
    else if (record?.kind === 'held') this.#learnHeld(key, record.guessedAtMs);
    else this.#learnGone(key);
  }

  /** Who knows where the client stood says so. */
  #claimed(key: string): void {
    const parked = this.#parked.get(key);
    if (parked !== undefined && !this.#isHeld(key)) void this.#tell(key, parked);
    else this.#deps.lost(key, true);
  }

  /** Until other nodes can read it, it is known here alone: a log that does not answer is told again. */
  async #tell(key: string, position: ParkedPosition): Promise<void> {
    const { records, now } = this.#deps;
    const told = { ...position, node: records.node };
    while (!(await records.put(key, { kind: 'parked', position: told }))) {
      await new Promise<void>((resolve) => this.#deps.after(retryMs, resolve));
      if (this.#parked.get(key) !== position || position.untilMs <= now() || this.#isClosed) return;
    }
  }

  /** Whoever waits for it takes it, whatever is on its way. */
  #learnParked(key: string, position: ParkedPosition, isOvertaken: boolean): void {
    const waiting = this.#claims.get(key);
    if (waiting === undefined && !this.#isOfUse(key, position, isOvertaken)) return;
    const known = this.#parked.get(key);
    const isWorse = known !== undefined && isEarlier(known, position);
    const isHidden = isOvertaken && waiting === undefined;
    if (!isWorse) {
      this.#own.delete(key);
      this.#keep(key, position);
    }
    if (isHidden || (isWorse && this.#own.has(key))) this.tellAgain(key);
    waiting?.settle(isOvertaken ? 'found' : 'answered');
  }

  #isOfUse(key: string, position: ParkedPosition, isOvertaken: boolean): boolean {
    if (this.#isHeld(key)) {
      const isPlaced = this.#deps.placed(key, position);
      // It comes from a node that noticed late: the client has been here for a while.
      if (!isPlaced) this.hold(key);
      return isPlaced;
    }
    const known = this.#parked.get(key);
    // What stands behind it here may be of one that knew less.
    return !isOvertaken || (known !== undefined && isEarlier(position, known));
  }

  /** Another node has it. Should it know less of where its client stood than is known here, it is told. */
  #learnHeld(key: string, guessedAtMs: number | null): void {
    const known = this.#parked.get(key);
    this.#claims.get(key)?.settle('lost');
    if (known !== undefined && isEarlier(known, { guessedAtMs: guessedAtMs ?? undefined })) void this.#tell(key, known);
    else this.#forget(key);
    this.#deps.lost(key, false);
  }

  #learnGone(key: string): void {
    this.#forget(key);
    this.#claims.get(key)?.settle('unanswered');
  }

  #isHeld(key: string): boolean {
    return this.#deps.guessOf(key) !== undefined;
  }

  #keep(key: string, parked: ParkedPosition): ParkedPosition {
    this.#parked.delete(key);
    this.#parked.set(key, parked);
    const [oldest] = this.#parked.keys();
    if (this.#parked.size > this.#deps.maxParked && oldest !== undefined) this.#forget(oldest);
    return parked;
  }

  #forget(key: string): void {
    this.#parked.delete(key);
    this.#own.delete(key);
  }
}
