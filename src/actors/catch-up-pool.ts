import type { Clock, Timer } from '../clock.ts';
import type { CursorCodec, TopicPositions } from '../cursor.ts';
import type { NextOffset, OpenRecord, PartitionId, PositionVector } from '../event.ts';
import type { EventLog, PositionVerdict } from '../log/event-log.ts';
import type { Telemetry } from '../telemetry/facade.ts';
import type { Blocks } from './blocks.ts';
import { CatchUp } from './catch-up.ts';
import type { CatchUpPort } from './catch-up-port.ts';
import type { EntryReader } from './entry-reader.ts';
import type { FeedGap } from './intake.ts';
import type { Lane } from './lane.ts';
import type { CoreOptions } from './options.ts';
import { Readings } from './readings.ts';
import {
  applyVerdicts,
  cutsIn,
  cutsToApply,
  isAboutToAppear,
  isReplaced,
  isUnfamiliar,
  mapCursor,
  missingPartitions,
} from './resume.ts';
import type { Ring } from './ring.ts';
import { Scan } from './scan.ts';
import type { Scheduler } from './scheduler.ts';
import type { Subscription } from './subscription.ts';
import type { Tail } from './tail.ts';
import type { TimerWheel } from './timer-wheel.ts';
import type { Turn } from './turn.ts';

/** A cursor that speaks of partitions which nobody finds in so many looks is not to be waited for. */
const maxLooks = 40;
const beginning: NextOffset = { next: 0n, epoch: -1 };

/** All subscriptions that are catching up: who is awake, who may scan, and where each begins. */

export type CatchUpPoolDeps = {
  readonly log: EventLog;
  readonly open: OpenRecord;
  readonly reader: EntryReader;
  readonly cursors: CursorCodec;
  readonly tail: Tail;
  readonly ring: Ring;
  readonly blocks: Blocks;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly options: CoreOptions;
};

export class CatchUpPool {
  readonly #deps: CatchUpPoolDeps;
  readonly #port: CatchUpPort<CatchUp>;
  readonly #members = new Map<Subscription, CatchUp>();
  readonly #awake = new Set<CatchUp>();
  readonly #timers = new Set<Timer>();
  readonly #readings: Readings;
  #isRunning = false;
  #isTailMoved = false;
  /** Somebody waits for a place among the readings, and has not looked again since. */
  #isCrowded = false;
  /** Counts what the feed has said of positions: an answer of the log from before says nothing about now. */
  #gaps = 0;

