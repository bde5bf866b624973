import { describe, expect, it } from 'vitest';
import type { BlockStore, KeptBlock } from '../../src/actors/blocks.ts';
import { partitionId, type TopicName } from '../../src/event.ts';
import { connectAs, subscribe, type TestClient } from './client.ts';
import { afterIo, createWorld, type NodeOptions, record, type TestNode, topic, viewer, type World } from './node.ts';

/** Coming back costs what was missed, not what was written. */

const other = { kind: 'user', userId: viewer('other').userId } as const;
const news = 'news.eu' as TopicName;
const first = partitionId(topic, 0);
/** Blocks are small here, and in memory stays little more than one of them. */
const small: NodeOptions = { blockOffsets: 64, ringBytesPerPartition: 60_000 };

const noise = (count: number): ReturnType<typeof record>[] =>
  Array.from({ length: count }, (_, n) => record(`noise ${n}`, { audience: other }));

const createStore = (): BlockStore & { readonly kept: Map<number, KeptBlock> } => {
  const kept = new Map<number, KeptBlock>();
  return {
    kept,
    load: async () => [...kept.values()],
    add: (_, block) => void kept.set(block.index, block),
    cut(_, from) {
      for (const index of kept.keys()) if (index >= from) kept.delete(index);
    },
  };
};

const leave = async (world: World, node: TestNode): Promise<string> => {
  const client = connectAs(node, viewer('u1'));
  subscribe(client);
  await world.log.append([record('seen'), ...noise(64)]);
  await world.settle();
  client.handle.closed('client_closed');
  const again = connectAs(node, viewer('u1'));
  subscribe(again);
  await world.settle();
  again.handle.closed('client_closed');
  return again.lastCursor ?? '';
};

const resume = async (world: World, node: TestNode, after: string): Promise<TestClient> => {
  const client = connectAs(node, viewer('u1'));
  subscribe(client, { after });
  await world.settle();
  return client;
};

/** Lets the background finish. */
const warm = async (world: World): Promise<void> => {
  for (let n = 0; n < 200; n++) {
    world.clock.advance(50);
    await world.settle();
  }
};

describe('catching up over what is known to hold nothing', () => {
  it('reads the blocks of the two events that were missed, and no others', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(small);
    const after = await leave(world, node);
    await world.log.append([...noise(5_000), record('one'), ...noise(5_000), record('two'), ...noise(5_000)]);
    await world.settle();
    const client = await resume(world, node, after);
    expect(client.titles()).toEqual(['one', 'two']);
    expect(client.payloads().at(-1)?.isLive).toBe(true);
    expect(node.telemetry.counts.catchUpRecords).toBeLessThan(1_000);
    expect(node.telemetry.counts.catchUpBlocksSkipped).toBeGreaterThan(200);
  });

  it('reads it once where many come while one is reading that was alone, and kept nothing for them', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ ...small, maxSocketsPerUser: 10 });
    const after = await leave(world, node);
    const titles = Array.from({ length: 3_000 }, (_, n) => `mine ${n}`);
    await world.log.append(titles.map((title) => record(title)));
    await world.settle();
    const alone = connectAs(node, viewer('u1'));
    subscribe(alone, { after });
    while (node.telemetry.counts.catchUpRecords === 0) {
      node.scheduler.run();
      await afterIo();
    }
    const others = Array.from({ length: 5 }, () => connectAs(node, viewer('u1')));
    for (const client of others) subscribe(client, { after });
    await world.settle();
    for (const client of [alone, ...others]) expect([client.titles(), client.gaps()]).toEqual([titles, []]);
    expect(node.telemetry.counts.catchUpRecords).toBeLessThan(4_000);
  });

  it('has no gap for what expired while nothing in it was missed', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(small);
    const after = await leave(world, node);
    await world.log.append(noise(1_000));
    await world.settle();
    world.store.expire(first, 900n);
    await world.log.append([record('new')]);
    await world.settle();
    const client = await resume(world, node, after);
    expect([client.titles(), client.gaps()]).toEqual([['new'], []]);
  });

  it('has a gap where something that was missed has expired', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(small);
    const after = await leave(world, node);
    await world.log.append([record('missed'), ...noise(1_000)]);
    await world.settle();
    world.store.expire(first, 900n);
    const client = await resume(world, node, after);
    expect([client.titles(), client.gaps()]).toEqual([[], ['EXPIRED']]);
  });

  it('drops a duplicate without reading the event that it repeats', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(small);
    await leave(world, node);
    await world.log.append([record('twice', { ceId: 'twice' })]);
    const after = await leave(world, node);
    await world.log.append([...noise(500), record('again', { ceId: 'twice' }), record('new'), ...noise(500)]);
    await world.settle();
    const client = await resume(world, node, after);
    expect(client.titles()).toEqual(['new']);
    expect(node.telemetry.counts.catchUpRecords).toBeLessThan(300);
  });

  it('reads anew what was cut off and written again', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(small);
    const after = await leave(world, node);
    await world.log.append(noise(1_000));
    await world.settle();
    world.store.truncate(first, 100n);
    await world.log.append([record('instead'), ...noise(1_000)]);
    await world.settle();
    const client = await resume(world, node, after);
    expect(client.titles()).toEqual(['instead']);
  });

  it('knows nothing of a topic that was made anew', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(small);
    const after = await leave(world, node);
    await world.log.append(noise(1_000));
    await world.settle();
    world.store.recreate(topic, 1);
    await world.log.append([record('of the new one'), ...noise(1_000)]);
    await world.settle();
    const client = await resume(world, node, after);
    expect([client.titles(), client.gaps()]).toEqual([['of the new one'], ['RECREATED']]);
  });

  it('finds events of a topic and for everyone too', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node(small);
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { filter: { topics: [news] } });
    await world.log.append([record('seen')]);
    await world.settle();
    client.handle.closed('client_closed');
    const toTopic = record('news', { audience: { kind: 'topic', topic: news } });
    const toAll = record('all', { audience: { kind: 'everyone' } });
    await world.log.append([...noise(500), toTopic, ...noise(500), toAll, ...noise(500)]);
    await world.settle();
    const again = connectAs(node, viewer('u1'));
    subscribe(again, { after: client.lastCursor ?? '', filter: { topics: [news] } });
    await world.settle();
    expect(again.titles()).toEqual(['news', 'all']);
  });

  it('serves many who missed different things', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ ...small, maxScans: 2 });
    const after = await leave(world, node);
    const names = Array.from({ length: 20 }, (_, n) => `u${n + 2}`);
    for (const name of names) {
      await world.log.append([
        ...noise(1_000),
        record(`for ${name}`, { audience: { kind: 'user', userId: viewer(name).userId } }),
      ]);
    }
    await world.settle();
    const clients = names.map((name) => {
      const client = connectAs(node, viewer(name));
      subscribe(client, { after });
      return client;
    });
    await world.settle();
    for (const [n, client] of clients.entries()) expect(client.titles()).toEqual([`for ${names[n]}`]);
    expect(node.telemetry.counts.catchUpRecords).toBeLessThan(8_000);
  });
});

