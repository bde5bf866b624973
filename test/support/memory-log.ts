import { type Clock, systemClock } from '../../src/clock.ts';
import { GatewayError } from '../../src/errors.ts';
import type { NewRecord, PartitionId, PositionVector } from '../../src/event.ts';
import type {
  AppendResult,
  EventLog,
  Feed,
  FeedHandler,
  LogChunk,
  LogStore,
  OffsetRange,
  PositionVerdict,
  Topology,
} from '../../src/log/event-log.ts';
import { partitionOf } from '../../src/log/murmur2.ts';
import { startMemoryFeed } from './memory-feed.ts';
import { type MemoryPartition, MemoryTopic } from './memory-topic.ts';

/**
 * An EventLog in memory that passes the port's contract suite. It has no timers: everything happens in the call or in microtasks.
 * What a real log does by accident (expiry, truncation, outage) is a method of the store.
 */

export type MemoryStoreOptions = {
  /** Partitions of a topic that is created by use. @default 4 */
  readonly partitionCount?: number;
  /** False: a topic exists only after `create`. @default true */
  readonly autoCreate?: boolean;
  /** Stamps records that bring no timestamp. @default systemClock */
  readonly clock?: Clock;
};

/** The store with its test hooks. Hooks act at once; feeds hear of them in the following microtasks. */
export class MemoryStore implements LogStore {
  /** What feed handlers threw; a throw ends that feed. */
  readonly thrown: unknown[] = [];
  /** Every record that was appended, with its result, in order of the calls. */
  readonly appended: NewRecord[] = [];
  readonly clock: Clock;
  readonly #options: Required<Omit<MemoryStoreOptions, 'clock'>>;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #watchers = new Set<() => void>();
  readonly #logs = new Set<MemoryLog>();
  #incarnation = 0;
  #failure: { error: GatewayError; left: number } | null = null;
  #hold: PromiseWithResolvers<void> | null = null;
  #stalledMs = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.#options = { partitionCount: options.partitionCount ?? 4, autoCreate: options.autoCreate ?? true };
    this.clock = options.clock ?? systemClock;
  }

  log(topics: readonly string[]): EventLog {
    const missing = this.#options.autoCreate ? topics.filter((name) => !this.#topics.has(name)) : [];
    for (const name of missing) this.create(name, this.#options.partitionCount);
    const log = new MemoryLog(this, topics);
    this.#logs.add(log);
    return log;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#logs].map((log) => log.close()));
  }

  create(topic: string, partitionCount: number): void {
    this.#incarnation += 1;
    this.#topics.set(topic, new MemoryTopic(topic, this.#incarnation, partitionCount));
    this.#changed();
  }

  /** Deletes and creates again: same name, other fingerprint, offsets from 0. */
  recreate(topic: string, partitionCount?: number): void {
    this.create(topic, partitionCount ?? this.#topic(topic).partitions.length);
  }

  remove(topic: string): void {
    this.#topics.delete(topic);
    this.#changed();
  }

  /** Raises the number of partitions to `partitionCount`. */
  grow(topic: string, partitionCount: number): void {
    this.#topic(topic).grow(partitionCount);
    this.#changed();
  }

  /** Records below `to` are gone, as by retention. */
  expire(partition: PartitionId, to: bigint): void {
    this.#partition(partition).expire(to);
    this.#changed();
  }

  /** The next `count` offsets hold nothing for readers, as after an aborted transaction. */
  skip(partition: PartitionId, count: bigint): void {
    this.#partition(partition).skip(count);
    this.#changed();
  }

  /** Records from `to` on are gone, as by an unclean leader election: the epoch rises. */
  truncate(partition: PartitionId, to: bigint): void {
    this.#partition(partition).truncate(to);
    this.#changed();
  }

  /** The next `count` appended records fail with `error` and are not written; null ends it. */
  failAppends(error: GatewayError | null, count: number = Number.POSITIVE_INFINITY): void {
    this.#failure = error === null ? null : { error, left: count };
  }

  /** Appends wait, unwritten, until the returned function is called. */
  holdAppends(): () => void {
    const hold = Promise.withResolvers<void>();
    this.#hold = hold;
    return () => {
      this.#hold = null;
      hold.resolve();
    };
  }

  /** The log does not answer, for `ms` by now: feeds and reads wait, `offsets` and `check` reject. 0 ends it. */
  stall(ms: number): void {
    this.#stalledMs = ms;
    for (const log of this.#logs) log.stalled(ms);
    this.#changed();
  }

  get isStalled(): boolean {
    return this.#stalledMs > 0;
  }

  topic(name: string): MemoryTopic | undefined {
    return this.#topics.get(name);
  }

  find(id: PartitionId): MemoryPartition | undefined {
    const slash = id.lastIndexOf('/');
    return this.#topics.get(id.slice(0, slash))?.partitions[Number(id.slice(slash + 1))];
  }

  /** Calls `watcher` after every change of data, topology or state. Returns the way to stop. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async appendTo(topic: MemoryTopic | undefined, record: NewRecord): Promise<AppendResult> {
    if (this.#hold !== null) await this.#hold.promise;
    const failure = this.#failure;
    if (failure !== null && failure.left > 0) {
      failure.left -= 1;
      return { ok: false, error: failure.error };
    }
    const partition = topic === undefined ? undefined : place(topic, record);
    if (partition === undefined) return refused('the topic or partition does not exist: create it');
    this.appended.push(record);
    const position = partition.append(record, this.clock.now());
    this.#changed();
    return { ok: true, position };
  }

  #topic(name: string): MemoryTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new Error(`the memory log has no topic ${name}`);
    return topic;
  }

  #partition(id: PartitionId): MemoryPartition {
    const partition = this.find(id);
    if (partition === undefined) throw new Error(`the memory log has no partition ${id}`);
    return partition;
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A new store without topics. */
export const createMemoryStore = (options: MemoryStoreOptions = {}): MemoryStore => new MemoryStore(options);

const refused = (message: string): AppendResult => ({
  ok: false,
  error: new GatewayError('LOG_UNAVAILABLE', message, { outcome: 'not_written' }),
});

const place = (topic: MemoryTopic, { key, partition }: NewRecord): MemoryPartition | undefined => {
  const count = topic.partitions.length;
  return topic.partitions[partition ?? (key === null ? 0 : partitionOf(key, count))];
};

const afterChunk = (chunk: LogChunk): bigint => (chunk.kind === 'gap' ? chunk.to : chunk.next.next);

class MemoryLog implements EventLog {
  readonly #store: MemoryStore;
  readonly #names: readonly string[];
  readonly #feeds = new Map<Feed, FeedHandler>();
  readonly #listeners = new Set<(topology: Topology) => void>();
  readonly #unwatch: () => void;
  readonly #pending = new Set<Promise<unknown>>();
  #shown: string;
  #isClosed = false;

  constructor(store: MemoryStore, names: readonly string[]) {
    this.#store = store;
    this.#names = names;
    this.#shown = JSON.stringify(this.topology());
    this.#unwatch = store.watch(() => this.#announce());
  }

  async open(): Promise<Topology> {
    if (this.#isClosed) throw new GatewayError('LOG_UNAVAILABLE', 'the log is closed: open another');
    return this.topology();
  }

  topology(): Topology {
    const topics = this.#names.map((name) => this.#store.topic(name)).filter((topic) => topic !== undefined);
    return {
      topics: topics.map(({ name, fingerprint, partitions }) => {
        return { name, fingerprint, partitionCount: partitions.length };
      }),
    };
  }

  append(records: readonly NewRecord[]): Promise<readonly AppendResult[]> {
    if (this.#isClosed) return Promise.resolve(records.map(() => refused('the log is closed')));
    const name = this.#names[0] ?? '';
    const all = Promise.all(records.map((record) => this.#store.appendTo(this.#store.topic(name), record)));
    this.#pending.add(all);
    return all.finally(() => this.#pending.delete(all));
  }

  follow(from: PositionVector, handler: FeedHandler): Feed {
    const feed = startMemoryFeed({ store: this.#store, names: this.#names, from, handler });
    this.#feeds.set(feed, handler);
    return {
      stop: async () => {
        this.#feeds.delete(feed);
        await feed.stop();
      },
    };
  }

  async *read(...[id, from, to, { signal }]: Parameters<EventLog['read']>): AsyncGenerator<LogChunk> {
    const topic = this.#topicOf(id);
    let next = from;
    while (next < to) {
      await this.#untilAnswering(signal);
      if (signal.aborted || this.#isClosed) return;
      if (this.#topicOf(id) !== topic) {
        yield { kind: 'gap', partition: id, from: next, to, reason: 'RECREATED' };
        return;
      }
      const chunk = this.#store.find(id)?.chunk(next, to) ?? null;
      if (chunk === null) return;
      next = afterChunk(chunk);
      yield chunk;
    }
  }

  #topicOf(id: PartitionId): MemoryTopic | undefined {
    return this.#store.topic(id.slice(0, id.lastIndexOf('/')));
  }

  async offsets(): Promise<ReadonlyMap<PartitionId, OffsetRange>> {
    this.#mustAnswer();
    return new Map(this.#partitions().map(({ id, start, end }) => [id, { start, end }]));
  }

  async check(positions: PositionVector): Promise<ReadonlyMap<PartitionId, PositionVerdict>> {
    this.#mustAnswer();
    const known = new Map(this.#partitions().map((partition) => [partition.id, partition]));
    return new Map([...positions].map(([id, position]) => [id, known.get(id)?.verdict(position) ?? 'unknown']));
  }

  onTopologyChange(listener: (topology: Topology) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stalled(ms: number): void {
    for (const handler of this.#feeds.values()) handler.stalled(ms);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unwatch();
    await Promise.all([...this.#feeds.keys()].map((feed) => feed.stop()));
    this.#feeds.clear();
    await Promise.all(this.#pending);
  }

  #partitions(): MemoryPartition[] {
    return this.#names.flatMap((name) => this.#store.topic(name)?.partitions ?? []);
  }

  #mustAnswer(): void {
    if (this.#isClosed || this.#store.isStalled) {
      throw new GatewayError('LOG_UNAVAILABLE', 'the memory log does not answer: it is stalled or closed');
    }
  }

  #untilAnswering(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#store.isStalled || signal.aborted) return resolve();
      const end = (): void => {
        if (this.#store.isStalled && !signal.aborted) return;
        unwatch();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const unwatch = this.#store.watch(end);
      signal.addEventListener('abort', end);
    });
  }

  #announce(): void {
    const topology = this.topology();
    const shown = JSON.stringify(topology);
    if (shown === this.#shown) return;
    this.#shown = shown;
    for (const listener of [...this.#listeners]) listener(topology);
  }
}
