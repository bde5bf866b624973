import { createWorld, type NodeOptions, type TestNode, type World } from '../actors/node.ts';
import { createRandom, type Random } from '../fuzz/random.ts';
import { Cluster } from './cluster.ts';
import { violationsOf } from './judge.ts';
import { SimulatedClient, type Style } from './simulated-client.ts';
import { names, Truth } from './truth.ts';

/**
 * A deployment in one process and in virtual time: some nodes over one log, some clients, and whatever can happen to them, chosen by a seed. The same
 * seed gives the same run, step by step.
 */

export type Outcome = {
  readonly seed: number;
  readonly steps: readonly string[];
  readonly violations: readonly string[];
  readonly events: number;
  readonly received: number;
};

const styles: readonly Style[] = ['cursor', 'echo', 'lazy'];

/** How long and how hard: short turns, little memory, few readings, small blocks. */
const conditionsOf = (random: Random): NodeOptions => ({
  tickMs: random.pick([0, 0.1]),
  outboxHighWaterCount: random.pick([3, 6, 1_000]),
  socketHighWaterBytes: 1_000,
  ringBytesPerPartition: random.pick([1, 3_000, 4_194_304]),
  maxScans: random.pick([1, 2, 24]),
  scanKeptBytes: random.pick([1, 30_000, 2_097_152]),
  blockOffsets: random.pick([1, 4, 16, 1_024]),
  stalledDeadlineMs: random.pick([30_000, 1e9]),
  heartbeatMs: random.pick([25_000, 1e9]),
  random: () => random.next(),
});

type StepName =
  | 'append'
  | 'unfit'
  | 'repeat'
  | 'tombstone'
  | 'skip'
  | 'expire'
  | 'truncate'
  | 'recreate'
  | 'grow'
  | 'turns'
  | 'wait'
  | 'stall'
  | 'contact'
  | 'hold'
  | 'release'
  | 'kill'
  | 'drain'
  | 'slow'
  | 'read'
  | 'fast'
  | 'echo'
  | 'drop'
  | 'strand'
  | 'corrupt'
  | 'away';

/** How often each is chosen. */
const weights: Readonly<Record<StepName, number>> = {
  append: 24,
  unfit: 2,
  repeat: 2,
  tombstone: 1,
  skip: 2,
  expire: 1,
  truncate: 1,
  recreate: 0.3,
  grow: 0.5,
  turns: 20,
  wait: 4,
  stall: 1,
  contact: 2,
  hold: 2,
  release: 3,
  kill: 1,
  drain: 1,
  slow: 3,
  read: 3,
  fast: 3,
  echo: 6,
  drop: 6,
  strand: 3,
  corrupt: 0.3,
  away: 2,
};
const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);

const choose = (random: Random): StepName => {
  let left = random.next() * total;
  for (const [name, weight] of Object.entries(weights) as [StepName, number][]) {
    left -= weight;
    if (left < 0) return name;
  }
  return 'turns';
};

/** Runs the simulation of `seed`. */
export const simulate = async (seed: number): Promise<Outcome> => {
  const random = createRandom(seed);
  const partitionCount = 1 + random.int(3);
  const world = await createWorld({ partitionCount });
  const slowMs = random.once(4) ? random.pick([300, 1_500]) : 0;
  const cluster = new Cluster(world, conditionsOf(random), slowMs);
  await cluster.start(1 + random.int(3));
  const simulation = new Simulation({ world, cluster, random, truth: new Truth(world, partitionCount), slowMs });
  return { seed, ...(await simulation.play(random.once(40) ? 600 : 20 + random.int(60))) };
};

type Parts = {
  readonly world: World;
  readonly cluster: Cluster;
  readonly random: Random;
  readonly truth: Truth;
  readonly slowMs: number;
};

class Simulation {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #truth: Truth;
  readonly #clients: readonly SimulatedClient[];
  readonly #steps: string[] = [];
  /** Nodes are slow to tell each other where clients stood: who is killed may not have told yet. */
  readonly #isSlow: boolean;

