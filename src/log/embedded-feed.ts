import type { LogRecord, PositionVector } from '../event.ts';
import type { BlockRecord } from '../record-block.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { EmbeddedPartition, PartitionWatcher } from './embedded-partitions.ts';
import type { Feed, FeedHandler, LogChunk } from './event-log.ts';

/** Reads what stands at `from` of a partition, up to `to`; null = nothing there, or the worker is gone for now. */
export type ReadChunk = (partition: EmbeddedPartition, from: bigint, to: bigint) => Promise<LogChunk | null>;

type FeedOptions = {
  readonly from: PositionVector;
  readonly handler: FeedHandler;
  readonly read: ReadChunk;
  readonly logger: Logger;
};

/**
 * The live tail. Records are pushed right after their commit; a partition whose handler is still busy, or that began in the past, reads
 * from the database until it has reached the end, and is pushed to from then on. Nothing is polled.
 */
export class EmbeddedFeed implements Feed {
  readonly #options: FeedOptions;
  readonly #partitions: PartitionFeed[] = [];
  isStopped = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Follows one more partition, from its position or its end. */
  add(partition: EmbeddedPartition): void {
    if (this.isStopped) return;
    const next = this.#options.from.get(partition.id)?.next ?? partition.end;
    const feed = new PartitionFeed({ ...this.#options, feed: this, partition, next });
    this.#partitions.push(feed);
    feed.moved();
  }

  stalled(ms: number): void {
    if (this.isStopped) return;
    this.#options.handler.stalled(ms);
    if (ms === 0) for (const partition of this.#partitions) partition.moved();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    for (const partition of this.#partitions) partition.end();
  }
}

type PartitionFeedOptions = FeedOptions & {
  readonly feed: EmbeddedFeed;
  readonly partition: EmbeddedPartition;
  readonly next: bigint;
};

class PartitionFeed implements PartitionWatcher {
  readonly #options: PartitionFeedOptions;
  #next: bigint;
  #isBusy = false;

  constructor(options: PartitionFeedOptions) {
    this.#options = options;
    this.#next = options.next;
    options.partition.watchers.add(this);
  }

  end(): void {
    this.#options.partition.watchers.delete(this);
  }

  committed(records: readonly BlockRecord[], own: () => LogRecord[]): void {
    const { partition } = this.#options;
    const last = records.at(-1);
    if (this.#isBusy || last === undefined) return;
    if (records[0]?.offset !== this.#next) {
      this.moved();
      return;
    }
    const next = { next: last.offset + 1n, epoch: 0 };
    void this.#run({ kind: 'records', partition: partition.id, records: own(), next });
  }

  moved(): void {
    if (!this.#isBusy && this.#next !== this.#options.partition.end) void this.#run(null);
  }

  /** Hands over `pushed`, then whatever was committed meanwhile, until the end is reached. Synchronous where nothing is to be waited for. */
  async #run(pushed: LogChunk | null): Promise<void> {
    this.#isBusy = true;
    try {
      const handled = pushed === null ? undefined : this.#handOver(pushed);
      if (handled !== undefined) await handled;
      if (!this.#isAtRest) await this.#catchUp();
    } catch (thrown) {
      const error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      this.#options.logger.error('a feed ended since its handler threw', { error });
      await this.#options.feed.stop();
    } finally {
      this.#isBusy = false;
    }
  }

  async #catchUp(): Promise<void> {
    while (!this.#isAtRest) {
      const chunk = await this.#read();
      if (chunk === null || this.#options.feed.isStopped) return;
      await this.#handOver(chunk);
    }
  }

  get #isAtRest(): boolean {
    return this.#options.feed.isStopped || this.#next === this.#options.partition.end;
  }

  #handOver(chunk: LogChunk): void | Promise<void> {
    this.#next = afterChunk(chunk);
    return this.#options.handler.chunk(chunk);
  }

  async #read(): Promise<LogChunk | null> {
    const { partition, read } = this.#options;
    if (this.#next > partition.end) return this.#truncated(partition);
    return read(partition, this.#next, partition.end);
  }

  /** This log has one writer and loses nothing: a position beyond its end was taken before an older copy of the folder was put back. */
  #truncated({ id, end }: EmbeddedPartition): LogChunk {
    return { kind: 'gap', partition: id, from: end, to: this.#next, reason: 'TRUNCATED', epoch: 0 };
  }
}

const afterChunk = (chunk: LogChunk): bigint => {
  if (chunk.kind === 'records') return chunk.next.next;
  return chunk.reason === 'EXPIRED' ? chunk.to : chunk.from;
};
