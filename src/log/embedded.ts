import { join } from 'node:path';
import type { Clock, Timer } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { PartitionId } from '../event.ts';
import { viewRecords } from '../record-block.ts';
import type { Logger } from '../telemetry/logger.ts';
import { EmbeddedAppender } from './embedded-appender.ts';
import { EmbeddedLink, failureError, type LinkResult, type StartWorker, startWorkerThread } from './embedded-link.ts';
import { type FolderLock, lockFolder } from './embedded-lock.ts';
import { EmbeddedLog, type EmbeddedStoreCore } from './embedded-log.ts';
import { type EmbeddedPartition, EmbeddedPartitions } from './embedded-partitions.ts';
import type { CallName, EmbeddedCalls } from './embedded-protocol.ts';
import type { EventLog, LogChunk, LogStore } from './event-log.ts';
import { planTopic, type TopicPlan } from './topics.ts';

/** How the embedded log is kept. */
export type EmbeddedOptions = {
  /** Folder of the log, taken exclusively; created where it is missing. */
  readonly dataDir: string;
  /** Partitions of a new topic (1 for dead letters and control). A topic that has fewer grows, one that has more keeps them. */
  readonly partitionCount: number;
  /** Records go this long after they were appended. */
  readonly retentionMs: number;
  /** Per topic: beyond it the oldest go. Key, value, headers and 32 bytes each. */
  readonly retentionBytes: number;
};

export type EmbeddedDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** @default a thread of embedded-worker.ts */
  readonly startWorker?: StartWorker;
};

/** The embedded store, with what only it can do. */
export type EmbeddedStore = LogStore & {
  /** Deletes the records of a partition below `to`. */
  trim(partition: PartitionId, to: bigint): Promise<void>;
  /** Applies retention now; it is applied each minute anyway. */
  retain(): Promise<void>;
};

const retentionEveryMs = 60_000;
const pauseMs = 1_000;
// What one turn may have to decode: about 2 ms' worth.
const chunk = { maxBytes: 65_536, maxRecords: 250 };

/**
 * Opens the log that is kept in a folder of this machine.
 * - ALREADY_LOCKED: another process has the folder;
 * - CONFIG_INVALID: the folder cannot be written, or the file in it is not a log of ours.
 */
