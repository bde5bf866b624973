import type { NextOffset, PartitionId, PositionVector } from '../event.ts';
import { AddresseeKeys } from './audience-filter.ts';
import type { CatchUpPort } from './catch-up-port.ts';
import { audienceOf, type Entry, isExpired } from './entry.ts';
import type { FeedGap } from './intake.ts';
import { Lane } from './lane.ts';
import { openDeliver } from './router.ts';
import type { ScanStep } from './scan.ts';
import type { Subscription } from './subscription.ts';
import { Offer } from './waiting.ts';

/**
 * Brings one subscription from its own positions to the node's tail: from the ring where that reaches, else from the log, as fast as the outbox
 * takes it. It becomes live only in a turn in which every position is exactly at the tail: then nothing can lie between. Between two
 * calls of `pump` it may stand anywhere; nothing is buffered but one chunk per scan.
 */
export class CatchUp {
  readonly subscription: Subscription;
  readonly #port: CatchUpPort<CatchUp>;
  /** Of all that it is addressed by. */
  readonly keys: AddresseeKeys;
  #lanes: Lane[] = [];
  /** Of the partitions that have lanes; null: lanes were made without looking at them. */
  #partitionsVersion: number | null = null;
  #isEnded = false;
  /** Without positions yet: the cursor is still being looked into. */
  #isReady = false;
  /** Set where old records were left out: said once. */
  #isLimited = false;
  /** Whether a position moved since the last checkpoint. */
  #hasMoved = false;
  /** True when only a move of the tail, or a scan that came free, can bring it on. */
  isResting = false;