  constructor({ world, cluster, random, truth, slowMs }: Parts) {
    this.#world = world;
    this.#cluster = cluster;
    this.#random = random;
    this.#truth = truth;
    this.#clients = names.flatMap((name) =>
      styles.map((style) => new SimulatedClient({ name, style }, this.#anyNode(), () => truth.now)),
    );
    this.#isSlow = slowMs > 0;
    // Then a stock client may have to be called back, and gets some of it late, and some of it twice.
    for (const client of this.#clients) client.hasBegunAnew = this.#isSlow && client.style !== 'cursor';
  }

  async play(count: number): Promise<Omit<Outcome, 'seed'>> {
    await this.#cluster.turns(2);
    for (let n = 0; n < count; n++) {
      const name = choose(this.#random);
      this.#steps.push(name);
      this.#world.clock.advance(1);
      await this.#does[name]();
      await this.#reconnectEnded();
    }
    await this.#heal();
    const { failures } = this.#cluster;
    const violations = violationsOf(this.#truth, this.#clients, failures);
    await this.#cluster.stop();
    return {
      steps: this.#steps,
      violations,
      events: this.#truth.written.length,
      received: this.#clients.reduce((sum, { seen }) => sum + seen.length, 0),
    };
  }

  readonly #does: Readonly<Record<StepName, () => void | Promise<void>>> = {
    append: () => this.#append(1 + this.#random.int(12), this.#partition()),
    unfit: () => this.#truth.write(this.#partition(), this.#random.int(5), true),
    repeat: () => this.#truth.repeat(this.#partition()),
    tombstone: () => this.#truth.tombstone(this.#partition()),
    skip: () => this.#truth.skip(this.#partition(), 1 + this.#random.int(9)),
    expire: () => this.#truth.expire(this.#partition(), this.#random.next()),
    truncate: () => this.#truncate(),
    recreate: () => this.#truth.recreate(),
    grow: () => (this.#truth.partitionCount < 5 ? this.#truth.grow() : undefined),
    turns: () => this.#cluster.turns(1 + this.#random.int(4)),
    wait: () => this.#cluster.pass(this.#random.pick([50, 700, 6_000])),
    stall: () => this.#world.store.stall(1_000),
    contact: () => this.#world.store.stall(0),
    hold: () => this.#anyNode().hold(),
    release: () => this.#anyNode().release(),
    kill: () => this.#kill(),
    drain: () => this.#drain(),
    slow: () => {
      this.#anyClient().connection.isSlow = true;
    },
    read: () => this.#anyClient().connection.read(),
    fast: () => makeFast(this.#anyClient()),
    echo: () => this.#echo(),
    drop: () => this.#comeBack(this.#anyClient()),
    strand: () => this.#strand(),
    corrupt: () => this.#corrupt(),
    away: () => this.#away(),
  };

  #partition(): number {
    return this.#random.int(this.#truth.partitionCount);
  }

  #anyNode(): TestNode {
    return this.#random.pick(this.#cluster.nodes);
  }

  #anyClient(): SimulatedClient {
    return this.#random.pick(this.#clients);
  }

  async #append(count: number, partition: number): Promise<void> {
    for (let n = 0; n < count; n++) await this.#truth.write(partition, this.#random.int(5), false);
  }

  /** Kafka cuts a log where a leader is elected that had less: readers ask it where theirs ended. Before anybody writes again, all have. */
  async #truncate(): Promise<void> {
    this.#truth.truncate(this.#partition(), this.#random.next() * 0.5);
    await this.#cluster.turns(1);
  }

  async #kill(): Promise<void> {
    const gone = await this.#withContact(() => this.#cluster.kill(this.#random.int(9)));
    for (const client of this.#clients) {
      if (client.style !== 'cursor') this.#forget(client, gone);
      if (client.node !== gone) continue;
      client.leave(false);
      this.#comeBack(client);
      if (client.style !== 'cursor') this.#exempt(client, this.#truth.now);
    }
  }

  /** What a node knew that is gone at once, nobody knows: a stock client that it had not told of begins anew. */
  #forget(client: SimulatedClient, gone: TestNode): void {
    const isWaiting = client.connection.received.length === 0;
    if (this.#isSlow) this.#exempt(client, this.#truth.now);
    else if (isWaiting && client.knowers.has(gone)) this.#exempt(client, client.connectedAt);
  }

  #exempt(client: SimulatedClient, until: number): void {
    client.exemptUntil = until;
    client.hasBegunAnew = true;
  }

  async #drain(): Promise<void> {
    await this.#withContact(() => this.#cluster.drain(this.#random.int(9), () => this.#reconnectEnded()));
    await this.#reconnectEnded();
  }

  /** Nodes start when the log answers. */
  async #withContact<Result>(task: () => Promise<Result>): Promise<Result> {
    this.#world.store.stall(0);
    return await task();
  }

  #echo(): void {
    for (const client of this.#clients) {
      if (client.style === 'echo') client.connection.echo(100);
      if (client.style === 'lazy' && this.#random.once(3)) client.connection.echo(1);
    }
  }

  /** The gateway does not notice: the connection counts as open there, and its client is elsewhere. */
  #strand(): void {
    const client = this.#anyClient();
    client.leave(false);
    this.#comeBack(client);
  }

  #corrupt(): void {
    const client = this.#anyClient();
    if (client.style !== 'cursor') return;
    this.#comeBack(client, 'v1.not-a-cursor');
    client.exemptUntil = this.#truth.now;
    client.hasBegunAnew = true;
    if (!this.#truth.accidents.has('corrupt')) this.#truth.accidents.set('corrupt', this.#truth.now);
  }

  async #away(): Promise<void> {
    const client = this.#anyClient();
    client.leave(true);
    await this.#append(20, this.#partition());
    await this.#cluster.turns(2);
    this.#comeBack(client);
  }

  #comeBack(client: SimulatedClient, cursor: string | null = null): void {
    client.leave(true);
    this.#cluster.hear();
    client.comeBack(this.#anyNode(), cursor);
  }

  /** Clients come back by themselves, to any node that is there. */
  /** How many came back. */
  async #reconnectEnded(): Promise<number> {
    let count = 0;
    for (const client of this.#clients) {
      if (!client.isEnded && this.#cluster.nodes.includes(client.node)) continue;
      this.#comeBack(client);
      count += 1;
    }
    return count;
  }

  async #heal(): Promise<void> {
    this.#world.store.stall(0);
    for (const node of this.#cluster.nodes) node.release();
    // Who was ended in the last of them, as one is that answers no heartbeat, has yet to come back.
    for (let [round, back] = [0, 0]; round < 12 || (back > 0 && round < 40); round++) {
      for (const client of this.#clients) makeFast(client);
      await this.#cluster.settle();
      await this.#cluster.pass(2_000);
      await this.#cluster.settle();
      back = await this.#reconnectEnded();
    }
    await this.#cluster.settle();
    for (const client of this.#clients) client.collect();
  }
}

const makeFast = (client: SimulatedClient): void => {
  client.connection.isSlow = false;
  client.connection.read();
};