export const createEmbeddedStore = async (options: EmbeddedOptions, deps: EmbeddedDeps): Promise<EmbeddedStore> => {
  const lock = lockFolder(options.dataDir);
  const store = new Store(options, deps, lock);
  try {
    await store.start();
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
  return store;
};

class Store implements EmbeddedStore, EmbeddedStoreCore {
  readonly partitions: EmbeddedPartitions = new EmbeddedPartitions();
  readonly appender: EmbeddedAppender;
  readonly logger: Logger;
  readonly #options: EmbeddedOptions;
  readonly #clock: Clock;
  readonly #lock: FolderLock;
  readonly #file: string;
  readonly #link: EmbeddedLink;
  readonly #plans = new Map<string, TopicPlan>();
  readonly #logs = new Set<EmbeddedLog>();
  #restarted: PromiseWithResolvers<void> = Promise.withResolvers();
  /** The newest of the readings of history. */
  #history: Promise<unknown> = Promise.resolve();
  #timer: Timer | null = null;
  #closing: Promise<void> | null = null;
  readonly #closed: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(options: EmbeddedOptions, deps: EmbeddedDeps, lock: FolderLock) {
    this.#options = options;
    this.#clock = deps.clock;
    this.logger = deps.logger;
    this.#lock = lock;
    this.#file = join(options.dataDir, 'log.db');
    this.#link = new EmbeddedLink({
      file: this.#file,
      clock: deps.clock,
      logger: deps.logger,
      startWorker: deps.startWorker ?? startWorkerThread,
      onRestarted: () => void this.#recover(),
      onDown: (ms) => this.#stalled(ms),
    });
    this.appender = new EmbeddedAppender({
      link: this.#link,
      partitions: this.partitions,
      clock: deps.clock,
      file: this.#file,
      onStalled: (ms) => this.#stalled(ms),
    });
  }

  async start(): Promise<void> {
    await this.#link.start();
    this.#armRetention();
  }

  log(topics: readonly string[]): EventLog {
    const log = new EmbeddedLog(this, topics);
    this.#logs.add(log);
    return log;
  }

  isUp(): boolean {
    return this.#link.isUp;
  }

  async ensure(names: readonly string[]): Promise<void> {
    for (const name of names) this.#plans.set(name, planTopic(name, this.#options.partitionCount));
    const plans = names.map((name) => planTopic(name, this.#options.partitionCount));
    const states = await this.#untilDone('topics', { plans });
    if (states === null) throw new GatewayError('LOG_UNAVAILABLE', 'the embedded log is closed: open another');
    for (const state of states) this.#learn(state, plans);
  }

  readHistory(partition: EmbeddedPartition, from: bigint, to: bigint): Promise<LogChunk | null> {
    const chunk = this.#history.then(() => this.read(partition, from, to));
    this.#history = chunk.catch(() => null);
    return chunk;
  }

  async read(partition: EmbeddedPartition, from: bigint, to: bigint): Promise<LogChunk | null> {
    const answer = await this.#untilDone('read', { row: partition.row, from, to, ...chunk });
    if (answer === null) return null;
    const { id } = partition;
    if (answer.kind === 'gap') return { kind: 'gap', partition: id, from, to: answer.to, reason: 'EXPIRED' };
    const records = viewRecords(Buffer.from(answer.block), id);
    return { kind: 'records', partition: id, records, next: { next: answer.next, epoch: 0 } };
  }

  async trim(id: PartitionId, to: bigint): Promise<void> {
    const partition = this.partitions.find(id);
    if (partition === undefined) throw new GatewayError('BAD_USER_INPUT', `there is no partition ${id} to trim`);
    for (let isDone = false; !isDone; ) {
      const answer = await this.#untilDone('trim', { row: partition.row, to });
      this.partitions.move(answer?.moved ?? []);
      isDone = answer?.isDone ?? true;
    }
  }

  async retain(): Promise<void> {
    const { retentionMs, retentionBytes } = this.#options;
    const rule = { cutoffMs: Math.trunc(this.#clock.now() - retentionMs), bytes: retentionBytes };
    for (let isDone = false; !isDone; ) {
      // Slice by slice, each a message of its own: appends that came meanwhile go between two.
      const answer = await this.#untilDone('retain', rule);
      this.partitions.move(answer?.moved ?? []);
      isDone = answer?.isDone ?? true;
    }
  }

  pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(pauseMs, resolve);
      void this.#closed.promise.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    this.#closed.resolve();
    await Promise.all([...this.#logs].map((log) => log.close()));
    await this.appender.idle();
    this.#restarted.resolve();
    await this.#link.close();
    this.#lock.release();
  }

  #learn(state: EmbeddedCalls['topics']['answer'][number], plans: readonly TopicPlan[]): void {
    const planned = plans.find(({ name }) => name === state.name)?.partitionCount ?? 0;
    if (state.partitions.length > planned) {
      const fields = { topic: state.name, partitions: state.partitions.length, asked: planned };
      this.logger.warn('the topic keeps its partitions, they cannot be fewer', fields);
    }
    this.partitions.learn(state);
  }

  /** Repeats a call that may be repeated until a worker answers it; null once the store is closing. */
  async #untilDone<Name extends CallName>(
    name: Name,
    body: EmbeddedCalls[Name]['request'],
  ): Promise<EmbeddedCalls[Name]['answer'] | null> {
    for (;;) {
      const result: LinkResult<Name> = await this.#link.call(name, body);
      if (result.kind === 'done') return result.answer;
      if (result.kind === 'failed') throw failureError(result.failure, this.#file);
      if (this.#closing !== null) return null;
      await this.#restarted.promise;
      if (this.#closing !== null) return null;
    }
  }

  async #recover(): Promise<void> {
    const restarted = this.#restarted;
    this.#restarted = Promise.withResolvers();
    const states = await this.#link.call('topics', { plans: [...this.#plans.values()] });
    // Records whose commit was not answered show as an end that moved; feeds read them.
    if (states.kind === 'done') for (const state of states.answer) this.partitions.learn(state);
    this.logger.info('the embedded log worker is back');
    restarted.resolve();
    this.#stalled(0);
    this.appender.resume();
  }

  #stalled(ms: number): void {
    for (const log of this.#logs) log.stalled(ms);
  }

  #armRetention(): void {
    this.#timer = this.#clock.after(retentionEveryMs, () => {
      this.retain().then(
        () => this.#closing === null && this.#armRetention(),
        (error: Error) => {
          this.logger.error('retention failed', { error: error.message });
          if (this.#closing === null) this.#armRetention();
        },
      );
    });
  }
}
