import { describe, expect, it } from 'vitest';
import type { CoreOptions } from '../../src/actors/index.ts';
import { partitionId } from '../../src/event.ts';
import { connectAs, subscribe, type TestClient } from './client.ts';
import { createWorld, record, type TestNode, topic, viewer, type World } from './node.ts';

/** Who comes back a little after others reads what these have read. */

const titles = Array.from({ length: 300 }, (_, n) => `e${n}`);

/** A node that has nothing of what `u1` missed in memory. */
const behind = async (options: Partial<CoreOptions> = {}): Promise<{ world: World; node: TestNode; after: string }> => {
  const world = await createWorld({ partitionCount: 1 });
  const first = await world.node();
  const after = first.core.sessions.currentCursor();
  await world.log.append(titles.map((title) => record(title)));
  world.kill(first);
  const node = await world.node({ ringBytesPerPartition: 1, ...options });
  return { world, node, after };
};

const comeBack = async (world: World, node: TestNode, cursors: readonly string[]): Promise<readonly TestClient[]> => {
  const clients = cursors.map((after) => {
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { after });
    return client;
  });
  await world.settle();
  return clients;
};

const readingsOf = (node: TestNode): number => node.telemetry.counts.catchUpScans;

describe('a reading of the log', () => {
  it('serves those who come a moment after it has ended, and not for ever', async () => {
    const { world, node, after } = await behind();
    const together = await comeBack(world, node, [after, after]);
    const [readings, records] = [readingsOf(node), node.telemetry.counts.catchUpRecords];
    world.clock.advance(1_500);
    const soon = await comeBack(world, node, [after]);
    world.clock.advance(1_500);
    const still = await comeBack(world, node, [after]);
    expect([...together, ...soon, ...still].map((client) => client.titles())).toEqual(Array(4).fill(titles));
    expect([readingsOf(node), node.telemetry.counts.catchUpRecords]).toEqual([readings, records]);
    for (let n = 0; n < 5; n++) world.clock.advance(1_000);
    const [late] = await comeBack(world, node, [after]);
    expect(late?.titles()).toEqual(titles);
    expect(readingsOf(node)).toBe(readings + 1);
  });

  it('goes on for others where all of its readers have left in the middle of it', async () => {
    const { world, node, after } = await behind({ socketHighWaterBytes: 300, outboxHighWaterCount: 20 });
    const clients = [0, 1].map(() => connectAs(node, viewer('u1')));
    for (const client of clients) {
      client.isSlow = true;
      subscribe(client, { after });
    }
    await world.settle();
    const readings = readingsOf(node);
    expect(clients.map((client) => client.titles().length)).toEqual([1, 1]);
    for (const client of clients) client.handle.closed('client_closed');
    const others = await comeBack(world, node, [after, after]);
    expect(others.map((client) => client.titles())).toEqual([titles, titles]);
    expect([readings, readingsOf(node)]).toEqual([1, 1]);
  });

  it('serves nobody with what was cut from the log', async () => {
    const { world, node, after } = await behind();
    await comeBack(world, node, [after, after]);
    world.store.truncate(partitionId(topic, 0), 100n);
    await world.settle();
    await world.log.append([record('other')]);
    await world.settle();
    const [client] = await comeBack(world, node, [after]);
    expect(client?.titles()).toEqual([...titles.slice(0, 100), 'other']);
  });

  it('is held by nobody whose outbox is full while another waits for a place', async () => {
    const world = await createWorld({ partitionCount: 2 });
    const first = await world.node();
    const after = first.core.sessions.currentCursor();
    await world.log.append(titles.map((title) => record(title, { partition: 0 })));
    await world.settle();
    const later = first.core.sessions.currentCursor();
    await world.log.append([record('other', { partition: 1 })]);
    await world.settle();
    world.kill(first);
    const full = { outboxHighWaterCount: 5, socketHighWaterBytes: 300 };
    const node = await world.node({ ringBytesPerPartition: 1, maxScans: 1, ...full });
    const slow = connectAs(node, viewer('u1'));
    slow.isSlow = true;
    subscribe(slow, { after });
    const quick = connectAs(node, viewer('u1'));
    subscribe(quick, { after: later });
    await world.settle();
    expect(quick.titles()).toEqual(['other']);
    slow.isSlow = false;
    slow.read();
    await world.settle();
    expect(slow.titles()).toEqual([...titles, 'other']);
  });
});
