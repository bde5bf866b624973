import type { DeadLetterReason, Decoded, DecodeRecord, LogRecord, PartitionId, Position } from '../event.ts';
import type { FeedHandler, GapChunk, LogChunk, LogTopic, RecordChunk, Topology } from '../log/event-log.ts';
import type { Telemetry } from '../telemetry/facade.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Blocks } from './blocks.ts';
import { DuplicateWindow } from './duplicate-window.ts';
import { audienceOf, judge } from './entry.ts';
import { isReplaced } from './resume.ts';
import type { Ring } from './ring.ts';
import type { Router } from './router.ts';
import { partitionsOf, type Tail } from './tail.ts';
import type { Turn } from './turn.ts';

/**
 * The receiving end of the log's feed: decodes each record, moves the tail over it, keeps it in the ring and has it routed, all in one turn per
 * record. Between records it may yield; whatever one record does, the partition moves on.
 */

export type IntakeDeps = {
  readonly decode: DecodeRecord;
  readonly tail: Tail;
  readonly ring: Ring;
  readonly blocks: Blocks;
  readonly router: Router;
  readonly turn: Turn;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  /** Wall clock. */
  now(): number;
  /** The newest topology that the log knows. */
  topology(): Topology;
  /** Takes note of a record for the dead letters. Must not throw; a throw is counted and otherwise ignored. */
  deadLetter(position: Position, reason: DeadLetterReason): void;
  /** The tail has moved: those who follow it at a distance may go on. */
  moved(): void;
  /** Positions of those who are catching up are void, as told; live ones hear of it from the router. */
  gap(gap: FeedGap): void;
  /** The log has not answered for `ms`; 0 when contact is back. */
  stalled(ms: number): void;
};

/** What a gap of the feed means for positions: TRUNCATED cuts one partition back to `from`; RECREATED starts all of `partitions` at 0. */
export type FeedGap =
  | { readonly reason: 'EXPIRED' }
  | {
      readonly reason: 'TRUNCATED';
      readonly partition: PartitionId;
      readonly from: bigint;
      /** Of the record before `from`; -1: not known. */
      readonly epoch: number;
      /** Of what this node had read last: positions of a later epoch are not from before the cut. -1: not known. */
      readonly lastEpoch: number;
    }
  | { readonly reason: 'RECREATED'; readonly partitions: readonly PartitionId[] };

export class Intake implements FeedHandler {
  readonly #deps: IntakeDeps;
  readonly #windows = new Map<PartitionId, DuplicateWindow>();
  /** Partitions of a re-created topic whose feed still has records of the old one in hand. */
  readonly #awaitingGap = new Set<PartitionId>();
  /** Partitions of topics that do not exist at present. */
  #gone: ReadonlySet<PartitionId> = new Set();
  /** When this node last read something that was stamped when, per partition, for lag. */
  readonly lastRecordAtMs: Map<PartitionId, number> = new Map();

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  /**
   * Takes over topics and partitions that are new. A changed fingerprint waits for its gap, which says so in the order of the feed; a topic that is
   * gone stays what it was until another one comes in its place: positions in it mean something until then.
   */
  adopt(topology: Topology): void {
    const { tail, ring, blocks } = this.#deps;
    const adopted = new Map(tail.topics.map((topic) => [topic.name, topic]));
    const next = topology.topics.map((topic): LogTopic => {
      const known = adopted.get(topic.name);
      return known === undefined || known.fingerprint === topic.fingerprint ? topic : known;
    });
    const names = new Set(next.map(({ name }) => name));
    const gone = tail.topics.filter(({ name }) => !names.has(name));
    this.#gone = new Set(gone.flatMap(partitionsOf));
    tail.adopt([...next, ...gone]);
    for (const partition of next.flatMap(partitionsOf)) {
      if (tail.at(partition) !== undefined) continue;
      // A topic that was away for a while may be another one by now: its offsets say nothing about the new one's.
      this.#windows.delete(partition);
      blocks.clear(partition);
      tail.move(partition, { next: 0n, epoch: -1 });
      ring.reset(partition, 0n);
      blocks.begin(partition, 0n);
    }
    this.#deps.moved();
  }

