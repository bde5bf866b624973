import type { Timer } from '../clock.ts';
import type { PartitionId } from '../event.ts';
import { duplicateWindowOffsets } from './duplicate-window.ts';
import type { FeedGap } from './intake.ts';
import type { Lane } from './lane.ts';
import { LogRun, type LogRunDeps } from './log-run.ts';

/**
 * The readings of the log: who begins one, from where to where, and who reads along. One that has come to its end, or whose readers have left, stays
 * for a moment: where many come back at once, others come to the same place.
 */

/** Readings of one partition at once: those who are far behind do not hold up those who are not. */
const maxRunsPerPartition = 2;
/** Who has so many blocks to wait for that nobody else may want waits for a reading of its own. */
const maxBlocksAlong = 16;
/** What was read is kept for so long after it was last of use, and half of that again at most. */
const restMs = 2_000;

/** Somebody who is catching up. */
export type Member = {
  /** The position at which it waits to read `partition`; null where it does not. */
  waitsFor(partition: PartitionId): bigint | null;
  /** Gives its readings back where it cannot take more anyway. */
  releaseIfFull(): void;
};

export type ReadingsDeps = Omit<LogRunDeps, 'isAlone' | 'rests'> & {
  /** Readings at once, those that rest included. */
  readonly maxScans: number;
  monotonic(): number;
  after(delayMs: number, task: () => void): Timer;
  /** One reads no more: there may be a place for another. */
  freed(): void;
  /** Everybody who is catching up, with reading or without. */
  readonly members: { readonly size: number; values(): Iterable<Member> };
};

export class Readings {
  readonly #deps: ReadingsDeps;
  readonly #runDeps: LogRunDeps;
  /** When each was last of use, on the monotonic clock; in that order. */
  readonly #runs = new Map<LogRun, number>();
  #timer: Timer | null = null;

