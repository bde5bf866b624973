import type { PartitionId } from '../event.ts';
import type { FeedHandler, LogChunk } from '../log/event-log.ts';
import { brokerError, brokerErrorName } from './broker-errors.ts';
import type { FetchedPartition } from './fetch-request.ts';
import { chunksOf } from './fetched-chunks.ts';
import type { LivePartition } from './live-partition.ts';
import { backoffMs } from './pause.ts';
import { resolveRange } from './range-question.ts';
import type { ReaderDeps } from './reader-deps.ts';

/** What happens to a feed's partitions: turns answers into chunks, hands them over one at a time, and judges errors. */
export class LiveReader {
  readonly deps: ReaderDeps;
  readonly #handler: FeedHandler;
  readonly #abort = new AbortController();
  /** Called when a partition may be fetched again. */
  onReady: () => void = () => {};
  readonly partitions: Map<PartitionId, LivePartition> = new Map();

  constructor(deps: ReaderDeps, handler: FeedHandler) {
    this.deps = deps;
    this.#handler = handler;
  }

  /** Aborted once the feed has ended. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  end(): void {
    this.#abort.abort();
    this.onReady();
  }

  /** Partitions that the view says this node leads. Those of a topic that was re-created meanwhile are moved to it first. */
  ledBy(nodeId: number): readonly LivePartition[] {
    const led: LivePartition[] = [];
    for (const partition of this.partitions.values()) {
      const topic = this.deps.view.topic(partition.ref.topic);
      if (topic?.partitions[partition.ref.index]?.leader !== nodeId) continue;
      led.push(partition);
      if (topic.id !== partition.topicId && !partition.isBusy) this.#moveTo(partition, topic.id);
    }
    return led;
  }

  /** Takes one partition's answer. The caller has the claim. */
  take(partition: LivePartition, answer: FetchedPartition): void {
    if (answer.error === brokerError.offsetOutOfRange) this.#askRange(partition);
    else if (answer.error !== brokerError.none) this.#setBack(partition, answer.error);
    else {
      partition.failures = 0;
      partition.contactAt = this.deps.clock.monotonic();
      const { chunks, position } = chunksOf(partition, answer, this.deps.logger);
      partition.position = position;
      if (chunks.length > 0) this.#handOver(partition, chunks);
    }
  }

  #moveTo(partition: LivePartition, topicId: string): void {
    const to = partition.position.next;
    partition.topicId = topicId;
    partition.position = { next: 0n, epoch: -1 };
    partition.claim = null;
    partition.retryAt = 0;
    this.deps.logger.warn('kafka topic was re-created', { partition: partition.ref.id });
    if (to > 0n) {
      this.#handOver(partition, [{ kind: 'gap', partition: partition.ref.id, from: 0n, to, reason: 'RECREATED' }]);
    }
  }

  #setBack(partition: LivePartition, error: number): void {
    partition.failures++;
    partition.retryAt = this.deps.clock.monotonic() + backoffMs(partition.failures);
    if (partition.failures === 5) {
      const fields = { partition: partition.ref.id, reason: brokerErrorName(error) };
      this.deps.logger.warn('kafka partition cannot be read; trying again until it can', fields);
    }
    void this.deps.view.refresh();
  }

  #askRange(partition: LivePartition): void {
    partition.isBusy = true;
    void resolveRange(partition, this.deps, this.signal).then((chunks) => {
      partition.isBusy = false;
      if (chunks.length > 0 && !this.signal.aborted) this.#handOver(partition, chunks);
      this.onReady();
    });
  }

  /** Gives chunks to the handler in order; while it holds one, the partition is busy. A throw ends the feed. */
  #handOver(partition: LivePartition, chunks: readonly LogChunk[]): void {
    for (const [index, chunk] of chunks.entries()) {
      if (this.signal.aborted) return;
      const held = this.#call(chunk);
      if (held === undefined) continue;
      partition.isBusy = true;
      const rest = chunks.slice(index + 1);
      void held.then(() => {
        partition.isBusy = false;
        this.#handOver(partition, rest);
        this.onReady();
      });
      return;
    }
  }

  #call(chunk: LogChunk): Promise<void> | undefined {
    const fail = (error: unknown): void => {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.deps.logger.error('the handler of a kafka feed threw; the feed has ended', { detail });
      this.end();
    };
    try {
      const result = this.#handler.chunk(chunk);
      return result instanceof Promise ? result.catch(fail) : undefined;
    } catch (error) {
      fail(error);
      return undefined;
    }
  }
}
