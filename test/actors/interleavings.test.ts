import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Audience, type NewRecord, type PartitionId, partitionId, type TopicName } from '../../src/event.ts';
import { connectAs, subscribe, type TestClient } from './client.ts';
import { afterIo, createWorld, record, type TestNode, topic, userId, viewer, type World } from './node.ts';

/** The heart of the promise: whatever happens in whatever order, each subscription sees exactly its events, in order, once, or a gap. */

const partitionCount = 3;
const names = ['u1', 'u2', 'u3'];
const news = 'news.eu' as TopicName;
const audiences: readonly Audience[] = [
  { kind: 'user', userId: userId('u1') },
  { kind: 'user', userId: userId('u2') },
  { kind: 'topic', topic: news },
  { kind: 'everyone' },
];

type Step =
  | { readonly do: 'append'; readonly count: number; readonly audience: number; readonly partition: number }
  | { readonly do: 'repeat' | 'unfit' | 'tombstone'; readonly audience: number; readonly partition: number }
  | { readonly do: 'slow' | 'read' | 'fast' | 'reconnect' | 'resubscribe'; readonly who: number; readonly node: number }
  | { readonly do: 'hold' | 'release'; readonly node: number }
  /** One node is held back, a client sees more on the other, and goes on at the one that is behind. */
  | {
      readonly do: 'goBehind';
      readonly who: number;
      readonly node: number;
      readonly audience: number;
      readonly partition: number;
    }
  /** A client is away while much is written. */
  | { readonly do: 'away'; readonly who: number; readonly node: number; readonly partition: number }
  | { readonly do: 'turns'; readonly count: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'stall' | 'contact' }
  | { readonly do: 'expire'; readonly partition: number };

const who = fc.nat(names.length - 1);
const node = fc.nat(1);
const audience = fc.nat(audiences.length - 1);
const partition = fc.nat(partitionCount - 1);
const step = (canLose: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant('goBehind' as const), who, node, audience, partition }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('away' as const), who, node, partition }) },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('append' as const),
        count: fc.integer({ min: 1, max: 12 }),
        audience,
        partition,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('repeat' as const, 'unfit', 'tombstone'), audience, partition }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom('slow' as const, 'read', 'fast', 'reconnect', 'resubscribe'),
        who,
        node,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('hold' as const, 'release'), node }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(50, 700, 6_000) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('stall' as const, 'contact') }) },
    { weight: canLose ? 1 : 0, arbitrary: fc.record({ do: fc.constant('expire' as const), partition }) },
  );

type Written = {
  readonly title: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly audience: Audience;
};

/** What a subscriber has got over all of its connections, in order: titles of events, reasons of gaps. */
type Story = { readonly name: string; client: TestClient; readonly seen: string[]; taken: number };

class Run {
  readonly #world: World;
  readonly #nodes: readonly TestNode[];
  readonly #stories: readonly Story[];
  readonly #good: Written[] = [];
  readonly #unfit: Written[] = [];
  readonly #expired = new Map<number, bigint>();
  readonly #canLose: boolean;
  #count = 0;

