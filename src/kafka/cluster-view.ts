import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { LogTopic, Topology } from '../log/event-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { BrokerAddress } from './broker-address.ts';
import { brokerError, brokerErrorName } from './broker-errors.ts';
import { firstAnswer } from './first-answer.ts';
import type { Links } from './links.ts';
import {
  type ClusterMetadata,
  metadataRequest,
  type PartitionMetadata,
  type TopicMetadata,
} from './metadata-request.ts';
import { newestMetadata } from './newest-metadata.ts';
import { backoffMs, pause } from './pause.ts';

/** What a view of the cluster needs. `signal` ends it. */
export type ViewDeps = {
  readonly links: Links;
  readonly bootstrap: readonly BrokerAddress[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
};

/** Metadata is asked for again after 5 s and up to as much again at random, so that nodes do not ask in step. */
const maxAgeMs = 5_000;
/** Sooner while a topic is missing: its first records are waited for. */
const missingAgeMs = 1_000;
/** And soon while a partition has no leader: nobody else would ask, since nobody fetches it. */
const leaderlessAgeMs = 250;

/** A broker that is silent for this long gets company: a frozen one must not hold up news of the others. */
const hedgeAfterMs = 500;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const exists = (topic: TopicMetadata): boolean => topic.error === brokerError.none && topic.partitions.length > 0;

/** 8 bytes of the topic id: what tells a topic from its successor of the same name. */
export const fingerprintOf = (topicId: string): string => topicId.slice(0, 16);

const shuffled = <Item>(items: readonly Item[]): readonly Item[] =>
  items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);

/** The cluster as last seen: brokers, and the leaders, epochs and ids of one log's topics. Refreshed by age and on demand. */
export class ClusterView {
  readonly #topics: readonly string[];
  readonly #deps: ViewDeps;
  readonly #listeners = new Set<() => void>();
  readonly #troubles = new Map<string, number>();
  #metadata: ClusterMetadata = { brokers: new Map(), topics: [] };
  #refreshing: Promise<void> | null = null;
  #failures = 0;
  #jitter = 1;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(topics: readonly string[], deps: ViewDeps) {
    this.#topics = topics;
    this.#deps = deps;
  }

  topic(name: string): TopicMetadata | undefined {
    return this.#metadata.topics.find((topic) => topic.name === name && exists(topic));
  }

  /** Address of a node; undefined for -1 (no leader) and nodes that are gone. */
  broker(nodeId: number): BrokerAddress | undefined {
    return this.#metadata.brokers.get(nodeId);
  }

  /** Every broker of the cluster. */
  brokers(): readonly BrokerAddress[] {
    return [...this.#metadata.brokers.values()];
  }

  /** Some broker of the cluster, or a bootstrap address before it answered. */
  anyBroker(): BrokerAddress {
    const [address] = [...this.#metadata.brokers.values(), ...this.#deps.bootstrap];
    if (address === undefined) throw new GatewayError('CONFIG_INVALID', 'no kafka broker is given: set host:port');
    return address;
  }

  /** Milliseconds since the cluster last answered. */
  get ageMs(): number {
    return this.#deps.clock.monotonic() - this.#refreshedAt;
  }

  topology(): Topology {
    const topics = this.#topics.map((name) => this.topic(name)).filter((topic) => topic !== undefined);
    return {
      topics: topics.map(({ name, id, partitions }): LogTopic => {
        return { name, fingerprint: fingerprintOf(id), partitionCount: partitions.length };
      }),
    };
  }

  /** Calls `listener` after each answer of the cluster, changed or not. Returns the way to stop. */
  onRefresh(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Asks the cluster anew; callers that come meanwhile share the answer. Paced: after failures it waits first. Never rejects:
   * where no broker answers, the view stays as it was (see `ageMs`).
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Refreshes by age until `signal` aborts. */
  async keepFresh(): Promise<void> {
    const { clock, signal } = this.#deps;
    while (!signal.aborted) {
      await pause(clock, Math.max(50, this.#maxAgeMs() - this.ageMs), signal);
      if (!signal.aborted && this.ageMs >= this.#maxAgeMs()) await this.refresh();
    }
  }

  /** Resolves when the cluster answered; retries until then. Rejects when `signal` aborts. */
  async untilAnswered(): Promise<void> {
    while (this.#refreshedAt === Number.NEGATIVE_INFINITY) {
      await this.refresh();
      if (this.#deps.signal.aborted) throw new GatewayError('LOG_UNAVAILABLE', 'the kafka log is closed: open another');
    }
  }

  #maxAgeMs(): number {
    const topics = this.#topics.map((name) => this.topic(name));
    const isLeaderless = ({ leader }: PartitionMetadata): boolean => !this.#metadata.brokers.has(leader);
    if (topics.some((topic) => topic?.partitions.some(isLeaderless) === true)) return leaderlessAgeMs;
    return topics.includes(undefined) ? missingAgeMs : maxAgeMs * this.#jitter;
  }

  async #refresh(): Promise<void> {
    const { clock, signal } = this.#deps;
    if (this.#failures > 0) await pause(clock, backoffMs(this.#failures), signal);
    // Partitions that change hands are asked for by every lane at once, and for a while the answer is the old one.
    else if (this.ageMs < 100) await pause(clock, 100, signal);
    const metadata = signal.aborted ? null : await this.#ask();
    if (metadata === null) {
      this.#failures++;
      return;
    }
    this.#failures = 0;
    this.#refreshedAt = clock.monotonic();
    this.#metadata = newestMetadata(this.#metadata, metadata);
    this.#jitter = 1 + Math.random();
    for (const topic of metadata.topics) this.#report(topic);
    for (const listener of [...this.#listeners]) listener();
  }

  /** Asks known brokers in random order, then the bootstrap addresses; the first answer counts. Null where none answers. */
  async #ask(): Promise<ClusterMetadata | null> {
    const { links, bootstrap, signal, clock, logger } = this.#deps;
    const addresses = [...shuffled([...this.#metadata.brokers.values()]), ...shuffled(bootstrap)];
    const attempts = addresses.map((address) => () => {
      if (signal.aborted) throw new Error('closed');
      return links.to('control', address).request(metadataRequest(this.#topics));
    });
    try {
      return await firstAnswer(attempts, () => pause(clock, hedgeAfterMs, signal));
    } catch (error) {
      const detail = error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error);
      if (this.#failures % 10 === 0) logger.warn('kafka does not answer; trying again until it does', { detail });
      return null;
    }
  }

  /** Logs what is wrong with a topic once, and again when it changes. */
  #report({ name, error }: TopicMetadata): void {
    const before = this.#troubles.get(name) ?? brokerError.none;
    this.#troubles.set(name, error);
    if (error === before) return;
    if (error === brokerError.none) this.#deps.logger.info('kafka topic is there', { topic: name });
    else if (error === brokerError.unknownTopicOrPartition) {
      this.#deps.logger.warn('kafka topic does not exist yet; waiting for it: carillon topics apply', { topic: name });
    } else this.#deps.logger.error('kafka topic cannot be read', { topic: name, reason: brokerErrorName(error) });
  }
}