describe('after a start', () => {
  it('what was known before is known again, without reading', async () => {
    const store = createStore();
    const world = await createWorld({ partitionCount: 1 });
    const before = await world.node({ ...small, blockStore: store });
    const after = await leave(world, before);
    await world.log.append([...noise(15_000), record('one'), ...noise(15_000)]);
    await world.settle();
    await before.core.stop();
    // With its clock standing still, it reads nothing in the background.
    const node = await world.node({ ...small, blockStore: store, tickMs: 0.01 });
    expect(node.core.stats.knownBlocks).toBeGreaterThan(450);
    const client = await resume(world, node, after);
    expect(client.titles()).toEqual(['one']);
    expect(node.telemetry.counts.catchUpRecords).toBeLessThan(1_000);
  });

  it('what was not known is read in the background', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const after = await leave(world, await world.node(small));
    await world.log.append([...noise(15_000), record('one'), ...noise(15_000)]);
    await world.settle();
    const node = await world.node({ ...small, tickMs: 0.01 });
    await warm(world);
    const client = await resume(world, node, after);
    expect(client.titles()).toEqual(['one']);
    expect(node.telemetry.counts.catchUpRecords).toBeLessThan(1_000);
  });

  it('what was known of a log that was cut meanwhile counts for nothing', async () => {
    const store = createStore();
    const world = await createWorld({ partitionCount: 1 });
    const before = await world.node({ ...small, blockStore: store });
    const after = await leave(world, before);
    await world.log.append(noise(15_000));
    await world.settle();
    await before.core.stop();
    world.store.truncate(first, 2_000n);
    await world.log.append([record('instead'), ...noise(20_000)]);
    const node = await world.node({ ...small, blockStore: store });
    await world.settle();
    const client = await resume(world, node, after);
    expect(client.titles()).toEqual(['instead']);
  });

  it('what nobody can vouch for is forgotten for good, lest what is added later should', async () => {
    const store = createStore();
    const world = await createWorld({ partitionCount: 1 });
    const before = await world.node({ ...small, blockStore: store });
    await leave(world, before);
    await world.log.append(noise(1_000));
    await world.settle();
    await before.core.stop();
    const [newest] = [...store.kept.keys()].slice(-1);
    const unproven = (newest ?? 0) + 5;
    store.kept.set(unproven, { index: unproven, epoch: -1, bits: new Uint8Array(), duplicates: [] });
    const node = await world.node({ ...small, blockStore: store });
    expect(store.kept.has(unproven)).toBe(false);
    expect(store.kept.has(newest ?? -1)).toBe(true);
    expect(node.core.stats.knownBlocks).toBe(store.kept.size);
    for (const block of store.kept.values()) store.kept.set(block.index, { ...block, epoch: -1 });
    const another = await world.node({ ...small, blockStore: store, tickMs: 0.01 });
    expect([...store.kept.values()].some(({ epoch }) => epoch < 0)).toBe(false);
    await another.core.stop();
  });

  it('a log that fails in the middle costs time and nothing else', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const after = await leave(world, await world.node(small));
    await world.log.append([...noise(15_000), record('one'), ...noise(1_000)]);
    let failures = 0;
    const node = await world.node({
      ...small,
      throughLog: (log) => ({
        ...log,
        async *read(...range) {
          if (failures-- > 0) throw new Error('the network');
          yield* log.read(...range);
        },
      }),
    });
    failures = 3;
    const client = await resume(world, node, after);
    await warm(world);
    expect(client.titles()).toEqual(['one']);
    await warm(world);
    const { catchUpRecords } = node.telemetry.counts;
    expect((await resume(world, node, after)).titles()).toEqual(['one']);
    expect(node.telemetry.counts.catchUpRecords - catchUpRecords).toBeLessThan(1_000);
  });
});