  constructor(deps: CatchUpPoolDeps) {
    this.#deps = deps;
    const { log, open, reader, tail, ring, blocks, turn, scheduler, telemetry, clock, options } = deps;
    this.#readings = new Readings({
      log,
      open,
      reader,
      now: () => clock.now(),
      blocks,
      tail,
      turn,
      scheduler,
      counts: telemetry.counts,
      maxKeptBytes: options.scanKeptBytes,
      maxScans: options.maxScans,
      members: this.#members,
      monotonic: () => clock.monotonic(),
      after: (delayMs, task) => deps.wheel.after(delayMs, task),
      freed: () => this.moved(),
    });
    this.#port = {
      tail,
      ring,
      blocks,
      turn,
      telemetry,
      replayMaxAgeMs: options.replayMaxAgeMs,
      checkpointMs: options.checkpointMs,
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      wake: (catchUp) => this.#wake(catchUp),
      startScan: (lane, member) => this.#startScan(lane, member),
      rest: (catchUp, lane) => {
        lane.restUntilMs = clock.monotonic() + options.retryMs;
        this.#after(options.retryMs, () => this.#wake(catchUp));
      },
      prove: (catchUp, lane) => {
        this.#prove(catchUp, lane).catch((thrown: unknown) => catchUp.subscription.host.fail(thrown));
      },
      ended: (catchUp) => this.#remove(catchUp),
    };
  }

  get size(): number {
    return this.#members.size;
  }

  /** Catching up from the node's own tail as it stands now: the subscription's outbox passed its mark. */
  startAtTail(subscription: Subscription): void {
    const catchUp = this.#add(subscription);
    catchUp.begin(this.#deps.tail.snapshot());
  }

  /**
   * Catching up from a client's cursor. What is no cursor of ours is a gap, and live at once; otherwise the log is asked about the positions
   * first, again and again until it answers or the subscription ends.
   */
  startAt(subscription: Subscription, after: string): void {
    const cursor = this.#deps.cursors.decode(after);
    if (cursor === null) {
      subscription.isLive = true;
      subscription.offerGap('INVALID_CURSOR', this.#deps.tail.cursor());
      return;
    }
    this.#resume(this.#add(subscription), cursor).catch((thrown: unknown) => subscription.host.fail(thrown));
  }

  /** Where a subscription stands; null where it has no position yet. */
  placeOf(subscription: Subscription): string | null {
    return this.#members.get(subscription)?.place() ?? null;
  }

  /** The outbox of a session has room again. */
  relieved(subscription: Subscription): void {
    const catchUp = this.#members.get(subscription);
    if (catchUp !== undefined) this.#wake(catchUp);
  }

  /** The tail has moved, or a scan came free. Told once per turn to those who wait for it. */
  moved(): void {
    if (this.#isTailMoved || this.#members.size === 0) return;
    this.#isTailMoved = true;
    this.#deps.scheduler.soon(() => {
      this.#isTailMoved = false;
      this.#isCrowded = false;
      for (const catchUp of this.#members.values()) if (catchUp.isResting) this.#wake(catchUp);
    });
  }

  gap(gap: FeedGap): void {
    this.#gaps += 1;
    this.#readings.gap(gap);
    for (const catchUp of this.#members.values()) {
      catchUp.feedGap(gap);
      this.#wake(catchUp);
    }
  }

  remove(subscription: Subscription): void {
    const catchUp = this.#members.get(subscription);
    if (catchUp === undefined) return;
    this.#remove(catchUp);
    catchUp.end();
  }

  /** Ends everything that is being read. */
  stop(): void {
    for (const catchUp of [...this.#members.values()]) this.remove(catchUp.subscription);
    for (const timer of this.#timers) timer.cancel();
    this.#readings.stop();
  }

  #add(subscription: Subscription): CatchUp {
    const catchUp = new CatchUp(subscription, this.#port);
    this.#members.set(subscription, catchUp);
    return catchUp;
  }

  #remove(catchUp: CatchUp): void {
    this.#awake.delete(catchUp);
    if (this.#members.get(catchUp.subscription) === catchUp) this.#members.delete(catchUp.subscription);
  }

  #wake(catchUp: CatchUp): void {
    if (catchUp.isEnded) return;
    this.#awake.add(catchUp);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#deps.scheduler.soon(() => this.#run());
  }

  /** One turn: each that is awake, in order, one at least, until the turn's allowance is used up. */
  #run(): void {
    this.#isRunning = false;
    for (const [index, catchUp] of [...this.#awake].entries()) {
      if (index > 0 && this.#deps.turn.isOver) break;
      this.#awake.delete(catchUp);
      this.#pump(catchUp);
    }
    if (this.#awake.size === 0 || this.#isRunning) return;
    this.#isRunning = true;
    this.#deps.scheduler.soon(() => this.#run());
  }

  #pump(catchUp: CatchUp): void {
    try {
      if (catchUp.pump()) this.#awake.add(catchUp);
      if (this.#isCrowded) catchUp.releaseIfFull();
    } catch (thrown) {
      catchUp.subscription.host.fail(thrown);
    }
  }

  /** Joins a reading that is under way there, or begins one. */
  #startScan(lane: Lane, member: CatchUp): Scan | null {
    if (this.#deps.clock.monotonic() < lane.restUntilMs) return null;
    const run = this.#readings.find(lane);
    if (run === null) {
      this.#isCrowded = true;
      return null;
    }
    lane.scannedFrom = lane.position.next;
    const { keys, subscription } = member;
    const { addressee } = subscription;
    return new Scan(run, { addressee, keys, position: lane.position.next, wake: () => this.#wake(member) });
  }

  async #resume(catchUp: CatchUp, cursor: readonly TopicPositions[]): Promise<void> {
    const { tail } = this.#deps;
    await this.#familiarise(catchUp, cursor);
    let verdicts: ReadonlyMap<PartitionId, PositionVerdict>;
    let asked: string;
    do {
      asked = this.#ground();
      verdicts = await this.#check(catchUp, mapCursor(cursor, tail).positions);
      // What was cut or made anew while the log was asked, the answer says nothing about.
    } while (asked !== this.#ground() && !catchUp.isEnded);
    if (catchUp.isEnded) return;
    const { positions, isRecreated } = mapCursor(cursor, tail);
    const isTruncated = applyVerdicts(positions, verdicts, tail);
    catchUp.begin(positions);
    if (isRecreated) catchUp.subscription.offerGap('RECREATED', catchUp.cursor());
    if (isTruncated) catchUp.subscription.offerGap('TRUNCATED', catchUp.cursor());
    this.#wake(catchUp);
    await this.#watchAhead(catchUp);
  }

  async #prove(catchUp: CatchUp, lane: Lane): Promise<void> {
    let asked: string;
    let cuts: PositionVector;
    do {
      asked = this.#ground();
      cuts = cutsIn(await this.#check(catchUp, new Map([[lane.partition, lane.position]])));
    } while (asked !== this.#ground() && !catchUp.isEnded);
    if (catchUp.isEnded) return;
    catchUp.truncated(cuts);
    lane.proof = 'given';
    this.#wake(catchUp);
  }

  /** What positions are about: another one means that they have to be judged again. */
  #ground(): string {
    const topics = this.#deps.tail.topics.map(({ fingerprint, partitionCount }) => `${fingerprint}/${partitionCount}`);
    return [this.#gaps, ...topics].join(' ');
  }

  /** A position beyond the tail waits for it; from time to time the log is asked whether it will ever come. */
  async #watchAhead(catchUp: CatchUp): Promise<void> {
    while (!catchUp.isEnded && catchUp.positionsAhead().size > 0) {
      await this.#pause(this.#deps.options.aheadCheckMs);
      const asked = this.#ground();
      const verdicts = await this.#check(catchUp, catchUp.positionsAhead());
      const cuts = cutsToApply(catchUp.positionsAhead(), verdicts, this.#deps.tail);
      if (catchUp.isEnded || cuts.size === 0 || asked !== this.#ground()) continue;
      catchUp.truncated(cuts);
      this.#wake(catchUp);
    }
  }

  /**
   * A cursor from a node that knows more: have the log look again, and wait until what it finds is adopted here. A node that knows no topic at all
   * cannot say what a cursor means.
   */
  async #familiarise(catchUp: CatchUp, cursor: readonly TopicPositions[]): Promise<void> {
    const { log, tail } = this.#deps;
    if (!isUnfamiliar(cursor, tail.topics)) return;
    await this.#untilAnswered(catchUp, () => log.offsets());
    for (let looks = 0; looks < maxLooks && !catchUp.isEnded; looks++) {
      const missing = missingPartitions(cursor, tail.topics);
      if (missing.length === 0) break;
      // Asked about what it does not know, the log looks again.
      await this.#check(catchUp, new Map(missing.map((partition) => [partition, beginning])));
      await this.#pause();
    }
    const isWithout = (): boolean => cursor.length > 0 && tail.topics.length === 0;
    while (
      !catchUp.isEnded &&
      (isWithout() || isAboutToAppear(cursor, { topology: log.topology(), adopted: tail.topics }))
    ) {
      await this.#pause();
    }
  }

  /** What the log says of positions; nothing where it has gone on to another topic than this node: the feed will tell that to all. */
  async #check(
    catchUp: CatchUp,
    positions: ReadonlyMap<PartitionId, NextOffset>,
  ): Promise<ReadonlyMap<PartitionId, PositionVerdict>> {
    const { log, tail } = this.#deps;
    const verdicts = await this.#untilAnswered(catchUp, () => log.check(positions));
    const isOfAnother = tail.topics.some((topic) => isReplaced(topic, log.topology()));
    return verdicts === null || isOfAnother ? new Map() : verdicts;
  }

  /** Asks until there is an answer; null once the subscription has ended. */
  async #untilAnswered<Answer>(catchUp: CatchUp, ask: () => Promise<Answer>): Promise<Answer | null> {
    while (!catchUp.isEnded) {
      try {
        return await ask();
      } catch {
        // The log is out of contact; the intake reports that, once for all.
        await this.#pause();
      }
    }
    return null;
  }

  #pause(delayMs: number = this.#deps.options.retryMs): Promise<void> {
    return new Promise((resolve) => this.#after(delayMs, resolve));
  }

  #after(delayMs: number, task: () => void): void {
    const timer = this.#deps.wheel.after(delayMs, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }
}
