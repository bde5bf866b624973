import type { Clock } from '../clock.ts';
import type { NewRecord } from '../event.ts';
import type { AppendResult } from '../log/event-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ProducerClient } from './producer-client.ts';

/** The writing half of a Kafka log: the reader side knows no more of it than this. */
export type Appender = {
  /** As `EventLog.append`: one result per record, by index; never rejects; gives up 5 s after the call. */
  append(records: readonly NewRecord[]): Promise<readonly AppendResult[]>;
  /** What has no result yet. */
  pending(): { readonly records: number; readonly bytes: number };
  /** Settles what is in flight (at most 5 s), then disconnects. Idempotent. */
  close(): Promise<void>;
};

/** What an appender is made from. Nothing is contacted before the first `append`. */
export type AppenderOptions = {
  /** Makes a client that only one producer uses. */
  readonly newClient: () => ProducerClient;
  readonly topic: string;
  /** The topic's partition count as the reader side knows it; 0 while the topic does not exist. */
  readonly partitionCount: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
};

export type CreateAppender = (options: AppenderOptions) => Appender;
