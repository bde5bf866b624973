import type { Clock } from '../clock.ts';
import type { LogRecord, NextOffset, PartitionId } from '../event.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { EventLog, Feed, GapChunk, LogChunk, OffsetRange } from './event-log.ts';

/** Follows a whole topic: what is in it already, then what comes. */

export type HistoryOptions = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** At most so many of the newest offsets of each partition are read from the past; null = all. */
  readonly maxPerPartition: number | null;
  /** Records in order; a throw is a bug and ends the feed. */
  records(records: readonly LogRecord[]): void;
  gap(gap: GapChunk): void;
};

export type History = {
  /** Resolves when what was there at the start has been handed over, or at `stop`. Rejects when the log cannot be opened at all. */
  readonly ready: Promise<void>;
  /** Resolves when no further call will be made. Leaves the log open. */
  stop(): Promise<void>;
};

const retryMs = 1_000;

/** Starts to follow `options.log`. Waits and retries while the log does not answer. */
export const followHistory = (options: HistoryOptions): History => new HistoryFeed(options);

class HistoryFeed implements History {
  readonly ready: Promise<void>;
  readonly #options: HistoryOptions;
  readonly #ready: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Ends that are not reached yet. */
  readonly #ahead = new Map<PartitionId, bigint>();
  #feed: Feed | null = null;
  #isStopped = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.ready = this.#ready.promise;
    this.ready.catch(() => undefined);
    this.#start().catch((thrown: unknown) => (this.#isStopped ? undefined : this.#ready.reject(thrown)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#ready.resolve();
    await this.#feed?.stop();
  }

  async #start(): Promise<void> {
    await this.#options.log.open();
    const offsets = await this.#offsets();
    if (offsets === null || this.#isStopped) return;
    const from = new Map<PartitionId, NextOffset>();
    for (const [partition, { start, end }] of offsets) {
      const next = this.#firstOf({ start, end });
      from.set(partition, { next, epoch: -1 });
      if (next < end) this.#ahead.set(partition, end);
    }
    if (this.#ahead.size === 0) this.#ready.resolve();
    this.#feed = this.#options.log.follow(from, {
      chunk: (chunk) => this.#take(chunk),
      stalled: () => undefined,
    });
  }

  #firstOf({ start, end }: OffsetRange): bigint {
    const { maxPerPartition } = this.#options;
    const first = maxPerPartition === null ? start : end - BigInt(maxPerPartition);
    return first > start ? first : start;
  }

  async #offsets(): Promise<ReadonlyMap<PartitionId, OffsetRange> | null> {
    while (!this.#isStopped) {
      try {
        return await this.#options.log.offsets();
      } catch (thrown) {
        this.#options.logger.warn('a topic cannot be followed yet', { error: (thrown as Error).message });
        await new Promise<void>((resolve) => this.#options.clock.after(retryMs, resolve));
      }
    }
    return null;
  }

  #take(chunk: LogChunk): void {
    if (this.#isStopped) return;
    if (chunk.kind === 'records') this.#options.records(chunk.records);
    else this.#options.gap(chunk);
    this.#reached(chunk);
  }

  #reached(chunk: LogChunk): void {
    const end = this.#ahead.get(chunk.partition);
    if (end === undefined) return;
    const next = chunk.kind === 'records' ? chunk.next.next : chunk.to;
    if (next < end) return;
    this.#ahead.delete(chunk.partition);
    if (this.#ahead.size === 0) this.#ready.resolve();
  }
}