  constructor(deps: ReadingsDeps) {
    this.#deps = deps;
    this.#runDeps = {
      ...deps,
      // Where no other may begin, who comes later could only wait for this one to end.
      isAlone: (partition) => deps.members.size === 1 && this.#mayBegin(partition),
      rests: (run, hasCeased) => this.#rests(run, hasCeased),
    };
  }

  /** The reading for who stands at the lane's position: one that is under way, or a new one; null where it has to wait for a place. */
  find(lane: Lane): LogRun | null {
    const found = this.#choose(lane);
    if (found !== null) this.#isOfUse(found);
    return found;
  }

  #isOfUse(run: LogRun): void {
    this.#runs.delete(run);
    this.#runs.set(run, this.#deps.monotonic());
  }

  #choose(lane: Lane): LogRun | null {
    const position = lane.position.next;
    const mayRead = this.#mayBegin(lane.partition);
    // To go on with one that rests is to begin one.
    const there = this.#of(lane.partition).filter(
      (run) => run.reaches(position) && (mayRead || run.isReading || run.isOver),
    );
    const nearest = there.reduce<LogRun | null>(
      (best, run) => (best === null || run.distanceTo(position) < best.distanceTo(position) ? run : best),
      null,
    );
    // One that is farther away than a new one would have to read for nothing is taken only where no new one may be.
    if (nearest !== null && nearest.distanceTo(position) <= this.#nearEnough(lane.partition, position)) return nearest;
    const begun = this.#begin(lane);
    // Whoever gave his place up for it may have been the last who read along.
    if (begun !== null || nearest === null || !this.#runs.has(nearest)) return begun;
    const { blocks } = this.#deps;
    const isAlong = nearest.distanceTo(position) <= BigInt(blocks.size * maxBlocksAlong);
    return isAlong || !blocks.isKnown(lane.partition, position) ? nearest : null;
  }

  /** What was read before is not what stands there now. */
  gap(gap: FeedGap): void {
    for (const run of [...this.#runs.keys()]) if (run.isVoidAfter(gap)) this.#drop(run);
  }

  stop(): void {
    this.#timer?.cancel();
    for (const run of [...this.#runs.keys()]) this.#drop(run);
  }

  #drop(run: LogRun): void {
    this.#runs.delete(run);
    run.stop();
    this.#deps.freed();
  }

  /** One that reads no more; who is slow would hold on to all that it kept. */
  #giveUp(run: LogRun): void {
    this.#drop(run);
    run.release();
  }

  /** Kept for a while if that is of use to anybody. */
  #rests(run: LogRun, hasCeased: boolean): void {
    if (!this.#runs.has(run)) return;
    if (!run.isWorthKeeping) {
      this.#drop(run);
      return;
    }
    this.#isOfUse(run);
    if (hasCeased) this.#deps.freed();
    this.#timer ??= this.#deps.after(restMs, () => this.#tidy());
  }

  #tidy(): void {
    this.#timer = null;
    const sinceMs = this.#deps.monotonic() - restMs;
    for (const [run, usedAtMs] of [...this.#runs]) if (!run.isReading && usedAtMs <= sinceMs) this.#giveUp(run);
    if ([...this.#runs.keys()].some(({ isReading }) => !isReading))
      this.#timer = this.#deps.after(restMs / 2, () => this.#tidy());
  }

  #of(partition: PartitionId): readonly LogRun[] {
    return [...this.#runs.keys()].filter((run) => run.partition === partition);
  }

  /** As many offsets as it takes a new reading to come to `position`. */
  #nearEnough(partition: PartitionId, position: bigint): bigint {
    const { blocks } = this.#deps;
    return BigInt(blocks.isKnown(partition, position) ? blocks.size : duplicateWindowOffsets);
  }

  #begin(lane: Lane): LogRun | null {
    const { counts, members } = this.#deps;
    if (!this.#mayBegin(lane.partition)) {
      // A slow client must not keep the others from reading.
      for (const member of members.values()) member.releaseIfFull();
      if (!this.#mayBegin(lane.partition)) return null;
    }
    this.#makeRoom();
    counts.catchUpScans += 1;
    const range = { partition: lane.partition, from: this.#earliest(lane), to: this.#endFor(lane) };
    const run = new LogRun(this.#runDeps, range);
    this.#runs.set(run, this.#deps.monotonic());
    return run;
  }

  #mayBegin(partition: PartitionId): boolean {
    const reading = [...this.#runs.keys()].filter(({ isReading }) => isReading);
    const here = reading.filter((run) => run.partition === partition);
    return reading.length < this.#deps.maxScans && here.length < maxRunsPerPartition;
  }

  /** Of those that rest, the one that was of use the longest ago has to go where it takes another's place. */
  #makeRoom(): void {
    if (this.#runs.size < this.#deps.maxScans) return;
    const oldest = [...this.#runs.keys()].find(({ isReading }) => !isReading);
    if (oldest !== undefined) this.#giveUp(oldest);
  }

  /** The oldest position first, as long as one is near to the next: who waits farther back reads along from there. */
  #earliest(lane: Lane): bigint {
    let earliest = lane.position.next;
    const before = [...this.#deps.members.values()]
      .map((member) => member.waitsFor(lane.partition))
      .filter((position) => position !== null && position < earliest)
      .sort((a, b) => ((a ?? 0n) > (b ?? 0n) ? -1 : 1));
    for (const position of before) {
      if (position === null || earliest - position > this.#nearEnough(lane.partition, position)) break;
      earliest = position;
    }
    return earliest;
  }

  /**
   * Where another reading has what comes next: its readers go on there. Else the tail. Should the other be over by then, a new one is begun, which costs
   * nothing where blocks are known.
   */
  #endFor({ partition, position }: Lane): bigint {
    const { tail, blocks } = this.#deps;
    let end = tail.at(partition)?.next ?? 0n;
    for (const { joinableFrom: from } of this.#of(partition)) {
      if (from !== null && from > position.next && from < end && blocks.isKnown(partition, from)) end = from;
    }
    return end;
  }
}
