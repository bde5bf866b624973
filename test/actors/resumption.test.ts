import { describe, expect, it } from 'vitest';
import { subscribe } from './client.ts';
import { createWorld } from './node.ts';
import { SharedStore } from './shared-store.ts';
import { echo, follow, publish, twoNodes } from './stock-client.ts';

describe('a stock client that drops', () => {
  it('misses nothing and repeats nothing when all that it got was acknowledged', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const first = follow(node);
    await publish(world, 'one');
    world.clock.advance(6_000);
    echo(first);
    first.handle.closed('client_closed');
    await publish(world, 'two', 'three');
    const second = follow(node);
    await world.settle();
    await publish(world, 'four');
    expect([first.titles(), second.titles()]).toEqual([['one'], ['two', 'three', 'four']]);
    expect(second.gaps()).toEqual([]);
  });

  it('gets again what it had not acknowledged, and nothing before it', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const first = follow(node);
    await publish(world, 'one');
    world.clock.advance(6_000);
    echo(first);
    await publish(world, 'two', 'three');
    first.handle.closed('client_closed');
    const second = follow(node);
    await world.settle();
    expect([first.titles(), second.titles()]).toEqual([
      ['one', 'two', 'three'],
      ['two', 'three'],
    ]);
  });

  it('gets everything since its subscribe where it had acknowledged nothing', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    await publish(world, 'before');
    const first = follow(node);
    await publish(world, 'one', 'two');
    first.handle.closed('client_closed');
    const second = follow(node);
    await world.settle();
    expect(second.titles()).toEqual(['one', 'two']);
  });

  it('goes on from the log where its socket was full and it was reading the log already', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ outboxHighWaterCount: 5, socketHighWaterBytes: 300, heartbeatMs: 1e9 });
    const first = follow(node);
    await world.settle();
    echo(first);
    first.isSlow = true;
    await publish(world, ...Array.from({ length: 40 }, (_, n) => `e${n}`));
    first.handle.closed('client_closed');
    const second = follow(node);
    await world.settle();
    for (let n = 0; n < 40; n++) {
      second.read();
      await world.settle();
    }
    expect(second.titles()).toEqual(Array.from({ length: 40 }, (_, n) => `e${n}`));
  });

  it('is recognised by the after that it began with, too; any other after of its own wins', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const start = node.core.sessions.currentCursor();
    await publish(world, 'zero');
    const first = follow(node, { after: start });
    await world.settle();
    await publish(world, 'one');
    world.clock.advance(6_000);
    echo(first);
    const resumed = first.lastCursor;
    first.handle.closed('client_closed');
    await publish(world, 'two');
    const second = follow(node, { after: start });
    await world.settle();
    expect(second.titles()).toEqual(['two']);
    second.handle.closed('client_closed');
    const third = follow(node, { after: resumed });
    await world.settle();
    expect(third.titles()).toEqual(['two']);
    third.handle.closed('client_closed');
    const fourth = follow(node, { after: node.core.sessions.currentCursor() });
    await world.settle();
    expect(fourth.titles()).toEqual([]);
  });

  it('comes back to another node', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const parkingStore = new SharedStore();
    const [here, there] = await twoNodes(world, parkingStore);
    const first = follow(here);
    await publish(world, 'one');
    world.clock.advance(6_000);
    echo(first);
    first.handle.closed('client_closed');
    await publish(world, 'two');
    const second = follow(there);
    await world.settle();
    expect(second.titles()).toEqual(['two']);
    second.handle.closed('client_closed');
    await world.settle();
    await publish(world, 'three');
    const third = follow(here);
    await world.settle();
    expect(third.titles()).toEqual(['two', 'three']);
  });

  it('comes back to a node that was restarted', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const parkingStore = new SharedStore();
    const before = await world.node({ parkingStore });
    const first = follow(before);
    await publish(world, 'one');
    world.clock.advance(6_000);
    echo(first);
    await before.core.stop();
    await publish(world, 'two');
    const after = await world.node({ parkingStore });
    const second = follow(after);
    await world.settle();
    expect([first.endedBy, second.titles()]).toEqual(['stopped', ['two']]);
  });

  it('begins anew after the window, and nothing is kept for it', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const parkingStore = new SharedStore();
    const node = await world.node({ parkingStore });
    follow(node).handle.closed('client_closed');
    await world.settle();
    expect(parkingStore.view.size).toBe(1);
    world.clock.advance(135_000);
    await world.settle();
    expect(parkingStore.view.size).toBe(0);
    await publish(world, 'long after');
    const second = follow(node);
    await world.settle();
    expect(second.titles()).toEqual([]);
  });

  it.each([
    ['without a key', { key: null }],
    ['with another key', { key: 'other' }],
    ['of another user', { user: 'u2' }],
  ])('is no other client: one %s begins now', async (_, other) => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    follow(node, 'key' in other && other.key === null ? { key: null } : {}).handle.closed('client_closed');
    await publish(world, 'meanwhile');
    const second = follow(node, other);
    await world.settle();
    expect(second.titles()).toEqual([]);
  });

  it('that completes its operation is not waited for', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const parkingStore = new SharedStore();
    const node = await world.node({ parkingStore });
    const client = follow(node);
    client.handle.unsubscribe('op');
    client.handle.closed('client_closed');
    await world.settle();
    expect(parkingStore.view.size).toBe(0);
  });
});