  /**
   * Sets where reading a partition begins; before the feed runs. The ring keeps what stands at `coveredFrom` and after: what comes
   * before only fills the duplicate window.
   */
  startAt(partition: PartitionId, offset: bigint, coveredFrom: bigint = offset): void {
    this.#deps.tail.move(partition, { next: offset, epoch: -1 });
    this.#deps.ring.reset(partition, coveredFrom);
    this.#deps.blocks.begin(partition, coveredFrom);
  }

  /** Where reading a partition stands. */
  positionOf(partition: PartitionId): bigint {
    return this.#deps.tail.at(partition)?.next ?? 0n;
  }

  chunk(chunk: LogChunk): void | Promise<void> {
    if (chunk.kind === 'gap') return this.#gap(chunk);
    return this.#records(chunk, { from: 0, isWarmUp: false });
  }

  /** Reads what lies before the feed's start into ring and windows: nothing is routed, dead letters are reported again. */
  warmUp(chunk: LogChunk): void | Promise<void> {
    if (chunk.kind === 'records') return this.#records(chunk, { from: 0, isWarmUp: true });
    if (chunk.reason === 'EXPIRED') this.startAt(chunk.partition, chunk.to);
  }

  stalled(ms: number): void {
    this.#deps.stalled(ms);
  }

