import type { NextOffset, PartitionId } from '../event.ts';
import type { LogChunk, RecordChunk } from '../log/event-log.ts';
import { brokerError } from './broker-errors.ts';
import { type FetchedPartition, fetchRequest } from './fetch-request.ts';
import { chunksOf } from './fetched-chunks.ts';
import { type PartitionRef, partitionRef } from './leaders.ts';
import { backoffMs, pause } from './pause.ts';
import { askRange } from './range-question.ts';
import type { ReaderDeps } from './reader-deps.ts';

/** One fetch; a first batch that is larger still comes whole. */
const maxBytes = 512 * 1024;

/** What to read. `signal` ends the reading early and without error. */
export type HistoryRange = {
  readonly partition: PartitionId;
  readonly from: bigint;
  readonly to: bigint;
  readonly signal: AbortSignal;
};

/** Reads a bounded part of one partition on the history lane, which all replays of a broker share in turn. */
export class History {
  readonly #deps: ReaderDeps;
  readonly #range: HistoryRange;
  readonly #ref: PartitionRef;
  #position: NextOffset;
  #failures = 0;
  #isAtEnd = false;

  constructor(deps: ReaderDeps, range: HistoryRange) {
    this.#deps = deps;
    this.#range = range;
    this.#ref = partitionRef(range.partition);
    this.#position = { next: range.from, epoch: -1 };
  }

  /** As `EventLog.read`. Errors are retried with backoff until the signal aborts. */
  async *chunks(): AsyncGenerator<LogChunk> {
    const topicId = await this.#topicId();
    while (topicId !== undefined && this.#isUnfinished()) {
      if (this.#isRecreated(topicId)) {
        const { partition, to } = this.#range;
        yield { kind: 'gap', partition, from: this.#position.next, to, reason: 'RECREATED' };
        return;
      }
      for (const chunk of this.#cut(await this.#next(topicId))) {
        if (this.#range.signal.aborted) return;
        yield chunk;
      }
    }
  }

  /** A deleted topic ends the reading by itself, once it is another. */
  #isRecreated(topicId: string): boolean {
    const topic = this.#deps.view.topic(this.#ref.topic);
    return topic !== undefined && topic.id !== topicId;
  }

  #isUnfinished(): boolean {
    return !this.#range.signal.aborted && !this.#isAtEnd && this.#position.next < this.#range.to;
  }

  /** The partition may be younger than our view of the cluster. */
  async #topicId(): Promise<string | undefined> {
    const isKnown = (): boolean => this.#deps.view.topic(this.#ref.topic)?.partitions[this.#ref.index] !== undefined;
    if (!isKnown()) await this.#deps.view.refresh();
    return isKnown() ? this.#deps.view.topic(this.#ref.topic)?.id : undefined;
  }

  async #next(topicId: string): Promise<readonly LogChunk[]> {
    const answer = await this.#fetch(topicId);
    if (answer?.error === brokerError.none) return this.#read(answer);
    if (answer?.error === brokerError.offsetOutOfRange) return this.#outOfRange();
    this.#failures++;
    await this.#deps.view.refresh();
    await pause(this.#deps.clock, backoffMs(this.#failures), this.#range.signal);
    return [];
  }

  async #fetch(topicId: string): Promise<FetchedPartition | null> {
    const link = this.#deps.leaders.linkTo(this.#ref, 'history');
    const position = { topicId, index: this.#ref.index, ...this.#position };
    const answer = await link?.request(fetchRequest([position], { maxWaitMs: 0, maxBytes })).catch(() => null);
    return answer?.error === 0 ? (answer.partitions[0] ?? null) : null;
  }

  #read(answer: FetchedPartition): readonly LogChunk[] {
    this.#failures = 0;
    const at = { ref: this.#ref, position: this.#position };
    const { chunks, position } = chunksOf(at, answer, this.#deps.logger);
    this.#isAtEnd = position.next === this.#position.next && position.next >= answer.stableEnd;
    this.#position = position;
    return chunks;
  }

  async #outOfRange(): Promise<readonly LogChunk[]> {
    const at = { ref: this.#ref, position: this.#position };
    const answer = await askRange(at, this.#deps, this.#range.signal).catch(() => null);
    if (answer === null) return [];
    // Beyond the end there is no history: whether that is a truncation, `check` says.
    if (answer.gap?.reason === 'TRUNCATED') this.#isAtEnd = true;
    this.#position = answer.position;
    return answer.gap?.reason === 'EXPIRED' ? [answer.gap] : [];
  }

  /** Keeps `[from, to)`: a fetch does not know where we end. */
  #cut(chunks: readonly LogChunk[]): readonly LogChunk[] {
    const { to } = this.#range;
    const inside = chunks.filter((chunk) => chunk.kind === 'records' || chunk.from < to);
    return inside.map((chunk) => {
      if (chunk.kind === 'gap') return chunk.to > to ? { ...chunk, to } : chunk;
      return chunk.next.next > to ? cutRecords(chunk, to) : chunk;
    });
  }
}

const cutRecords = (chunk: RecordChunk, to: bigint): RecordChunk => {
  const records = chunk.records.filter(({ offset }) => offset < to);
  return { ...chunk, records, next: { next: to, epoch: records.at(-1)?.epoch ?? chunk.next.epoch } };
};
