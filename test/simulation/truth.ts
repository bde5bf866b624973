import { type Audience, type PartitionId, partitionId, type TopicName } from '../../src/event.ts';
import { record, topic, userId, type World } from '../actors/node.ts';

/** What was written to the log, and what became of it. */

export const names: readonly string[] = ['u1', 'u2', 'u3'];
export const news: TopicName = 'news.eu' as TopicName;

const audiences: readonly Audience[] = [
  ...names.map((name): Audience => ({ kind: 'user', userId: userId(name) })),
  { kind: 'topic', topic: news },
  { kind: 'everyone' },
];

export type Fate = 'kept' | 'expired' | 'truncated' | 'recreated';

export type Written = {
  readonly title: string;
  readonly incarnation: number;
  readonly partition: number;
  readonly offset: bigint;
  readonly audience: Audience;
  readonly isUnfit: boolean;
  /** Place in the order of everything that happened. */
  readonly at: number;
  fate: Fate;
};

/** Topics that the clients of a user follow. */
export const topicsOf = (name: string): readonly TopicName[] => (name === 'u3' ? [] : [news]);

export const isFor = ({ audience }: Written, name: string): boolean => {
  if (audience.kind === 'topic') return topicsOf(name).includes(audience.topic);
  return audience.kind === 'everyone' || audience.userId === name;
};

export class Truth {
  readonly written: Written[] = [];
  /** What has happened to the log so far, and when first. */
  readonly accidents: Map<Fate | 'corrupt', number> = new Map();
  readonly #world: World;
  partitionCount: number;
  incarnation = 0;
  #hasRepeats = false;
  /** Counts everything that happens. */
  now = 0;

  constructor(world: World, partitionCount: number) {
    this.#world = world;
    this.partitionCount = partitionCount;
  }

  id(partition: number): PartitionId {
    return partitionId(topic, partition);
  }

  /** Writes one event, or a record that cannot be read, to somebody. */
  async write(partition: number, who: number, isUnfit: boolean): Promise<void> {
    const audience = audiences[who % audiences.length] as Audience;
    const title = `e${this.written.length}`;
    const offset = await this.#append(record(title, { audience, partition, isUnfit }));
    this.now += 1;
    const { now: at, incarnation } = this;
    this.written.push({ title, incarnation, partition, offset, audience, isUnfit, at, fate: 'kept' });
  }

  /** An event once more, as a producer's late retry; where the first may be gone, nobody can say what a second is. */
  async repeat(partition: number): Promise<void> {
    if (this.accidents.has('expired') || this.accidents.has('truncated')) return;
    const original = this.written.find((each) => each.partition === partition && each.fate === 'kept' && !each.isUnfit);
    if (original === undefined) return;
    this.#hasRepeats = true;
    await this.#append(record(original.title, { audience: original.audience, partition }));
  }

  async tombstone(partition: number): Promise<void> {
    await this.#append({ ...record('t', { partition }), value: null });
  }

  /** Aborted records, or control records: offsets without anything. */
  skip(partition: number, count: number): void {
    this.#world.store.skip(this.id(partition), BigInt(count));
  }

  expire(partition: number, share: number): void {
    if (this.#hasRepeats) return;
    const { start, end } = this.#ends(partition);
    const to = start + BigInt(Math.floor(Number(end - start) * share));
    if (to <= start) return;
    this.#world.store.expire(this.id(partition), to);
    this.#mark('expired', (each) => each.partition === partition && each.offset < to);
  }

  truncate(partition: number, share: number): void {
    if (this.#hasRepeats) return;
    const { start, end } = this.#ends(partition);
    const to = end - BigInt(Math.floor(Number(end - start) * share));
    if (to >= end) return;
    this.#world.store.truncate(this.id(partition), to);
    this.#mark('truncated', (each) => each.partition === partition && each.offset >= to);
  }

  recreate(): void {
    this.#world.store.recreate(topic, this.partitionCount);
    this.#mark('recreated', () => true);
    this.incarnation += 1;
  }

  grow(): void {
    this.partitionCount += 1;
    this.#world.store.grow(topic, this.partitionCount);
  }

  #ends(partition: number): { readonly start: bigint; readonly end: bigint } {
    const found = this.#world.store.find(this.id(partition));
    return { start: found?.start ?? 0n, end: found?.end ?? 0n };
  }

  #mark(fate: Fate, isGone: (each: Written) => boolean): void {
    this.now += 1;
    if (!this.accidents.has(fate)) this.accidents.set(fate, this.now);
    for (const each of this.written) {
      if (each.incarnation === this.incarnation && each.fate === 'kept' && isGone(each)) each.fate = fate;
    }
  }

  async #append(each: ReturnType<typeof record>): Promise<bigint> {
    const [result] = await this.#world.log.append([each]);
    if (result?.ok !== true) throw new Error('the memory log refused an append');
    return result.position.offset;
  }
}