  constructor(subscription: Subscription, port: CatchUpPort<CatchUp>) {
    this.subscription = subscription;
    this.#port = port;
    this.keys = new AddresseeKeys(subscription.addressee);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Sets where reading begins; from here on `pump` has something to do. */
  begin(positions: ReadonlyMap<PartitionId, NextOffset>): void {
    this.#lanes = [...positions].map(([partition, position]) => new Lane(partition, position));
    for (const lane of this.#lanes) if (lane.isAhead(this.#port.tail)) lane.proof = 'open';
    this.#isReady = true;
  }

  /** Where it stands; null while its cursor is still being looked into. */
  place(): string | null {
    return this.#isReady ? this.cursor() : null;
  }

  /** The cursor of where it stands. */
  cursor(): string {
    return this.#port.tail.encode(new Map(this.#lanes.map((lane) => [lane.partition, lane.position])));
  }

  end(): void {
    this.#isEnded = true;
    for (const lane of this.#lanes) lane.stopScan();
    this.#lanes = [];
  }

  /** The feed says that positions are void. */
  feedGap(gap: FeedGap): void {
    if (!this.#isReady || gap.reason === 'EXPIRED') return; // Its own reading meets what has expired.
    if (gap.reason === 'TRUNCATED') {
      const lane = this.#lanes.find((each) => each.partition === gap.partition);
      lane?.stopScan();
      // A cursor from a node that is ahead may know what stands there by now.
      const isAhead = lane !== undefined && gap.lastEpoch >= 0 && lane.position.epoch > gap.lastEpoch;
      if (lane === undefined || isAhead || lane.position.next <= gap.from) return;
      this.#restart(lane, { next: gap.from, epoch: gap.epoch });
    } else {
      const kept = this.#lanes.filter((lane) => !gap.partitions.includes(lane.partition));
      const gone = this.#lanes.filter((lane) => !kept.includes(lane));
      for (const lane of gone) lane.stopScan();
      this.#partitionsVersion = null;
      this.#lanes = [...kept, ...gap.partitions.map((partition) => new Lane(partition, { next: 0n, epoch: -1 }))];
    }
    this.subscription.offerGap(gap.reason, this.cursor());
  }

  /** Goes on as far as outbox, turn and log allow, and becomes live if that is all the way. True when it wants another turn at once. */
  pump(): boolean {
    if (this.#isEnded || !this.#isReady) return false;
    this.isResting = false;
    this.#addNewPartitions();
    const { tail } = this.#port;
    const proven = this.#lanes.filter((lane) => lane.isProven(tail, () => this.#port.prove(this, lane)));
    for (const lane of proven) {
      const outcome = this.#advance(lane);
      if (outcome === 'full') return false;
      if (outcome === 'over') {
        this.#checkpointIfDue();
        return true;
      }
    }
    if (proven.length === this.#lanes.length && proven.every((lane) => lane.isAtTail(tail))) this.#goLive();
    else {
      this.isResting = true;
      this.#checkpointIfDue();
    }
    return false;
  }

  /** The position at which it waits to read `partition`; null where it does not. */
  waitsFor(partition: PartitionId): bigint | null {
    const lane = this.#lanes.find((each) => each.partition === partition);
    const isWaiting = lane?.scan === null && lane.proof === 'given' && lane.isBehind(this.#port.tail) && !this.#isFull;
    if (isWaiting) this.#leap(lane);
    return isWaiting && !this.#port.ring.covers(partition, lane.position.next) ? lane.position.next : null;
  }

  /** Lanes that are not exactly at the tail though nothing holds them up: their positions are beyond it. */
  positionsAhead(): ReadonlyMap<PartitionId, NextOffset> {
    const ahead = this.#lanes.filter((lane) => lane.isAhead(this.#port.tail));
    return new Map(ahead.map((lane) => [lane.partition, lane.position]));
  }

  /** The log says after all that positions were cut off: on from where it was cut, unless the feed has said so meanwhile. */
  truncated(cuts: PositionVector): void {
    const isCut = (lane: Lane): boolean => lane.position.next > (cuts.get(lane.partition)?.next ?? lane.position.next);
    const lanes = this.#lanes.filter(isCut);
    if (lanes.length === 0) return;
    for (const lane of lanes) this.#restart(lane, cuts.get(lane.partition) ?? lane.position);
    this.subscription.offerGap('TRUNCATED', this.cursor());
  }

  /** Gives its scans back where its outbox is full anyway; it begins others when there is room again. */
  releaseIfFull(): void {
    if (this.#isFull) for (const lane of this.#lanes) lane.stopScan();
  }

  get #isFull(): boolean {
    return this.subscription.host.outbox.isSaturated;
  }

  /** A long way without anything for this subscription: it is told how far it has come, so that it need not begin again after a disconnect. */
  #checkpointIfDue(): void {
    const { subscription } = this;
    const { checkpointMs, tail } = this.#port;
    const nowMs = this.#port.monotonic();
    subscription.rest ??= { version: tail.version, dueMs: nowMs + checkpointMs };
    if (!this.#hasMoved || nowMs < subscription.rest.dueMs) return;
    this.#hasMoved = false;
    subscription.offerCheckpoint(this.cursor());
  }

  #goLive(): void {
    const { subscription } = this;
    this.end();
    this.#port.ended(this);
    subscription.isLive = true;
    subscription.flushUnreadable();
    if (subscription.isLive) subscription.offerCheckpoint(this.#port.tail.cursor());
  }

  /** Partitions that were added since are read from their beginning. */
  #addNewPartitions(): void {
    const { tail } = this.#port;
    if (this.#partitionsVersion === tail.partitionsVersion) return;
    this.#partitionsVersion = tail.partitionsVersion;
    for (const partition of tail.partitions) {
      if (this.#lanes.some((lane) => lane.partition === partition)) continue;
      this.#lanes.push(new Lane(partition, { next: 0n, epoch: -1 }));
    }
    this.#lanes = this.#lanes.filter((lane) => tail.at(lane.partition) !== undefined || this.#drop(lane));
  }

  #drop(lane: Lane): false {
    lane.stopScan();
    return false;
  }

  /** Takes one lane as far as it goes, one step at least: to the tail or to a wait (`done`), to a full outbox, or to the end of the turn. */
  #advance(lane: Lane): 'done' | 'full' | 'over' {
    while (lane.isBehind(this.#port.tail)) {
      if (this.#isFull) return 'full';
      if (!this.#step(lane)) break;
      if (this.#port.turn.isOver && lane.isBehind(this.#port.tail)) return 'over';
    }
    // Others may need the place that its reading takes.
    if (!lane.isBehind(this.#port.tail)) lane.stopScan();
    return this.#isFull ? 'full' : 'done';
  }

  #step(lane: Lane): boolean {
    const { position } = lane;
    const goesOn = this.#stepOn(lane);
    if (lane.position !== position) this.#hasMoved = true;
    return goesOn;
  }

  /** One step of one lane; false when it has to wait. */
  #stepOn(lane: Lane): boolean {
    const { ring, tail } = this.#port;
    if (!ring.covers(lane.partition, lane.position.next)) return this.#advanceByScan(lane);
    lane.stopScan();
    const entry = lane.takeFromRing(ring, tail, this.keys);
    if (entry !== null) this.#offer(entry);
    return true;
  }

  #advanceByScan(lane: Lane): boolean {
    if (lane.scan?.isWithin !== true && this.#leap(lane)) return true;
    lane.scan ??= this.#port.startScan(lane, this);
    if (lane.scan === null) return false;
    return this.#take(lane, lane.scan.step());
  }

  /** True when it has moved. */
  #leap(lane: Lane): boolean {
    const { blocks, telemetry } = this.#port;
    const leapt = lane.leap(blocks, this.keys);
    telemetry.counts.catchUpBlocksSkipped += leapt;
    return leapt > 0;
  }

  #take(lane: Lane, step: ScanStep): boolean {
    switch (step.kind) {
      case 'waiting':
        return false;
      case 'record':
        this.#takeRecord(lane, step);
        return true;
      case 'passed':
        lane.pass(step.position.next, step.position.epoch);
        return true;
      case 'gap':
        return this.#takeGap(lane, step.gap);
      case 'lost':
        lane.stopScan();
        return true;
      case 'ended':
        lane.stopScan();
        if (step.error === null && lane.position.next > lane.scannedFrom) return true;
        this.#port.rest(this, lane);
        return false;
    }
  }

  #takeRecord(lane: Lane, { place, entry }: Extract<ScanStep, { kind: 'record' }>): void {
    if (place.offset < lane.position.next) return;
    lane.pass(place.offset + 1n, place.epoch);
    const oldestMs = this.#port.now() - this.#port.replayMaxAgeMs;
    if (place.timestampMs >= oldestMs) {
      this.#offer(entry);
    } else if (this.#isFor(entry)) this.#limit(oldestMs);
  }

  #takeGap(lane: Lane, gap: Extract<ScanStep, { kind: 'gap' }>['gap']): boolean {
    if (gap.reason === 'RECREATED') {
      // The feed meets it too, and says which partitions start anew.
      lane.stopScan();
      this.#port.rest(this, lane);
      return false;
    }
    // Other records may stand where the log was cut: reading goes on there, not behind.
    if (gap.reason === 'TRUNCATED') lane.position = { next: gap.from, epoch: gap.epoch ?? -1 };
    else if (gap.reason === 'EXPIRED' && gap.to <= lane.position.next)
      return true; // Only the pre-roll has expired.
    else lane.pass(gap.to, -1);
    this.subscription.offerGap(gap.reason, this.cursor());
    return true;
  }

  /** Says once that what is older than `untilMs` is left out. */
  #limit(untilMs: number): void {
    if (this.#isLimited) return;
    this.#isLimited = true;
    this.subscription.offerGap('LIMIT', this.cursor(), { untilMs });
  }

  #isFor(entry: Entry): boolean {
    if (entry.kind === 'event') return this.subscription.wants(entry.envelope);
    return this.subscription.isAddressed(audienceOf(entry));
  }

  #offer(entry: Entry): void {
    const { subscription } = this;
    if (!this.#isFor(entry)) return;
    const cursor = this.cursor();
    if (entry.kind === 'unreadable') {
      subscription.offerUnreadable(entry.createdAtMs, cursor);
      return;
    }
    const { envelope } = entry;
    if (isExpired(envelope, this.#port.now())) {
      this.#port.telemetry.counts.recordsExpired += 1;
      return;
    }
    const process = this.#port.telemetry.startProcess(envelope, 'catchup');
    const how = { mode: 'catchup', sessionClass: subscription.host.sessionClass } as const;
    const trace = process === null ? null : openDeliver(process, envelope, how);
    subscription.offer(new Offer({ kind: 'event', envelope, cursor, isLive: false }), trace);
    process?.end(1);
  }

  #restart(lane: Lane, position: NextOffset): void {
    lane.stopScan();
    lane.proof = 'given';
    lane.position = position;
  }
}
