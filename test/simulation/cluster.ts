import type { BlockStore, KeptBlock, StoredPartition } from '../../src/actors/blocks.ts';
import { afterIo, type NodeOptions, type TestNode, type World } from '../actors/node.ts';
import { ControlLog, type ControlView } from './control-log.ts';

/** The nodes of one simulated deployment: each with its own view of the control topic and its own disk; they are killed, drained and started again. */

type Member = { node: TestNode; view: ControlView; readonly disk: Disk };

/** A data folder: what one process wrote, the next one finds. */
class Disk implements BlockStore {
  readonly #kept = new Map<string, Map<number, KeptBlock>>();

  async load(place: StoredPartition): Promise<readonly KeptBlock[]> {
    return [...this.#of(place).values()];
  }

  add(place: StoredPartition, block: KeptBlock): void {
    this.#of(place).set(block.index, block);
  }

  cut(place: StoredPartition, first: number): void {
    const blocks = this.#of(place);
    for (const index of blocks.keys()) if (index >= first) blocks.delete(index);
  }

  #of({ partition, fingerprint }: StoredPartition): Map<number, KeptBlock> {
    const name = `${partition} ${fingerprint}`;
    const known = this.#kept.get(name) ?? new Map();
    this.#kept.set(name, known);
    return known;
  }
}

const stepMs = 400;

export class Cluster {
  readonly #world: World;
  readonly #control: ControlLog;
  readonly #options: NodeOptions;
  readonly #members: Member[] = [];
  /** Bugs of ours that nodes met which are gone by now. */
  #failures = 0;

  /** `slowMs`: how long a node takes to tell something, and again as long to hear that it is told. */
  constructor(world: World, options: NodeOptions, slowMs: number) {
    this.#world = world;
    this.#options = options;
    this.#control = new ControlLog(world.clock, slowMs);
  }

  get nodes(): readonly TestNode[] {
    return this.#members.map(({ node }) => node);
  }

  get failures(): number {
    return this.nodes.reduce((sum, { telemetry }) => sum + telemetry.counts.actorFailures, this.#failures);
  }

  async start(count: number): Promise<void> {
    for (let n = 0; n < count; n++) this.#members.push(await this.#boot(new Disk()));
  }

  /** Ends a node at once, as kill -9 does, and starts another process on its disk. */
  async kill(index: number): Promise<TestNode> {
    const member = this.#member(index);
    const { node } = member;
    this.#world.kill(node);
    member.view.isCut = true;
    await this.#replace(member);
    return node;
  }

  /** Drains a node and starts another process on its disk. `meanwhile` runs again and again until the sessions are closed. */
  async drain(index: number, meanwhile: () => Promise<unknown>): Promise<TestNode> {
    const member = this.#member(index);
    const { node } = member;
    let isOver = false;
    void node.core.drain({ spreadMs: 1_000, deadlineMs: 5_000 }).then(() => {
      isOver = true;
    });
    for (let n = 0; n < 20 && !isOver; n++) {
      await this.pass(400);
      await meanwhile();
    }
    await this.turns(2);
    await node.core.stop();
    await this.turns(1);
    this.#world.kill(node);
    member.view.isCut = true;
    await this.#replace(member);
    return node;
  }

  /** Lets every node do what it has to do now, `count` times. */
  async turns(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      for (const { node } of this.#members) node.scheduler.run();
      await afterIo();
      for (const { view } of this.#members) view.read();
    }
  }

  /** Lets time go on. What is told between nodes takes less than any of them waits for it. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      await this.turns(2);
      this.#world.clock.advance(Math.min(stepMs, left));
    }
    await this.turns(2);
  }

  /** What nodes have told each other is heard. It takes less than a client takes to connect anew. */
  hear(): void {
    for (const { view } of this.#members) view.read();
  }

  /** Until nothing happens any more. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await this.#world.settle();
      const hasRead = this.#members.map(({ view }) => view.read()).some(Boolean);
      quiet = hasRead ? 0 : quiet + 1;
    }
  }

  async stop(): Promise<void> {
    for (const { node } of this.#members) await node.core.stop();
  }

  #member(index: number): Member {
    const member = this.#members[index % this.#members.length];
    if (member === undefined) throw new Error('a cluster has at least one node');
    return member;
  }

  async #replace(member: Member): Promise<void> {
    this.#failures += member.node.telemetry.counts.actorFailures;
    Object.assign(member, await this.#boot(member.disk));
  }

  async #boot(disk: Disk): Promise<Member> {
    const view = this.#control.view();
    const node = await this.#world.node({
      ...this.#options,
      parkingStore: view,
      blockStore: disk,
      hasOtherNodes: true,
    });
    return { node, view, disk };
  }
}