  async #goOn(chunk: RecordChunk, how: { from: number; isWarmUp: boolean }): Promise<void> {
    this.#deps.moved();
    await this.#deps.turn.next();
    await this.#records(chunk, how);
  }

  #records(chunk: RecordChunk, { from, isWarmUp }: { from: number; isWarmUp: boolean }): void | Promise<void> {
    const { turn, tail, ring, blocks } = this.#deps;
    if (tail.at(chunk.partition) === undefined) this.#meet(chunk.partition);
    // These records belong to the topic that was; the gap that was announced stands for them.
    if (this.#awaitingGap.has(chunk.partition)) return;
    for (let index = from; index < chunk.records.length; index++) {
      if (turn.isOver) return this.#goOn(chunk, { from: index, isWarmUp });
      const record = chunk.records[index];
      if (record !== undefined) this.#record(record, isWarmUp);
    }
    tail.move(chunk.partition, chunk.next);
    ring.advance(chunk.partition, chunk.next.next);
    blocks.advance(chunk.partition, chunk.next);
    this.#deps.moved();
  }

  /** A partition that nobody has told of yet: added, or of a topic that was made anew with more of them than there were. */
  #meet(partition: PartitionId): void {
    const { tail, topology } = this.#deps;
    this.adopt(topology());
    const isOther = tail.topics.some((topic) => isReplaced(topic, topology()));
    if (tail.at(partition) === undefined && isOther) this.#recreated(partition);
  }

  /** One record, in one turn. A bug of ours in it is counted and costs this record only. */
  #record(record: LogRecord, isWarmUp: boolean): void {
    const { tail, ring, blocks, router, telemetry, logger, decode, now } = this.#deps;
    const { partition, offset, epoch } = record;
    if (offset < (tail.at(partition)?.next ?? 0n)) return;
    tail.move(partition, { next: offset + 1n, epoch });
    ring.advance(partition, offset + 1n);
    this.lastRecordAtMs.set(partition, record.timestampMs);
    try {
      telemetry.counts.recordsRead += 1;
      const window = this.#window(partition);
      const fetchedAtMs = now();
      const { decoded, isDuplicate, entry } = judge(
        record,
        (each) => decode(each, fetchedAtMs),
        (key, at) => window.note(key, at),
      );
      blocks.note(record, { audience: entry === null ? null : audienceOf(entry), isDuplicate });
      this.#count(decoded, isDuplicate);
      this.#report(decoded, { partition, offset, epoch });
      if (entry === null) return;
      ring.push(record, audienceOf(entry), fetchedAtMs);
      if (!isWarmUp) router.route(entry);
    } catch (thrown) {
      telemetry.counts.actorFailures += 1;
      logger.error('dispatching a record failed: it is skipped', {
        partition,
        offset: String(offset),
        error: String(thrown),
      });
    }
  }

  /** Whether an event of this duplicate key was read within the window before the tail, in any partition. */
  hasSeen(dedupeKey: string): boolean {
    for (const [partition, window] of this.#windows) {
      const position = this.#gone.has(partition) ? undefined : this.#deps.tail.at(partition);
      if (position !== undefined && window.has(dedupeKey, position.next)) return true;
    }
    return false;
  }

  #count(decoded: Decoded, isDuplicate: boolean): void {
    const { counts } = this.#deps.telemetry;
    if (isDuplicate) counts.recordsDuplicate += 1;
    if (decoded.kind === 'skip' && decoded.why === 'tombstone') counts.recordsTombstone += 1;
    if (decoded.kind === 'skip' && decoded.why === 'expired') counts.recordsExpired += 1;
    const isUnknownEvent = decoded.kind === 'event' && decoded.envelope.content === null;
    if (isUnknownEvent || (decoded.kind === 'unreadable' && decoded.reason.code === 'unknown_type')) {
      counts.recordsUnknownType += 1;
    }
  }

  #report(decoded: Decoded, position: Position): void {
    const isDead = decoded.kind === 'dead' || (decoded.kind === 'unreadable' && decoded.isDeadLetter);
    if (!isDead) return;
    this.#deps.telemetry.count('deadLetters', decoded.reason.code);
    this.#deps.deadLetter(position, decoded.reason);
  }

  #gap(chunk: GapChunk): void {
    if (chunk.reason === 'RECREATED') this.#recreated(chunk.partition);
    else this.#cut(chunk);
    this.#deps.moved();
  }

  #cut({ partition, reason, from, to, epoch = -1 }: GapChunk): void {
    const next = reason === 'TRUNCATED' ? from : to;
    const lastEpoch = this.#deps.tail.at(partition)?.epoch ?? -1;
    if (reason === 'TRUNCATED') this.#deps.blocks.truncate(partition, from);
    this.startAt(partition, next);
    if (reason === 'TRUNCATED') {
      this.#window(partition).truncate(from);
      this.#deps.tail.move(partition, { next, epoch });
      this.#deps.gap({ reason, partition, from, epoch, lastEpoch });
    } else this.#deps.gap({ reason: 'EXPIRED' });
    this.#deps.router.gap(reason);
  }

  /**
   * The first gap of a re-created topic starts all of its partitions anew; those of the others then say nothing new, unless there is yet another topic
   * by now: a partition that lagged says it once for both.
   */
  #recreated(partition: PartitionId): void {
    const { tail, ring, blocks, router } = this.#deps;
    const isAnnounced = this.#awaitingGap.delete(partition) && !this.#isReplaced(partition);
    if (!isAnnounced) {
      const partitions = this.#adoptRecreated(partition);
      for (const each of partitions) {
        tail.move(each, { next: 0n, epoch: -1 });
        ring.reset(each, 0n);
        blocks.clear(each);
        blocks.begin(each, 0n);
        this.#windows.delete(each);
      }
      this.#deps.gap({ reason: 'RECREATED', partitions });
      router.gap('RECREATED');
    }
    this.startAt(partition, 0n);
  }

  /** Whether the log has another topic than this node where `partition` is. */
  #isReplaced(partition: PartitionId): boolean {
    const { tail, topology } = this.#deps;
    const topic = tail.topics.find((each) => partitionsOf(each).includes(partition));
    return topic !== undefined && isReplaced(topic, topology());
  }

  /** Takes over the new topic that `partition` is of; returns the partitions that start anew. */
  #adoptRecreated(partition: PartitionId): readonly PartitionId[] {
    const { tail } = this.#deps;
    const old = tail.topics.find(({ name }) => name === partition.slice(0, partition.lastIndexOf('/')));
    const fresh = this.#deps.topology().topics.find((topic) => topic.name === old?.name);
    if (old === undefined || fresh === undefined || fresh.fingerprint === old.fingerprint) return [partition];
    const before = new Set(partitionsOf(old));
    for (const each of before) this.#windows.delete(each);
    tail.adopt(tail.topics.map((topic) => (topic === old ? fresh : topic)));
    const partitions = partitionsOf(fresh);
    for (const each of partitions) if (each !== partition && before.has(each)) this.#awaitingGap.add(each);
    return partitions;
  }

  #window(partition: PartitionId): DuplicateWindow {
    const known = this.#windows.get(partition);
    if (known !== undefined) return known;
    const made = new DuplicateWindow();
    this.#windows.set(partition, made);
    return made;
  }
}