describe('a socket that is half open', () => {
  it('hands its operation over at what was acknowledged, and ends with its last one', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const first = follow(node);
    await publish(world, 'one');
    world.clock.advance(6_000);
    echo(first);
    await publish(world, 'two');
    const second = follow(node);
    await world.settle();
    await publish(world, 'three');
    expect(second.titles()).toEqual(['two', 'three']);
    expect(first.titles()).toEqual(['one', 'two']);
    expect(first.endedBy).toBe('superseded');
    expect(node.core.stats).toMatchObject({ sessions: 1, subscriptions: 1 });
  });

  it('keeps its other operations until they are taken too', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const first = follow(node);
    subscribe(first, { operationId: 'other', resumeKey: 'u1/other' });
    const second = follow(node);
    await world.settle();
    expect(first.endedBy).toBe(null);
    expect(first.failures.map(({ operationId }) => operationId)).toEqual(['op']);
    subscribe(second, { operationId: 'other', resumeKey: 'u1/other' });
    expect(first.endedBy).toBe('superseded');
    await publish(world, 'one');
    expect([second.titles('op'), second.titles('other')]).toEqual([['one'], ['one']]);
  });
});

describe('a drain', () => {
  it('closes a session once its position can be found elsewhere, and delivers nothing in between', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const parkingStore = new SharedStore();
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    const [here, there] = await twoNodes(world, parkingStore);
    const first = follow(here);
    await publish(world, 'one');
    world.clock.advance(6_000);
    echo(first);
    parkingStore.held = written;
    const drained = here.core.drain({ spreadMs: 10, deadlineMs: 5_000 });
    world.clock.advance(20);
    await world.settle();
    expect(first.endedBy).toBe(null);
    await publish(world, 'two');
    expect(first.titles()).toEqual(['one']);
    parkingStore.held = null;
    write();
    await world.settle();
    await drained;
    expect(first.endedBy).toBe('draining');
    const second = follow(there);
    await world.settle();
    expect(second.titles()).toEqual(['two']);
  });

  it('does not wait for a log that does not answer', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const parkingStore = new SharedStore();
    const node = await world.node({ parkingStore });
    const client = follow(node);
    parkingStore.held = new Promise(() => {});
    void node.core.drain({ spreadMs: 10, deadlineMs: 5_000 });
    world.clock.advance(20);
    expect(client.endedBy).toBe(null);
    world.clock.advance(1_100);
    expect(client.endedBy).toBe('draining');
  });
});

describe('parked positions', () => {
  it('are bounded in number: the oldest goes', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ maxParked: 3 });
    const clients = Array.from({ length: 5 }, (_, n) => follow(node, { key: `k${n}` }));
    for (const client of clients) client.handle.closed('client_closed');
    await publish(world, 'meanwhile');
    const back = Array.from({ length: 5 }, (_, n) => follow(node, { key: `k${n}` }));
    await world.settle();
    expect(back.map((client) => client.titles().length)).toEqual([0, 0, 1, 1, 1]);
  });

  it('outlive the deletion of one before whose answer was lost and which lands late', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const parkingStore = new SharedStore();
    const node = await world.node({ parkingStore });
    follow(node).handle.closed('client_closed');
    await world.settle();
    const land = parkingStore.loseNextAnswer();
    const second = follow(node);
    await world.settle();
    second.handle.closed('client_closed');
    await publish(world, 'meanwhile');
    land();
    const third = follow(node);
    await world.settle();
    expect(third.titles()).toEqual(['meanwhile']);
  });

  it('that were taken do not come back from the log', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const parkingStore = new SharedStore();
    const node = await world.node({ parkingStore });
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    parkingStore.held = written;
    follow(node).handle.closed('client_closed');
    const second = follow(node);
    await world.settle();
    parkingStore.held = null;
    write();
    await world.settle();
    expect(parkingStore.view.size).toBe(0);
    second.handle.unsubscribe('op');
    await publish(world, 'meanwhile');
    const third = follow(node);
    await world.settle();
    expect(third.titles()).toEqual([]);
  });
});
