import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { type PartitionId, partitionId } from '../event.ts';
import type { BrokerLink } from './broker-link.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Lane, Links } from './links.ts';
import { pause } from './pause.ts';
import type { RawRequest } from './raw-request.ts';

/** A partition as requests name it. */
export type PartitionRef = { readonly id: PartitionId; readonly topic: string; readonly index: number };

/** `<topic>/<partition>`, taken apart. A topic name has no slash. */
export const partitionRef = (id: PartitionId): PartitionRef => {
  const slash = id.lastIndexOf('/');
  return { id, topic: id.slice(0, slash), index: Number(id.slice(slash + 1)) };
};

type Answer = { readonly index: number; readonly error: number };

/** Asks the leaders of partitions and gathers what they say. */
export class Leaders {
  readonly #view: ClusterView;
  readonly #links: Links;
  readonly #clock: Clock;

  constructor(view: ClusterView, links: Links, clock: Clock) {
    this.#view = view;
    this.#links = links;
    this.#clock = clock;
  }

  /** The link to a partition's leader; undefined while there is none. */
  linkTo({ topic, index }: PartitionRef, lane: Lane): BrokerLink | undefined {
    const partition = this.#view.topic(topic)?.partitions[index];
    const address = partition === undefined ? undefined : this.#view.broker(partition.leader);
    return address === undefined ? undefined : this.#links.to(lane, address);
  }

  /**
   * Asks every leader for its partitions of `topic`, on the control lane. A partition whose leader moved or does not answer is
   * asked for again, with fresh metadata, until `deadline` (monotonic). Rejects with LOG_UNAVAILABLE after it.
   */
  async ask<A extends Answer>(
    question: { topic: string; indexes: readonly number[]; deadline: number },
    requestFor: (indexes: readonly number[]) => RawRequest<readonly A[]>,
  ): Promise<ReadonlyMap<number, A>> {
    const answers = new Map<number, A>();
    let left = question.indexes;
    for (;;) {
      const groups = this.#byLeader(question.topic, left);
      const lists = await Promise.all(
        [...groups].map(([link, indexes]) => link.request(requestFor(indexes)).catch((): readonly A[] => [])),
      );
      for (const answer of lists.flat()) if (answer.error === 0) answers.set(answer.index, answer);
      left = question.indexes.filter((index) => !answers.has(index));
      if (left.length === 0) return answers;
      if (this.#clock.monotonic() >= question.deadline) {
        const names = left.map((index) => partitionId(question.topic, index)).join(', ');
        throw new GatewayError('LOG_UNAVAILABLE', `kafka does not answer for ${names}: see its brokers`);
      }
      await this.#view.refresh();
      await pause(this.#clock, 50);
    }
  }

  #byLeader(topic: string, indexes: readonly number[]): Map<BrokerLink, number[]> {
    const groups = new Map<BrokerLink, number[]>();
    for (const index of indexes) {
      const link = this.linkTo({ id: partitionId(topic, index), topic, index }, 'control');
      if (link !== undefined) groups.set(link, [...(groups.get(link) ?? []), index]);
    }
    return groups;
  }
}
