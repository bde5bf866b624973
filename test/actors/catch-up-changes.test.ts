import { describe, expect, it } from 'vitest';
import { partitionId } from '../../src/event.ts';
import type { EventLog, GapChunk, Topology } from '../../src/log/event-log.ts';
import { connectAs, subscribe, type TestClient } from './client.ts';
import { afterIo, createWorld, record, type TestNode, topic, viewer, type World } from './node.ts';

const first = partitionId(topic, 0);
const options = { outboxHighWaterCount: 4, socketHighWaterBytes: 300, stalledDeadlineMs: 1e9, heartbeatMs: 1e9 };

/** A client that is catching up and does not read: it stands right after the events that its outbox took. */
const stuck = async (world: World, node: TestNode, titles: readonly string[]): Promise<TestClient> => {
  const client = connectAs(node, viewer('u1'));
  client.isSlow = true;
  subscribe(client);
  await world.settle();
  await world.log.append(titles.map((title) => record(title, { partition: 0 })));
  await world.settle();
  expect(node.core.stats.catchingUp).toBe(1);
  return client;
};

const letRead = async (world: World, client: TestClient): Promise<void> => {
  client.isSlow = false;
  client.read();
  await world.settle();
  world.clock.advance(1_000);
  await world.settle();
};

const idsOf = (client: TestClient): ReadonlySet<string> =>
  new Set(client.payloads().flatMap((each) => (each.kind === 'event' ? [each.envelope.id] : [])));

const titles = Array.from({ length: 20 }, (_, i) => `e${i}`);

