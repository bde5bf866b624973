import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { NewRecord, PartitionId, PositionVector } from '../event.ts';
import type {
  AppendResult,
  EventLog,
  Feed,
  FeedHandler,
  LogChunk,
  OffsetRange,
  PositionVerdict,
  Topology,
} from '../log/event-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Appender, CreateAppender } from './appender.ts';
import type { BrokerAddress } from './broker-address.ts';
import { ClusterView } from './cluster-view.ts';
import { History } from './history.ts';
import { Leaders } from './leaders.ts';
import type { Links } from './links.ts';
import { LiveFeed } from './live-feed.ts';
import { pause } from './pause.ts';
import { Positions } from './positions.ts';
import type { ProducerClient } from './producer-client.ts';
import type { ReaderDeps } from './reader-deps.ts';

/** What a log shares with the other logs of its store. */
export type KafkaLogDeps = {
  readonly newClient: () => ProducerClient;
  readonly links: Links;
  readonly bootstrap: readonly BrokerAddress[];
  readonly createAppender: CreateAppender;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Fetch by topic id, Kafka 3.1. */
const fetchApi = { key: 1, version: 13 };
/** How long an append waits for feeds that are still looking for the log's end: then it is late by itself. */
const appendPatienceMs = 2_000;

const closedError = (): GatewayError =>
  new GatewayError('LOG_UNAVAILABLE', 'the kafka log is closed: open another', { outcome: 'not_written' });

/** The EventLog port on Kafka, without a consumer group: every node reads every partition. */
export class KafkaLog implements EventLog {
  readonly #deps: KafkaLogDeps;
  readonly #abort = new AbortController();
  readonly #view: ClusterView;
  readonly #positions: Positions;
  readonly #reading: ReaderDeps;
  readonly #appender: Appender;
  readonly #feeds = new Set<LiveFeed>();
  readonly #positioning = new Set<Promise<void>>();
  readonly #listeners = new Set<(topology: Topology) => void>();
  #shown = '';
  #opening: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(topics: readonly string[], deps: KafkaLogDeps) {
    const { links, bootstrap, clock, logger, newClient } = deps;
    this.#deps = deps;
    this.#view = new ClusterView(topics, { links, bootstrap, clock, logger, signal: this.#abort.signal });
    const leaders = new Leaders(this.#view, links, clock);
    this.#positions = new Positions(this.#view, leaders, clock);
    this.#reading = { view: this.#view, links, leaders, positions: this.#positions, clock, logger };
    this.#view.onRefresh(() => this.#announce());
    const topic = topics[0] ?? '';
    const partitionCount = (): number => this.#view.topic(topic)?.partitions.length ?? 0;
    this.#appender = deps.createAppender({ newClient, topic, partitionCount, clock, logger });
  }

  async open(): Promise<Topology> {
    if (this.#abort.signal.aborted) throw closedError();
    this.#opening ??= this.#open();
    await this.#opening;
    return this.topology();
  }

  topology(): Topology {
    return this.#view.topology();
  }

  async append(records: readonly NewRecord[]): Promise<readonly AppendResult[]> {
    if (this.#abort.signal.aborted) return records.map(() => ({ ok: false, error: closedError() }));
    // A feed begins at the end as of its call: what is appended after the call must not come before that look.
    if (this.#positioning.size > 0) {
      await Promise.race([Promise.all(this.#positioning), pause(this.#deps.clock, appendPatienceMs)]);
    }
    return this.#appender.append(records);
  }

  follow(from: PositionVector, handler: FeedHandler): Feed {
    const feed = new LiveFeed(this.#reading, from, handler);
    this.#feeds.add(feed);
    this.#positioning.add(feed.positioned);
    void feed.positioned.then(() => this.#positioning.delete(feed.positioned));
    if (this.#abort.signal.aborted) void feed.stop();
    return {
      stop: async () => {
        this.#feeds.delete(feed);
        await feed.stop();
      },
    };
  }

  read(...[partition, from, to, options]: Parameters<EventLog['read']>): AsyncIterable<LogChunk> {
    const signal = AbortSignal.any([options.signal, this.#abort.signal]);
    return new History(this.#reading, { partition, from, to, signal }).chunks();
  }

  async offsets(): Promise<ReadonlyMap<PartitionId, OffsetRange>> {
    if (this.#abort.signal.aborted) throw closedError();
    return this.#positions.offsets();
  }

  async check(positions: PositionVector): Promise<ReadonlyMap<PartitionId, PositionVerdict>> {
    if (this.#abort.signal.aborted) throw closedError();
    return this.#positions.check(positions);
  }

  onTopologyChange(listener: (topology: Topology) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(): Promise<void> {
    await this.#view.untilAnswered();
    await this.#mustBeNewEnough();
    void this.#view.keepFresh();
    this.#warmHistory();
  }

  /** The first replay after a start is somebody's reconnect: it should not pay for a TLS handshake. */
  #warmHistory(): void {
    for (const address of this.#view.brokers()) {
      const link = this.#deps.links.to('history', address);
      void link.maxVersion(fetchApi.key).catch(() => {});
    }
  }

  async #mustBeNewEnough(): Promise<void> {
    const address = this.#view.anyBroker();
    const offered = await this.#deps.links
      .to('control', address)
      .maxVersion(fetchApi.key)
      .catch(() => fetchApi.version);
    if (offered >= fetchApi.version) return;
    const found = `kafka at ${address.host}:${address.port} offers Fetch up to version ${offered}`;
    throw new GatewayError('CONFIG_INVALID', `${found}: kafka 3.1 or later is needed`);
  }

  /** Calls the listeners where names, fingerprints or partition counts are others than last time. */
  #announce(): void {
    const topology = this.topology();
    const shown = JSON.stringify(topology);
    const isFirst = this.#shown === '';
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (!isFirst) for (const listener of [...this.#listeners]) listener(topology);
  }

  async #close(): Promise<void> {
    this.#abort.abort();
    await Promise.all([...this.#feeds].map((feed) => feed.stop()));
    await this.#appender.close();
  }
}
