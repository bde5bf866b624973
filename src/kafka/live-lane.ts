import type { BrokerAddress } from './broker-address.ts';
import { BrokerLink } from './broker-link.ts';
import { type FetchedPartition, fetchRequest } from './fetch-request.ts';
import type { LivePartition } from './live-partition.ts';
import type { LiveReader } from './live-reader.ts';
import { backoffMs } from './pause.ts';
import { Wake } from './wake.ts';

/** All of one answer; more would keep sockets waiting while it is decoded (1 MiB takes about 30 ms). */
const maxBytes = 256 * 1024;
/** How long the broker holds a fetch back that finds nothing. */
const longPollMs = 400;
/** The same while a partition of the lane is with its handler: it must not wait for the others' silence. */
const shortPollMs = 50;
/** What a handler may take without its partition missing the next poll. */
const graceMs = 5;
const idleMs = 1_000;

/** The loop that fetches the partitions led by one node, over a connection of its own, one poll at a time. */
export class LiveLane {
  readonly #reader: LiveReader;
  readonly #nodeId: number;
  readonly #wake: Wake;
  #link: BrokerLink | null = null;
  #failures = 0;
  #turn = 0;
  /** Resolves when the loop has ended. */
  readonly ended: Promise<void>;

  constructor(reader: LiveReader, nodeId: number) {
    this.#reader = reader;
    this.#nodeId = nodeId;
    this.#wake = new Wake(reader.deps.clock);
    this.ended = this.#run();
  }

  wake(): void {
    this.#wake.wake();
  }

  /** Ends the poll in flight; the loop sees the reader's signal and ends. */
  close(): void {
    this.#link?.close();
    this.#wake.wake();
  }

  async #run(): Promise<void> {
    while (!this.#reader.signal.aborted) {
      const mine = this.#reader.ledBy(this.#nodeId);
      if (mine.length === 0) this.#hangUp();
      if (mine.some(({ isBusy }) => isBusy)) await this.#wake.sleep(graceMs);
      const now = this.#reader.deps.clock.monotonic();
      const ready = mine.filter(
        (partition) => !partition.isBusy && partition.claim === null && partition.retryAt <= now,
      );
      const address = this.#reader.deps.view.broker(this.#nodeId);
      if (ready.length === 0 || address === undefined) await this.#wake.sleep(this.#sleepMs(mine, now));
      else await this.#poll(address, this.#rotated(ready), ready.length < mine.length);
    }
    this.#hangUp();
  }

  #hangUp(): void {
    this.#link?.close();
    this.#link = null;
  }

  #sleepMs(mine: readonly LivePartition[], now: number): number {
    const waits = mine.filter(({ isBusy }) => !isBusy).map(({ retryAt }) => retryAt - now);
    return Math.max(1, Math.min(idleMs, ...waits.filter((wait) => wait > 0)));
  }

  /** The broker fills its answer in the order asked, and only the first batch may exceed the limit: each must come first at times. */
  #rotated(ready: readonly LivePartition[]): readonly LivePartition[] {
    const from = this.#turn++ % ready.length;
    return [...ready.slice(from), ...ready.slice(0, from)];
  }

  async #poll(address: BrokerAddress, partitions: readonly LivePartition[], isShort: boolean): Promise<void> {
    const claim = {};
    for (const partition of partitions) partition.claim = claim;
    const answers = await this.#fetch(address, partitions, isShort ? shortPollMs : longPollMs);
    const claimed = partitions.filter((partition) => partition.claim === claim);
    for (const partition of claimed) partition.claim = null;
    if (answers === null) await this.#recover();
    else this.#take(claimed, answers);
  }

  #take(claimed: readonly LivePartition[], answers: readonly FetchedPartition[]): void {
    this.#failures = 0;
    for (const answer of answers) {
      const isOf = ({ ref, topicId }: LivePartition): boolean =>
        ref.index === answer.index && topicId === answer.topicId;
      const partition = claimed.find(isOf);
      if (partition !== undefined && !this.#reader.signal.aborted) this.#reader.take(partition, answer);
    }
  }

  /** Leaders may have moved; the refresh is shared and paced, and reports an outage. */
  async #recover(): Promise<void> {
    this.#failures++;
    if (this.#reader.signal.aborted) return;
    await this.#reader.deps.view.refresh();
    if (!this.#reader.signal.aborted) await this.#wake.sleep(backoffMs(this.#failures));
  }

  /** Null where the broker does not answer, or answers for none of the partitions. */
  async #fetch(
    address: BrokerAddress,
    partitions: readonly LivePartition[],
    maxWaitMs: number,
  ): Promise<readonly FetchedPartition[] | null> {
    const positions = partitions.map(({ ref, topicId, position }) => ({ topicId, index: ref.index, ...position }));
    const request = fetchRequest(positions, { maxWaitMs, maxBytes });
    const answer = await this.#linkTo(address)
      .request(request, maxWaitMs)
      .catch(() => null);
    return answer?.error === 0 ? answer.partitions : null;
  }

  /** A broker that came back may have another address. */
  #linkTo(address: BrokerAddress): BrokerLink {
    const link = this.#link;
    if (link?.address.host === address.host && link.address.port === address.port) return link;
    link?.close();
    const fresh = new BrokerLink(address, this.#reader.deps.links.deps);
    this.#link = fresh;
    return fresh;
  }
}
