import type { GatewayError } from '../errors.ts';
import type { GapReason, LogRecord, NewRecord, NextOffset, PartitionId, Position, PositionVector } from '../event.ts';

/**
 * The EventLog port: the one view of a partitioned log that the rest of the program has. `log/embedded` and `kafka/` implement it;
 * both pass `test/contract/event-log.ts`. No groups, commits or heartbeats here: retries stay inside the adapter.
 */

/** One topic of the log. `fingerprint` is 8 bytes as 16 hex digits (Kafka: of the topic id): another value = the topic was re-created. */
export type LogTopic = { readonly name: string; readonly fingerprint: string; readonly partitionCount: number };

/** Topics in configured order; the first is the one that mutations publish to. A topic that does not exist (yet) is absent. */
export type Topology = { readonly topics: readonly LogTopic[] };

/** A stretch of a partition. Records rise by offset; `next` is where reading goes on, past control and aborted records as well. */
export type RecordChunk = {
  readonly kind: 'records';
  readonly partition: PartitionId;
  readonly records: readonly LogRecord[];
  readonly next: NextOffset;
};

/**
 * Offsets `[from, to)` that cannot be read any more. A feed or read goes on
 * - EXPIRED (below the log's start): at `to`;
 * - TRUNCATED (the log was cut at `from`): at `from`, where other records may stand by now;
 * - RECREATED (`from` is 0): at 0 of the new topic. `from` may equal `to`: then nothing was lost, but positions start anew.
 */
export type GapChunk = {
  readonly kind: 'gap';
  readonly partition: PartitionId;
  readonly from: bigint;
  readonly to: bigint;
  readonly reason: Extract<GapReason, 'EXPIRED' | 'TRUNCATED' | 'RECREATED'>;
  /** TRUNCATED: leader epoch of the record before `from`; absent where it is not known, and a second cut cannot be told from none. */
  readonly epoch?: number;
};

export type LogChunk = RecordChunk | GapChunk;

/** Receives the live tail. */
export type FeedHandler = {
  /** One chunk of one partition. The feed waits for a returned promise before it hands over that partition's next chunk. A throw is a bug and ends the feed. */
  chunk(chunk: LogChunk): void | Promise<void>;
  /** The log has not answered for `ms`; 0 when contact is back. */
  stalled(ms: number): void;
};

/** A live tail that is running. `stop` resolves when no further call will be made. */
export type Feed = { stop(): Promise<void> };

/** The result of appending one record: durable at `position`, or an error whose `outcome` says whether it may still land. */
export type AppendResult =
  | { readonly ok: true; readonly position: Position }
  | { readonly ok: false; readonly error: GatewayError };

export type OffsetRange = { readonly start: bigint; readonly end: bigint };

/** What the log says of a position that a client brought; `cutAt`: it was cut there, before the position, and reading goes on there. */
export type PositionVerdict = 'valid' | 'ahead' | 'expired' | 'unknown' | { readonly cutAt: NextOffset };

export type EventLog = {
  /** Resolves with the topology once the log answered (also when a topic is missing); retries until then. Rejects only on misconfiguration or after `close`. */
  open(): Promise<Topology>;
  /** The newest known topology. */
  topology(): Topology;
  /** One result per record, by index, when each is durable (Kafka: acks=all; embedded: fsync) or given up (5 s from the call). Never rejects. */
  append(records: readonly NewRecord[]): Promise<readonly AppendResult[]>;
  /** Follows every partition, known now or later, from `from` (a partition missing there: from its end at the call; one that appears later: from offset 0). Never skips silently. */
  follow(from: PositionVector, handler: FeedHandler): Feed;
  /** History of one partition, `[from, to)`, in chunks of bounded bytes. Ends at `to` or at the log's end, whichever is first. Ends early, without error, when `signal` aborts. */
  read(partition: PartitionId, from: bigint, to: bigint, options: { signal: AbortSignal }): AsyncIterable<LogChunk>;
  /** Start and end (Kafka: last stable offset) per partition. Rejects with LOG_UNAVAILABLE when the log does not answer. */
  offsets(): Promise<ReadonlyMap<PartitionId, OffsetRange>>;
  /** Judges positions against the log: epochs, start and end. Asks the leader. */
  check(positions: PositionVector): Promise<ReadonlyMap<PartitionId, PositionVerdict>>;
  /** Calls `listener` after each change of topology. Returns the way to stop. */
  onTopologyChange(listener: (topology: Topology) => void): () => void;
  /** Ends everything: feeds stop, appends in flight settle, then resolves. Idempotent. */
  close(): Promise<void>;
};

/** Where logs come from: one store, any number of logs over its topics (notifications, dead letters, control). */
export type LogStore = {
  /** A log over `topics`; nothing is contacted before `open`. */
  log(topics: readonly string[]): EventLog;
  /** Creates what is missing. Embedded: always possible; Kafka: by `carillon topics apply` only. */
  close(): Promise<void>;
};
