import { describe, expect, it } from 'vitest';
import { connectAs, subscribe, type TestClient } from './client.ts';
import { createWorld, record, type TestNode, userId, viewer, type World } from './node.ts';

const other = { kind: 'user', userId: userId('other') } as const;

const resume = async (world: World, node: TestNode, after: string): Promise<TestClient> => {
  const client = connectAs(node, viewer('u1'));
  subscribe(client, { after });
  await world.settle();
  return client;
};

/** `u1` sees what is written first, then leaves. */
const cursorAfter = async (world: World, node: TestNode, titles: readonly string[]): Promise<string> => {
  const client = connectAs(node, viewer('u1'));
  subscribe(client);
  await world.log.append(titles.map((title) => record(title)));
  await world.settle();
  client.handle.closed('client_closed');
  return client.lastCursor ?? '';
};

const filler = (count: number, name: string): ReturnType<typeof record>[] =>
  Array.from({ length: count }, (_, i) => record(`${name}${i}`, { audience: other }));

describe('what catching up takes for an event', () => {
  it('drops a duplicate on a node that has just started, wherever the two stand', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const warm = await world.node();
    await cursorAfter(world, warm, ['twice']);
    await world.log.append(filler(3_000, 'a'));
    const after = await cursorAfter(world, warm, ['seen']);
    await world.log.append([record('again', { ceId: 'twice' }), ...filler(7_500, 'b'), record('new')]);
    await world.settle();
    for (const node of [warm, await world.node(), await world.node({ ringBytesPerPartition: 1 })]) {
      const client = await resume(world, node, after);
      expect(client.titles()).toEqual(['new']);
      expect(client.gaps()).toEqual([]);
    }
  });

  it('serves the last 4,096 offsets from memory right after a start', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const after = await cursorAfter(world, await world.node(), ['seen']);
    await world.log.append([...filler(3_000, 'a'), record('new')]);
    const cold = await world.node();
    expect((await resume(world, cold, after)).titles()).toEqual(['new']);
    expect(cold.telemetry.counts.catchUpScans).toBe(0);
  });

  it('drops events whose time is over: in the log, in memory, and in the queue of a slow client', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ socketHighWaterBytes: 200, stalledDeadlineMs: 1e9, heartbeatMs: 1e9 });
    const after = await cursorAfter(world, node, ['seen']);
    const slow = connectAs(node, viewer('u1'));
    slow.isSlow = true;
    subscribe(slow);
    await world.settle();
    const expiresAtMs = world.clock.now() + 10_000;
    await world.log.append([record('brief', { expiresAtMs }), record('lasting')]);
    await world.settle();
    expect((await resume(world, node, after)).titles()).toEqual(['brief', 'lasting']);
    world.clock.advance(10_000);
    slow.isSlow = false;
    slow.read();
    await world.settle();
    expect(slow.titles()).toEqual(['lasting']);
    expect((await resume(world, node, after)).titles()).toEqual(['lasting']);
    const cold = await world.node({ ringBytesPerPartition: 1 });
    expect((await resume(world, cold, after)).titles()).toEqual(['lasting']);
    expect(node.telemetry.counts.recordsExpired).toBe(2);
  });

  it('drops what is over in the queue of a slow client behind what is not', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ socketHighWaterBytes: 9_000, stalledDeadlineMs: 1e9, heartbeatMs: 1e9 });
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.settle();
    client.isSlow = true;
    const before = Array.from({ length: 30 }, (_, n) => `before ${n}`);
    await world.log.append(before.map((title) => record(title)));
    await world.settle();
    const expiresAtMs = world.clock.now() + 5_000;
    await world.log.append([record('lasts'), record('short', { expiresAtMs }), record('lasts too')]);
    await world.settle();
    expect(client.titles()).toEqual(before);
    world.clock.advance(6_000);
    client.isSlow = false;
    client.read();
    await world.settle();
    expect(client.titles()).toEqual([...before, 'lasts', 'lasts too']);
  });

  it('passes over a record that our own code fails on, live and later, and delivers what follows', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const after = await cursorAfter(world, node, ['seen']);
    const live = connectAs(node, viewer('u1'));
    subscribe(live);
    await world.log.append([record('trap'), record('next')]);
    await world.settle();
    const cold = await world.node({ ringBytesPerPartition: 1 });
    for (const client of [live, await resume(world, node, after), await resume(world, cold, after)]) {
      expect(client.titles()).toEqual(['next']);
      expect(client.endedBy).toBe(null);
    }
  });

  it('folds adjacent unreadable records into one gap, and says it before it is live', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const after = await cursorAfter(world, await world.node(), ['seen']);
    const unfit = (title: string): ReturnType<typeof record> => record(title, { isUnfit: true });
    await world.log.append([unfit('p0'), unfit('p1'), unfit('p2'), record('between'), unfit('p3'), unfit('p4')]);
    const client = await resume(world, await world.node({ ringBytesPerPartition: 1 }), after);
    const kinds = client.payloads().map(({ kind, isLive }) => `${kind} ${isLive}`);
    expect(kinds.at(-1)).toBe('checkpoint true');
    expect(client.payloads().map(({ kind }) => kind)).toEqual(['gap', 'gap', 'event', 'gap', 'checkpoint']);
    expect(new Set(client.gaps())).toEqual(new Set(['UNREADABLE']));
    const again = await resume(world, await world.node(), client.lastCursor ?? '');
    expect(again.payloads().map(({ kind }) => kind)).toEqual(['checkpoint']);
  });

  it('tells its position on a long way without events, so that a disconnect does not cost the way', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const after = await cursorAfter(world, await world.node(), ['seen']);
    await world.log.append(filler(20_000, 'a'));
    const cold = await world.node({ ringBytesPerPartition: 1, heartbeatMs: 1e9, checkpointMs: 5_000, tickMs: 2 });
    const client = await resume(world, cold, after);
    const cursors = client.payloads().map(({ cursor, isLive }) => `${cursor} ${isLive}`);
    expect(client.payloads().every(({ kind }) => kind === 'checkpoint')).toBe(true);
    expect(client.payloads().at(-1)?.isLive).toBe(true);
    expect(new Set(cursors).size).toBe(cursors.length);
    expect(cursors.length).toBeGreaterThan(2);
    expect(cursors.length).toBeLessThan(30);
  });
});