  constructor(world: World, nodes: readonly TestNode[], canLose: boolean) {
    this.#world = world;
    this.#canLose = canLose;
    this.#nodes = nodes;
    this.#stories = names.map((name, index) => {
      const client = connectAs(this.#node(index % 2), viewer(name));
      subscribe(client, { filter: { topics: [news] } });
      return { name, client, seen: [], taken: 0 };
    });
  }

  #node(index: number): TestNode {
    const found = this.#nodes[index];
    if (found === undefined) throw new Error(`no node ${index}`);
    return found;
  }

  async play(steps: readonly Step[]): Promise<void> {
    await this.#turns(1);
    for (const each of steps) await this.#step(each);
    this.#world.store.stall(0);
    for (const each of this.#nodes) each.release();
    for (let round = 0; round < 12; round++) {
      for (const story of this.#stories) this.#makeFast(story);
      await this.#world.settle();
      this.#world.clock.advance(2_000);
      await this.#world.settle();
    }
    for (const story of this.#stories) this.#collect(story);
  }

  async #step(each: Step): Promise<void> {
    switch (each.do) {
      case 'append':
        for (let i = 0; i < each.count; i++) await this.#append(each, false);
        return;
      case 'repeat':
        return this.#repeat(each.partition);
      case 'unfit':
        return this.#append(each, true);
      case 'tombstone':
        await this.#world.log.append([{ ...record('t', { partition: each.partition }), value: null }]);
        return;
      case 'goBehind':
        return this.#goBehind(each);
      case 'away':
        return this.#away(each);
      case 'hold':
        return this.#node(each.node).hold();
      case 'release':
        return this.#node(each.node).release();
      case 'turns':
        return this.#turns(each.count);
      case 'wait':
        return this.#world.clock.advance(each.ms);
      case 'stall':
        return this.#world.store.stall(1_000);
      case 'contact':
        return this.#world.store.stall(0);
      case 'expire':
        return this.#expire(each.partition);
      default:
        return this.#client(each);
    }
  }

  #client(each: Extract<Step, { who: number }>): void {
    const story = this.#stories[each.who];
    if (story === undefined) return;
    if (each.do === 'slow') story.client.isSlow = true;
    else if (each.do === 'read') story.client.read();
    else if (each.do === 'fast') this.#makeFast(story);
    else this.#move(story, each);
  }

  #makeFast(story: Story): void {
    story.client.isSlow = false;
    story.client.read();
  }

  /** The client goes on where it is: on another socket, perhaps of another node, or as another operation of the same one. */
  #move(story: Story, each: Extract<Step, { who: number }>): void {
    const after = story.client.lastCursor;
    if (after === null) return;
    this.#collect(story);
    if (each.do === 'reconnect') {
      story.client.handle.closed('client_closed');
      story.client = connectAs(this.#node(each.node), viewer(story.name));
      story.taken = 0;
    } else story.client.handle.unsubscribe('op');
    subscribe(story.client, { after, filter: { topics: [news] } });
  }

  #collect(story: Story): void {
    for (const { payload } of story.client.received.slice(story.taken)) {
      if (payload.kind === 'event') story.seen.push(payload.envelope.display.title);
      if (payload.kind === 'gap') story.seen.push(payload.reason);
    }
    story.taken = story.client.received.length;
  }

  async #append(where: { audience: number; partition: number }, isUnfit: boolean): Promise<void> {
    const to = audiences[where.audience] as Audience;
    const title = `e${this.#count++}`;
    const offset = await this.#write(record(title, { audience: to, partition: where.partition, isUnfit }));
    (isUnfit ? this.#unfit : this.#good).push({ title, partition: where.partition, offset, audience: to });
  }

  async #write(each: NewRecord): Promise<bigint> {
    const [result] = await this.#world.log.append([each]);
    if (result?.ok !== true) throw new Error('the memory log refused an append');
    return result.position.offset;
  }

  /** The oldest event of a partition once more, as a producer's late retry. Where records expire, the first one may be gone. */
  async #repeat(index: number): Promise<void> {
    const original = this.#good.find((written) => written.partition === index);
    if (original === undefined || this.#canLose) return;
    await this.#write(record(original.title, { audience: original.audience, partition: index }));
  }

  async #goBehind(each: Extract<Step, { do: 'goBehind' }>): Promise<void> {
    const ahead = { ...each, do: 'reconnect' as const, node: 1 - each.node };
    this.#node(each.node).hold();
    this.#client(ahead);
    for (let i = 0; i < 3; i++) await this.#append(each, false);
    await this.#turns(6);
    this.#client({ ...ahead, node: each.node });
    await this.#turns(6);
  }

  async #away(each: Extract<Step, { do: 'away' }>): Promise<void> {
    const story = this.#stories[each.who];
    if (story?.client.lastCursor == null) return;
    story.client.handle.closed('client_closed');
    for (let i = 0; i < 20; i++)
      await this.#append({ audience: i % audiences.length, partition: each.partition }, i % 7 === 3);
    if (this.#canLose) this.#expire(each.partition);
    await this.#turns(2);
    this.#move(story, { ...each, do: 'reconnect' });
  }

  #expire(index: number): void {
    const id = partitionId(topic, index) as PartitionId;
    const end = this.#good.filter((each) => each.partition === index).at(-1)?.offset ?? 0n;
    const bound = end / 2n;
    if (bound <= (this.#expired.get(index) ?? 0n)) return;
    this.#expired.set(index, bound);
    this.#world.store.expire(id, bound);
  }

  async #turns(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      for (const each of this.#nodes) each.scheduler.run();
      await afterIo();
    }
  }

  check(): void {
    for (const story of this.#stories) this.#checkStory(story);
    for (const each of this.#nodes) {
      expect(each.core.stats.catchingUp).toBe(0);
      expect(each.telemetry.counts.actorFailures).toBe(0);
    }
  }

  #checkStory(story: Story): void {
    const mine = this.#good.filter((written) => isFor(written, story.name));
    const gaps = story.seen.filter((each) => !each.startsWith('e'));
    const titles = story.seen.filter((each) => each.startsWith('e'));
    for (let index = 0; index < partitionCount; index++) this.#checkPartition(story, mine, index);
    expect(titles.filter((title) => !mine.some((written) => written.title === title))).toEqual([]);
    if (this.#expired.size === 0) expect(gaps.filter((reason) => reason !== 'UNREADABLE')).toEqual([]);
    for (const written of this.#unfit) if (isFor(written, story.name)) this.#checkUnfit(story, mine, written);
  }

  #checkPartition(story: Story, mine: readonly Written[], index: number): void {
    const expected = mine.filter((written) => written.partition === index);
    const titles = new Set(expected.map(({ title }) => title));
    const got = story.seen.filter((each) => titles.has(each));
    const missing = expected.filter(({ title }) => !got.includes(title));
    expect(got).toEqual(expected.map(({ title }) => title).filter((title) => got.includes(title)));
    expect(missing.filter((written) => !this.#isExpired(written))).toEqual([]);
    if (missing.length > 0) expect(story.seen).toContain('EXPIRED');
  }

  /** Its gap stands in its place: after all events that come before it in its partition, before all that come after. */
  #checkUnfit(story: Story, mine: readonly Written[], unfit: Written): void {
    if (this.#isExpired(unfit)) return;
    const neighbours = mine.filter((written) => written.partition === unfit.partition);
    const before = neighbours
      .filter(({ offset }) => offset < unfit.offset)
      .map(({ title }) => story.seen.lastIndexOf(title));
    const after = neighbours
      .filter(({ offset }) => offset > unfit.offset)
      .map(({ title }) => story.seen.indexOf(title));
    const between = story.seen.slice(
      Math.max(-1, ...before) + 1,
      Math.min(story.seen.length, ...after.filter((index) => index >= 0)),
    );
    expect(between).toContain('UNREADABLE');
  }

  #isExpired({ partition: index, offset }: Written): boolean {
    return offset < (this.#expired.get(index) ?? 0n);
  }
}

const isFor = ({ audience: to }: Written, name: string): boolean => to.kind !== 'user' || to.userId === name;

type Conditions = {
  readonly tickMs: number;
  readonly maxScans: number;
  readonly scanKeptBytes: number;
  readonly blockOffsets: number;
};

/** How short turns are, how many readings of the log there may be, how little they keep, and how much a node remembers together. */
const conditions: fc.Arbitrary<Conditions> = fc.record({
  tickMs: fc.constantFrom(0, 0.9),
  maxScans: fc.constantFrom(1, 2, 24),
  scanKeptBytes: fc.constantFrom(1, 3_000, 2_097_152),
  blockOffsets: fc.constantFrom(1, 4, 16, 1_024),
});

const play =
  (canLose: boolean) =>
  async (steps: readonly Step[], { tickMs, maxScans, scanKeptBytes, blockOffsets }: Conditions): Promise<void> => {
    const world = await createWorld({ partitionCount });
    const options = {
      tickMs,
      outboxHighWaterCount: 6,
      socketHighWaterBytes: 1_000,
      ringBytesPerPartition: 3_000,
      maxScans,
      scanKeptBytes,
      blockOffsets,
      stalledDeadlineMs: 1e9,
      heartbeatMs: 1e9,
    };
    const nodes = [await world.node(options), await world.node(options)];
    const run = new Run(world, nodes, canLose);
    await run.play(steps);
    run.check();
    for (const each of nodes) await each.core.stop();
  };

describe('any interleaving of appends, turns, slow links, outages, held-back nodes and reconnects', () => {
  it('gives each subscription exactly its events, in order per partition, once', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step(false), { maxLength: 60, size: 'max' }), conditions, play(false)), {
      numRuns: 200,
    });
  }, 120_000);

  it('stands a gap in for what has expired, and loses nothing else', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step(true), { maxLength: 60, size: 'max' }), conditions, play(true)), {
      numRuns: 200,
    });
  }, 120_000);
});
