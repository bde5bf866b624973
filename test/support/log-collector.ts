import type { LogRecord, PartitionId, PositionVector } from '../../src/event.ts';
import type { EventLog, Feed, GapChunk, LogChunk } from '../../src/log/event-log.ts';

/** Follows a log and keeps what it was handed, in order of the calls. */
export type LogCollector = {
  readonly chunks: readonly LogChunk[];
  readonly records: readonly LogRecord[];
  readonly gaps: readonly GapChunk[];
  readonly stalls: readonly number[];
  /** Values as text, of one partition or of all. */
  values(partition?: PartitionId): string[];
  /** Resolves once `condition` holds; looked at after each call of the feed. */
  until(condition: (collector: LogCollector) => boolean): Promise<void>;
  stop(): Promise<void>;
};

/** How a collector behaves as a handler. */
export type CollectOptions = {
  /** What the feed's chunk call returns. */
  readonly onChunk?: (chunk: LogChunk) => void | Promise<void>;
};

/** Starts to follow `log` from `from`. */
export const collect = (log: EventLog, from: PositionVector, options: CollectOptions = {}): LogCollector => {
  const chunks: LogChunk[] = [];
  const stalls: number[] = [];
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of [...waiting]) look();
  };
  const feed: Feed = log.follow(from, {
    chunk: (chunk) => {
      chunks.push(chunk);
      changed();
      return options.onChunk?.(chunk);
    },
    stalled: (ms) => {
      stalls.push(ms);
      changed();
    },
  });
  const collector: LogCollector = {
    chunks,
    stalls,
    get records() {
      return chunks.flatMap((chunk) => (chunk.kind === 'records' ? chunk.records : []));
    },
    get gaps() {
      return chunks.filter((chunk) => chunk.kind === 'gap');
    },
    values: (partition) =>
      collector.records
        .filter((record) => partition === undefined || record.partition === partition)
        .map(({ value }) => value?.toString() ?? '<null>'),
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition(collector)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    stop: () => feed.stop(),
  };
  return collector;
};

/** Reads `[from, to)` of a partition to its end. */
export const readAll = async (log: EventLog, partition: PartitionId, range: [bigint, bigint]): Promise<LogChunk[]> => {
  const chunks: LogChunk[] = [];
  for await (const chunk of log.read(partition, range[0], range[1], { signal: new AbortController().signal })) {
    chunks.push(chunk);
  }
  return chunks;
};

/** The records of chunks, in order. */
export const recordsOf = (chunks: readonly LogChunk[]): LogRecord[] =>
  chunks.flatMap((chunk) => (chunk.kind === 'records' ? chunk.records : []));