describe('catching up while the log changes', () => {
  it('reads a partition that is added meanwhile from its first record', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(options);
    const client = await stuck(world, node, titles);
    world.store.grow(topic, 2);
    await world.log.append([record('in the new one', { partition: 1 })]);
    await world.settle();
    await letRead(world, client);
    expect([...client.titles()].sort()).toEqual([...titles, 'in the new one'].sort());
    expect(client.gaps()).toEqual([]);
    await world.log.append([record('later', { partition: 1 })]);
    await world.settle();
    expect(client.titles().at(-1)).toBe('later');
  });

  it('reads one that is added when it has gone a part of its way, too', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(options);
    const client = await stuck(world, node, titles);
    while (client.titles().length < titles.length / 2) {
      client.read();
      await world.settle();
    }
    expect(node.core.stats.catchingUp).toBe(1);
    world.store.grow(topic, 2);
    await world.log.append([record('in the new one', { partition: 1 })]);
    await world.settle();
    await letRead(world, client);
    expect([...client.titles()].sort()).toEqual([...titles, 'in the new one'].sort());
  });

  it('begins a re-created topic anew, after a gap that says so', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(options);
    const client = await stuck(world, node, titles);
    world.store.recreate(topic, 2);
    await world.log.append([record('fresh', { partition: 0 }), record('and more', { partition: 1 })]);
    await world.settle();
    await letRead(world, client);
    expect(client.gaps()).toEqual(['RECREATED']);
    expect([...client.titles().slice(-2)].sort()).toEqual(['and more', 'fresh']);
  });

  it('gives events without an id others than those of a re-created topic have, also where the log knows that one first', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ ...options, ringBytesPerPartition: 1 });
    const early = connectAs(node, viewer('u1'));
    subscribe(early);
    await world.settle();
    const written = (name: string) => titles.map((title) => record(`${name} ${title}`, { ceId: '' }));
    await world.log.append(written('old'));
    await world.settle();
    const client = connectAs(node, viewer('u1'));
    client.isSlow = true;
    subscribe(client, { after: early.received[0]?.payload.cursor ?? null });
    await world.settle();
    node.hold();
    world.store.recreate(topic, 1);
    await world.log.append(written('new'));
    await letRead(world, client);
    node.release();
    await letRead(world, client);
    expect([client.titles().length, client.gaps()]).toEqual([2 * titles.length, ['RECREATED']]);
    expect(idsOf(client).size).toBe(2 * titles.length);
  });

  it('gives them to live ones too, where the log knows the new topic before the node does', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    node.hold();
    await world.log.append([record('old', { ceId: '' })]);
    await world.settle();
    world.store.recreate(topic, 1);
    await world.log.append([record('new', { ceId: '' })]);
    node.release();
    await world.settle();
    expect([client.titles(), client.gaps()]).toEqual([['old', 'new'], ['RECREATED']]);
    expect(idsOf(client).size).toBe(2);
  });

  it('goes on where the log was cut, after a gap that says so', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ ...options, ringBytesPerPartition: 1 });
    const client = await stuck(world, node, titles);
    world.store.truncate(first, 2n);
    await world.log.append([record('instead', { partition: 0 })]);
    await world.settle();
    await letRead(world, client);
    expect(client.gaps()).toEqual(['TRUNCATED']);
    expect(client.titles().at(-1)).toBe('instead');
    expect(node.core.stats.catchingUp).toBe(0);
  });

  it('reads what stands where the log was cut under its own scan', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const writer = await world.node();
    const reader = connectAs(writer, viewer('u1'));
    subscribe(reader);
    await world.log.append([record('seen')]);
    await world.settle();
    const after = reader.lastCursor ?? '';
    await world.log.append([record('a'), record('b'), record('c')]);
    const cut: GapChunk = { kind: 'gap', partition: first, from: 2n, to: 4n, reason: 'TRUNCATED' };
    const node = await world.node({ ringBytesPerPartition: 1, throughLog: (log) => cutOnce(log, cut) });
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { after });
    await world.settle();
    expect(client.payloads().map((each) => (each.kind === 'event' ? each.envelope.display.title : each.kind))).toEqual([
      'a',
      'gap',
      'b',
      'c',
      'checkpoint',
    ]);
  });

  it('takes nothing of a topic that came back under its name for a duplicate of the old one', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.log.append([record('a', { ceId: 'same' })]);
    await world.settle();
    world.store.remove(topic);
    await world.settle();
    world.store.create(topic, 1);
    await world.log.append([record('b', { ceId: 'same' })]);
    await world.settle();
    expect(client.titles()).toEqual(['a', 'b']);
  });

  it('gives a subscription room again when another of its session ends in the turn that filled the queue', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ outboxHighWaterCount: 10 });
    const client = connectAs(node, viewer('u1'));
    for (const operationId of ['a', 'b']) subscribe(client, { operationId });
    await world.settle();
    await world.log.append(titles.map((title) => record(title)));
    await afterIo();
    expect(node.core.stats.catchingUp).toBeGreaterThan(0);
    client.handle.unsubscribe('a');
    await world.settle();
    expect(client.titles('b')).toEqual(titles);
    expect(node.core.stats.catchingUp).toBe(0);
  });

  it('gives a subscription room again when another of its session ends while the client does not read', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(options);
    const client = connectAs(node, viewer('u1'));
    for (const operationId of ['a', 'b']) subscribe(client, { operationId });
    await world.settle();
    client.isSlow = true;
    await world.log.append(titles.map((title) => record(title)));
    await world.settle();
    client.handle.unsubscribe('a');
    await world.settle();
    await letRead(world, client);
    expect(client.titles('b')).toEqual(titles);
    expect(node.core.stats.catchingUp).toBe(0);
  });

  it('keeps what a cursor means while its topic is gone, and says RECREATED when another comes in its place', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.log.append([record('seen'), record('more')]);
    await world.settle();
    const after = client.lastCursor ?? '';
    world.store.remove(topic);
    await world.settle();
    const second = connectAs(node, viewer('u1'));
    subscribe(second, { after });
    await world.settle();
    expect(second.payloads().map(({ cursor }) => cursor)).toEqual([after]);
    second.handle.closed('client_closed');
    world.store.create(topic, 1);
    await world.log.append([record('new')]);
    await world.settle();
    const third = connectAs(node, viewer('u1'));
    subscribe(third, { after: second.lastCursor });
    await world.settle();
    expect([third.gaps(), third.titles()]).toEqual([['RECREATED'], ['new']]);
  });

  it('waits on a node that knows no topic, and goes live on none', async () => {
    const world = await createWorld({ partitionCount: 1, autoCreate: false });
    world.store.create(topic, 1);
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.log.append([record('seen')]);
    await world.settle();
    const after = client.lastCursor ?? '';
    world.store.remove(topic);
    const cold = await world.node();
    const second = connectAs(cold, viewer('u1'));
    subscribe(second, { after });
    await world.settle();
    expect(second.received).toEqual([]);
    world.store.create(topic, 1);
    await world.log.append([record('new')]);
    await world.settle();
    world.clock.advance(1_000);
    await world.settle();
    expect([second.gaps(), second.titles()]).toEqual([['RECREATED'], ['new']]);
  });

  it('reads from its beginning what did not exist when a cursor was taken', async () => {
    const world = await createWorld({ partitionCount: 1, autoCreate: false });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.settle();
    const after = client.lastCursor ?? '';
    client.handle.closed('client_closed');
    world.store.create(topic, 1);
    await world.log.append([record('first of all')]);
    await world.settle();
    const second = connectAs(node, viewer('u1'));
    subscribe(second, { after });
    await world.settle();
    expect([second.gaps(), second.titles()]).toEqual([[], ['first of all']]);
  });

  it('waits for partitions that the cursor has and this node has not, and forgets nothing of them', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    let isBlind = false;
    const seen = (topology: Topology): Topology => ({
      topics: topology.topics.map((each) => (isBlind ? { ...each, partitionCount: 1 } : each)),
    });
    let tell: (topology: Topology) => void = () => {};
    const late = await world.node({
      throughLog: (log) => ({
        ...log,
        topology: () => seen(log.topology()),
        onTopologyChange(listener) {
          tell = listener;
          return log.onTopologyChange((topology) => listener(seen(topology)));
        },
      }),
    });
    late.hold();
    isBlind = true;
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    world.store.grow(topic, 2);
    await world.log.append([record('of the new one', { partition: 1 })]);
    await world.settle();
    const second = connectAs(late, viewer('u1'));
    subscribe(second, { after: client.lastCursor });
    await world.settle();
    expect(second.received).toEqual([]);
    isBlind = false;
    tell(world.log.topology());
    late.release();
    await world.settle();
    world.clock.advance(600);
    await world.settle();
    expect([second.titles(), second.gaps(), second.payloads().at(-1)?.isLive]).toEqual([[], [], true]);
    expect(second.lastCursor).toBe(client.lastCursor);
  });

  it.each([
    ['waits for a node that is behind', 2, true],
    ['waits for a node that is behind, and that the new one has passed', 4, true],
    ['comes to a node that is behind', 4, false],
  ])('does not take what the log says of a topic made anew for its own, where it %s', async (_, count, isFirst) => {
    const world = await createWorld({ partitionCount: 1 });
    const [ahead, behind] = [await world.node(), await world.node()];
    const client = connectAs(ahead, viewer('u1'));
    subscribe(client);
    await world.log.append(['a', 'b', 'c'].map((title) => record(title)));
    await world.settle();
    behind.hold();
    await world.log.append(['d', 'e', 'f'].map((title) => record(title)));
    await world.settle();
    const second = connectAs(behind, viewer('u1'));
    const come = (): void => subscribe(second, { after: client.lastCursor });
    if (isFirst) come();
    await world.settle();
    world.store.recreate(topic, 1);
    await world.log.append(Array.from({ length: count + 1 }, (_, n) => record(`new ${n}`)));
    world.store.truncate(first, BigInt(count));
    if (!isFirst) come();
    await world.settle();
    world.clock.advance(10_000);
    await world.settle();
    expect(second.received).toEqual([]);
    behind.release();
    await world.settle();
    expect([second.gaps(), second.titles().length]).toEqual([['RECREATED'], count]);
  });

  it('judges positions anew where the topic became another while the log was asked about them', async () => {
    const world = await createWorld({ partitionCount: 1 });
    let gate: Promise<void> = Promise.resolve();
    const node = await world.node({
      throughLog: (log) => ({
        ...log,
        async check(positions) {
          const verdicts = await log.check(positions);
          await gate;
          return verdicts;
        },
      }),
    });
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.log.append([record('seen'), record('more')]);
    await world.settle();
    const after = client.lastCursor ?? '';
    const { promise, resolve: answer } = Promise.withResolvers<void>();
    gate = promise;
    world.store.truncate(first, 0n);
    const second = connectAs(node, viewer('u1'));
    subscribe(second, { after });
    await world.settle();
    world.store.recreate(topic, 1);
    await world.log.append([record('new')]);
    await world.settle();
    answer();
    await world.settle();
    expect(second.gaps()).toEqual(['RECREATED']);
    expect(second.titles()).toEqual(['new']);
  });
});

/** A log that was cut at `cut.from` just when the first read of history came there; other records have taken the place since. */
const cutOnce = (log: EventLog, cut: GapChunk): EventLog => {
  let reads = 0;
  return {
    ...log,
    async *read(...[partition, from, to, how]: Parameters<EventLog['read']>) {
      reads += 1;
      // The first one is the node's warm-up.
      if (reads !== 2) return yield* log.read(partition, from, to, how);
      yield* log.read(partition, from, cut.from, how);
      yield cut;
      yield* log.read(partition, cut.from, to, how);
    },
  };
};
