import { GatewayError } from '../errors.ts';
import type { NewRecord, PartitionId, PositionVector } from '../event.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { EmbeddedAppender } from './embedded-appender.ts';
import { EmbeddedFeed, type ReadChunk } from './embedded-feed.ts';
import type { EmbeddedPartition, EmbeddedPartitions } from './embedded-partitions.ts';
import type {
  AppendResult,
  EventLog,
  Feed,
  FeedHandler,
  LogChunk,
  OffsetRange,
  PositionVerdict,
  Topology,
} from './event-log.ts';

/** What the logs of one store share. */
export type EmbeddedStoreCore = {
  readonly partitions: EmbeddedPartitions;
  readonly appender: EmbeddedAppender;
  readonly logger: Logger;
  isUp(): boolean;
  /** Creates the topics where missing and learns their bounds; waits while there is no worker. Rejects when the database refuses. */
  ensure(names: readonly string[]): Promise<void>;
  /** As `read`, one at a time: what is appended, and what is live, does not stand in line behind all who are catching up. */
  readHistory(partition: EmbeddedPartition, from: bigint, to: bigint): Promise<LogChunk | null>;
  /** One chunk of `[from, to)`; null = the store was closed. Waits while there is no worker. Rejects when the database refuses. */
  read(partition: EmbeddedPartition, from: bigint, to: bigint): Promise<LogChunk | null>;
  /** Resolves a second later, or when the store closes. */
  pause(): Promise<void>;
};

const closedError = (): GatewayError =>
  new GatewayError('LOG_UNAVAILABLE', 'the log is closed: open another', { outcome: 'not_written' });

/** The EventLog port over some topics of an embedded store. */
export class EmbeddedLog implements EventLog {
  readonly #core: EmbeddedStoreCore;
  readonly #names: readonly string[];
  readonly #feeds = new Set<EmbeddedFeed>();
  readonly #pending = new Set<Promise<unknown>>();
  #opened: Promise<Topology> | null = null;
  #isOpen = false;
  #isClosed = false;

  constructor(core: EmbeddedStoreCore, names: readonly string[]) {
    this.#core = core;
    this.#names = names;
  }

  open(): Promise<Topology> {
    if (this.#isClosed) return Promise.reject(closedError());
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open(): Promise<Topology> {
    while (!this.#isClosed) {
      try {
        await this.#core.ensure(this.#names);
        this.#isOpen = true;
        return this.topology();
      } catch (thrown) {
        this.#core.logger.error('the embedded log cannot be opened yet', { error: (thrown as Error).message });
        await this.#core.pause();
      }
    }
    throw closedError();
  }

  topology(): Topology {
    const topics = this.#names.map((name) => this.#core.partitions.topic(name)?.shown);
    return { topics: topics.filter((topic) => topic !== undefined) };
  }

  async append(records: readonly NewRecord[]): Promise<readonly AppendResult[]> {
    if (this.#isClosed) return records.map(() => ({ ok: false, error: closedError() }));
    const topic = this.#core.partitions.topic(this.#names[0] ?? '');
    const results = this.#core.appender.append(topic, records);
    this.#pending.add(results);
    try {
      return await results;
    } finally {
      this.#pending.delete(results);
    }
  }

  follow(from: PositionVector, handler: FeedHandler): Feed {
    const feed = new EmbeddedFeed({ from, handler, read: this.#readForFeed, logger: this.#core.logger });
    this.#feeds.add(feed);
    const start = (): void => {
      for (const partition of this.#partitions()) feed.add(partition);
    };
    if (this.#isOpen) start();
    else this.open().then(start, ignoreClosed);
    return {
      stop: async () => {
        this.#feeds.delete(feed);
        await feed.stop();
      },
    };
  }

  async *read(...[id, from, to, { signal }]: Parameters<EventLog['read']>): AsyncGenerator<LogChunk> {
    const partition = this.#core.partitions.find(id);
    let next = from;
    while (partition !== undefined && next < to && next < partition.end && !signal.aborted && !this.#isClosed) {
      const chunk = await this.#core.readHistory(partition, next, to);
      if (chunk === null) throw new GatewayError('LOG_UNAVAILABLE', 'the embedded log was closed during a read');
      if (signal.aborted) return;
      next = chunk.kind === 'gap' ? chunk.to : chunk.next.next;
      yield chunk;
    }
  }

  async offsets(): Promise<ReadonlyMap<PartitionId, OffsetRange>> {
    await this.#answering();
    return new Map(this.#partitions().map(({ id, start, end }) => [id, { start, end }]));
  }

  async check(positions: PositionVector): Promise<ReadonlyMap<PartitionId, PositionVerdict>> {
    await this.#answering();
    const known = new Map(this.#partitions().map((partition) => [partition.id, partition]));
    return new Map([...positions].map(([id, { next }]) => [id, judge(known.get(id), next)]));
  }

  /** Never called: the topics of an open embedded store do not change. */
  onTopologyChange(): () => void {
    return () => undefined;
  }

  stalled(ms: number): void {
    for (const feed of this.#feeds) feed.stalled(ms);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#feeds].map((feed) => feed.stop()));
    this.#feeds.clear();
    await Promise.all(this.#pending);
  }

  /** A feed outlives passing trouble of the database: it says so and asks again. */
  readonly #readForFeed: ReadChunk = async (partition, from, to) => {
    while (!this.#isClosed) {
      try {
        return await this.#core.read(partition, from, to);
      } catch (thrown) {
        this.#core.logger.error('a feed cannot read the embedded log', { error: (thrown as Error).message });
        await this.#core.pause();
      }
    }
    return null;
  };

  async #answering(): Promise<void> {
    if (this.#isClosed) throw closedError();
    if (this.#core.isUp()) return;
    throw new GatewayError('LOG_UNAVAILABLE', 'the embedded log worker is being started anew: retry', {
      retryAfterMs: 1_000,
    });
  }

  #partitions(): EmbeddedPartition[] {
    return this.#names.flatMap((name) => this.#core.partitions.topic(name)?.partitions ?? []);
  }
}

const ignoreClosed = (): void => undefined;

const judge = (partition: EmbeddedPartition | undefined, next: bigint): PositionVerdict => {
  if (partition === undefined) return 'unknown';
  // One writer, one reader: a position beyond the end cannot come from a node that is ahead.
  if (next > partition.end) return { cutAt: { next: partition.end, epoch: 0 } };
  return next < partition.start ? 'expired' : 'valid';
};
