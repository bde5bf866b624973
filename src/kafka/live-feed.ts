import type { Timer } from '../clock.ts';
import { type NextOffset, type PartitionId, type PositionVector, partitionId } from '../event.ts';
import type { Feed, FeedHandler } from '../log/event-log.ts';
import { partitionRef } from './leaders.ts';
import { LiveLane } from './live-lane.ts';
import { livePartition } from './live-partition.ts';
import { LiveReader } from './live-reader.ts';
import type { TopicMetadata } from './metadata-request.ts';
import { pause } from './pause.ts';
import type { ReaderDeps } from './reader-deps.ts';

/** Contact counts as lost when a partition's leader has not answered for this long. */
const stalledAfterMs = 2_000;
/** The same where there is no partition to ask for: metadata is at most 10 s old. */
const viewStaleMs = 12_000;
const watchEveryMs = 1_000;

/**
 * A live tail over all partitions of a log's topics: one lane per leading node, partitions re-grouped whenever the cluster
 * answers. It begins at the positions given, at the end where there is none, at 0 in partitions that appear later.
 */
export class LiveFeed implements Feed {
  readonly #deps: ReaderDeps;
  readonly #from: PositionVector;
  readonly #handler: FeedHandler;
  readonly #reader: LiveReader;
  readonly #lanes = new Map<number, LiveLane>();
  readonly #awaitingEnd = new Set<PartitionId>();
  readonly #stopListening: () => void;
  #watch: Timer | null = null;
  #isStalled = false;
  /** Resolves when every partition that was known at the call has a position. */
  readonly positioned: Promise<void>;

  constructor(deps: ReaderDeps, from: PositionVector, handler: FeedHandler) {
    this.#deps = deps;
    this.#from = from;
    this.#handler = handler;
    this.#reader = new LiveReader(deps, handler);
    this.#reader.onReady = () => this.#wake();
    this.positioned = this.#positionAll();
    this.#stopListening = deps.view.onRefresh(() => this.#adopt());
    this.#adopt();
    this.#keepWatch();
  }

  async stop(): Promise<void> {
    this.#reader.end();
    this.#stopListening();
    this.#watch?.cancel();
    for (const lane of this.#lanes.values()) lane.close();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.ended));
  }

  #wake(): void {
    for (const lane of this.#lanes.values()) lane.wake();
  }

  async #positionAll(): Promise<void> {
    const { topics } = this.#deps.view.topology();
    await Promise.all(
      topics.map(({ name, partitionCount }) => {
        const indexes = Array.from({ length: partitionCount }, (_, index) => index);
        return this.#positionAtEnd(
          name,
          indexes.filter((index) => !this.#from.has(partitionId(name, index))),
        );
      }),
    );
  }

  async #positionAtEnd(topic: string, indexes: readonly number[]): Promise<void> {
    if (indexes.length === 0) return;
    const ids = indexes.map((index) => partitionId(topic, index));
    for (const id of ids) this.#awaitingEnd.add(id);
    const metadata = this.#deps.view.topic(topic);
    while (metadata !== undefined && !this.#reader.signal.aborted) {
      try {
        const bounds = await this.#deps.positions.bounds(topic, indexes, 'stable');
        for (const [index, { end }] of bounds) this.#add(metadata, index, { next: end, epoch: -1 });
        break;
      } catch {
        await pause(this.#deps.clock, 200, this.#reader.signal);
      }
    }
    for (const id of ids) this.#awaitingEnd.delete(id);
    this.#assign();
  }

  #add({ id: topicId, name }: TopicMetadata, index: number, position: NextOffset): void {
    const id = partitionId(name, index);
    const now = this.#deps.clock.monotonic();
    this.#reader.partitions.set(id, livePartition(partitionRef(id), { topicId, position, now }));
  }

  /** Takes in partitions that are new to the feed, and groups all of them by leader. */
  #adopt(): void {
    for (const { name } of this.#deps.view.topology().topics) {
      const topic = this.#deps.view.topic(name);
      for (const { index } of topic?.partitions ?? []) {
        const id = partitionId(name, index);
        if (topic === undefined || this.#reader.partitions.has(id) || this.#awaitingEnd.has(id)) continue;
        this.#add(topic, index, this.#from.get(id) ?? { next: 0n, epoch: -1 });
      }
    }
    this.#assign();
  }

  #assign(): void {
    if (this.#reader.signal.aborted) return;
    for (const partition of this.#reader.partitions.values()) {
      const leader = this.#deps.view.topic(partition.ref.topic)?.partitions[partition.ref.index]?.leader ?? -1;
      // Its poll may be in flight to a node that leads it no more, and that may be frozen: the answer would be dropped.
      if (partition.leader !== leader) partition.claim = null;
      partition.leader = leader;
      if (leader >= 0 && !this.#lanes.has(leader)) this.#lanes.set(leader, new LiveLane(this.#reader, leader));
    }
    this.#wake();
  }

  #keepWatch(): void {
    this.#watch = this.#deps.clock.after(watchEveryMs, () => {
      if (this.#reader.signal.aborted) return;
      const silentMs = this.#silentMs();
      const isStalled = silentMs > 0;
      if (isStalled || this.#isStalled) this.#handler.stalled(silentMs);
      this.#isStalled = isStalled;
      this.#keepWatch();
    });
  }

  /** For how long the log has been silent, 0 while it is not. A partition that is with its handler, or gone with its topic, is not asked. */
  #silentMs(): number {
    const now = this.#deps.clock.monotonic();
    const asked = [...this.#reader.partitions.values()].filter(
      ({ isBusy, ref }) => !isBusy && this.#deps.view.topic(ref.topic) !== undefined,
    );
    const silent = asked.map(({ contactAt }) => now - contactAt).filter((ms) => ms > stalledAfterMs);
    if (silent.length > 0) return Math.round(Math.max(...silent));
    return asked.length === 0 && this.#deps.view.ageMs > viewStaleMs ? Math.round(this.#deps.view.ageMs) : 0;
  }
}
