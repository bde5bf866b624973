import type { Clock } from '../clock.ts';
import { type NextOffset, type PartitionId, type PositionVector, partitionId } from '../event.ts';
import type { OffsetRange, PositionVerdict } from '../log/event-log.ts';
import type { ClusterView } from './cluster-view.ts';
import { type Leaders, partitionRef } from './leaders.ts';
import { type EpochEnd, epochEndRequest, listOffsetsRequest, type OffsetKind } from './offset-requests.ts';

const patienceMs = 5_000;

/** Start and end of a partition, as its leader gives them. */
export type PartitionBounds = { readonly start: bigint; readonly end: bigint };

/** Questions about offsets: where partitions begin and end, and whether a position still belongs to the log. */
export class Positions {
  readonly #view: ClusterView;
  readonly #leaders: Leaders;
  readonly #clock: Clock;

  constructor(view: ClusterView, leaders: Leaders, clock: Clock) {
    this.#view = view;
    this.#leaders = leaders;
    this.#clock = clock;
  }

  /** As `EventLog.offsets`: `end` is the last stable offset. */
  async offsets(): Promise<ReadonlyMap<PartitionId, OffsetRange>> {
    const result = new Map<PartitionId, OffsetRange>();
    for (const { name, partitionCount } of this.#view.topology().topics) {
      const indexes = Array.from({ length: partitionCount }, (_, index) => index);
      const bounds = await this.bounds(name, indexes, 'stable');
      for (const [index, range] of bounds) result.set(partitionId(name, index), range);
    }
    return result;
  }

  /** Start and end of some partitions of a topic. Rejects with LOG_UNAVAILABLE. */
  async bounds(
    topic: string,
    indexes: readonly number[],
    kind: Exclude<OffsetKind, 'start'>,
  ): Promise<ReadonlyMap<number, PartitionBounds>> {
    const question = { topic, indexes, deadline: this.#clock.monotonic() + patienceMs };
    const [starts, ends] = await Promise.all([
      this.#leaders.ask(question, (some) => listOffsetsRequest(topic, some, 'start')),
      this.#leaders.ask(question, (some) => listOffsetsRequest(topic, some, kind)),
    ]);
    const offset = (answers: ReadonlyMap<number, { offset: bigint }>, index: number) =>
      answers.get(index)?.offset ?? 0n;
    return new Map(indexes.map((index) => [index, { start: offset(starts, index), end: offset(ends, index) }]));
  }

  /** Where the epochs of these partitions ended, as their leaders know it. Rejects with LOG_UNAVAILABLE. */
  async epochEnds(topic: string, epochs: ReadonlyMap<number, number>): Promise<ReadonlyMap<number, EpochEnd>> {
    if (epochs.size === 0) return new Map();
    const question = { topic, indexes: [...epochs.keys()], deadline: this.#clock.monotonic() + patienceMs };
    return this.#leaders.ask(question, (some) =>
      epochEndRequest(topic, new Map(some.map((index) => [index, epochs.get(index) ?? -1]))),
    );
  }

  /** As `EventLog.check`. A topic or partition that is not known is looked for once more before it is `unknown`. */
  async check(positions: PositionVector): Promise<ReadonlyMap<PartitionId, PositionVerdict>> {
    if ([...positions.keys()].some((id) => !this.#isKnown(id))) await this.#view.refresh();
    const verdicts = new Map<PartitionId, PositionVerdict>([...positions.keys()].map((id) => [id, 'unknown']));
    const known = [...positions].filter(([id]) => this.#isKnown(id));
    const byTopic = Map.groupBy(known, ([id]) => partitionRef(id).topic);
    for (const [topic, entries] of byTopic) {
      const nexts = new Map(entries.map(([id, next]) => [partitionRef(id).index, next]));
      for (const [index, verdict] of await this.#judge(topic, nexts)) verdicts.set(partitionId(topic, index), verdict);
    }
    return verdicts;
  }

  #isKnown(id: PartitionId): boolean {
    const { topic, index } = partitionRef(id);
    return this.#view.topic(topic)?.partitions[index] !== undefined;
  }

  async #judge(topic: string, nexts: ReadonlyMap<number, NextOffset>): Promise<Map<number, PositionVerdict>> {
    const epochs = new Map(
      [...nexts].filter(([, { epoch }]) => epoch >= 0).map(([index, { epoch }]) => [index, epoch]),
    );
    const [bounds, ends] = await Promise.all([
      this.bounds(topic, [...nexts.keys()], 'end'),
      this.epochEnds(topic, epochs),
    ]);
    const none: PartitionBounds = { start: 0n, end: 0n };
    return new Map([...nexts].map(([index, next]) => [index, judge(next, bounds.get(index) ?? none, ends.get(index))]));
  }
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Pure part of `check`. An epoch that the leader does not know any more (-1) proves nothing: then the ends decide. */
export const judge = (next: NextOffset, bounds: PartitionBounds, epochEnd: EpochEnd | undefined): PositionVerdict => {
  if (next.next < bounds.start) return 'expired';
  const isEpochKnown = epochEnd !== undefined && epochEnd.epoch >= 0 && epochEnd.offset >= 0n;
  if (isEpochKnown && (epochEnd.epoch < next.epoch || epochEnd.offset < next.next)) {
    // Where the position lies in records of an epoch that never was, its own part of them is all that is known to be gone.
    return { cutAt: { next: smaller(epochEnd.offset, next.next), epoch: epochEnd.epoch } };
  }
  return next.next > bounds.end && !isEpochKnown ? 'ahead' : 'valid';
};
