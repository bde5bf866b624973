import { describe, expect, it } from 'vitest';
import { createWorld, type TestNode, type World } from './node.ts';
import { SharedStore } from './shared-store.ts';
import { echo, follow, publish, twoNodes } from './stock-client.ts';

/** A client on `here` has had `one`; what nodes tell each other from now on is on its way until `write`. */
const beforeTheAnswer = async (): Promise<{ world: World; here: TestNode; there: TestNode; write: () => void }> => {
  const world = await createWorld({ partitionCount: 1 });
  const store = new SharedStore();
  const [here, there] = await twoNodes(world, store);
  follow(here);
  await publish(world, 'one');
  const { promise: written, resolve: write } = Promise.withResolvers<void>();
  store.held = written;
  return { world, here, there, write };
};

describe('a socket that is half open on another node', () => {
  it('hands its operation over at what was acknowledged, and ends with its last one', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const [here, there] = await twoNodes(world, new SharedStore());
    const first = follow(here);
    await publish(world, 'one');
    world.clock.advance(6_000);
    echo(first);
    await publish(world, 'two');
    const second = follow(there);
    await world.settle();
    await publish(world, 'three');
    expect([first.titles(), second.titles()]).toEqual([
      ['one', 'two'],
      ['two', 'three'],
    ]);
    expect(first.endedBy).toBe('superseded');
    const third = follow(here);
    await publish(world, 'four');
    expect([second.endedBy, third.titles()]).toEqual(['superseded', ['two', 'three', 'four']]);
  });

  it('gives its client what came while it was asked, in order', async () => {
    const { world, there, write } = await beforeTheAnswer();
    const second = follow(there);
    await publish(world, 'two');
    expect(second.titles()).toEqual([]);
    write();
    await world.settle();
    await publish(world, 'three');
    expect(second.titles()).toEqual(['one', 'two', 'three']);
  });

  it('keeps nobody waiting for a node that is gone, and only the first at all; nothing since the subscribe is missed', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    follow(here);
    follow(here, { key: 'other' });
    await world.settle();
    store.leave(here);
    const second = follow(there);
    await publish(world, 'while waiting');
    expect(second.titles()).toEqual([]);
    world.clock.advance(1_000);
    await world.settle();
    expect(second.titles()).toEqual(['while waiting']);
    const other = follow(there, { key: 'other' });
    await publish(world, 'at once');
    expect(other.titles()).toEqual(['at once']);
  });

  it('does not take the operation back from a client that has returned to it meanwhile', async () => {
    const { world, here, there, write } = await beforeTheAnswer();
    const stale = follow(there);
    const back = follow(here);
    await world.settle();
    write();
    await world.settle();
    await publish(world, 'two');
    expect(back.titles()).toEqual(['one', 'two']);
    expect(back.endedBy).toBe(null);
    expect(stale.endedBy).toBe('superseded');
    expect(stale.titles()).toEqual([]);
  });

  it('is asked once for a client that comes twice while the answer is on its way', async () => {
    const { world, there, write } = await beforeTheAnswer();
    const first = follow(there);
    const second = follow(there);
    await world.settle();
    write();
    await world.settle();
    await publish(world, 'two');
    expect([first.titles(), second.titles()]).toEqual([[], ['one', 'two']]);
    expect(first.endedBy).toBe('superseded');
  });

  it('leaves the position for the next one where its client is gone before the answer', async () => {
    const { world, there, write } = await beforeTheAnswer();
    follow(there).handle.closed('client_closed');
    await world.settle();
    write();
    await world.settle();
    const third = follow(there);
    await world.settle();
    expect(third.titles()).toEqual(['one']);
  });

  it('that notices late does not set back the client that is elsewhere by then', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    const first = follow(here);
    await publish(world, 'one');
    store.leave(here);
    const second = follow(there);
    world.clock.advance(1_000);
    await publish(world, 'two');
    first.handle.closed('heartbeat_missed');
    await world.settle();
    second.handle.closed('client_closed');
    await publish(world, 'three');
    const third = follow(there);
    await world.settle();
    expect(third.titles()).toEqual(['two', 'three']);
  });

  it('that could not answer in time has its client come back to go on where it stood', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    follow(here);
    await publish(world, 'one');
    store.freeze('here');
    await publish(world, 'two');
    world.clock.advance(10);
    const second = follow(there);
    world.clock.advance(1_000);
    await publish(world, 'three');
    expect(second.titles()).toEqual(['three']);
    store.thaw('here');
    await world.settle();
    world.clock.advance(1_000);
    await world.settle();
    expect(second.endedBy).toBe('draining');
    const third = follow(there);
    await world.settle();
    expect(third.titles()).toEqual(['one', 'two', 'three']);
  });

  it('that could not answer once is asked again as soon as it is heard of', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    follow(here);
    await world.settle();
    store.freeze('here');
    follow(there);
    world.clock.advance(1_000);
    await world.settle();
    store.thaw('here');
    await world.settle();
    follow(here, { key: 'other' });
    await publish(world, 'one');
    const second = follow(there, { key: 'other' });
    await publish(world, 'two');
    expect(second.titles()).toEqual(['one', 'two']);
  });

  it('that was killed after it had told that the client is back there loses nothing since it came here again', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    follow(here);
    await world.settle();
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    store.held = written;
    world.clock.advance(10);
    follow(there);
    follow(here);
    await world.settle();
    world.kill(here);
    store.leave(here);
    const waiting = follow(there);
    await publish(world, 'one');
    write();
    await world.settle();
    await publish(world, 'two');
    expect([waiting.endedBy, waiting.titles()]).toEqual(['superseded', []]);
    const next = follow(there);
    world.clock.advance(1_000);
    await world.settle();
    expect(next.titles()).toEqual(['one', 'two']);
  });

  it('whose word of having it comes after it was killed loses nothing of what the client has not acknowledged', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    const land = store.loseNextAnswer();
    follow(here);
    await world.settle();
    world.kill(here);
    store.leave(here);
    world.clock.advance(10);
    const running = follow(there);
    await publish(world, 'one');
    land();
    await world.settle();
    await publish(world, 'two');
    expect([running.endedBy, running.titles()]).toEqual(['superseded', ['one']]);
    const next = follow(there);
    world.clock.advance(1_000);
    await world.settle();
    expect(next.titles()).toEqual(['one', 'two']);
  });

  it('and still has it says so again to one that gives it up', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    const land = store.loseNextAnswer();
    const first = follow(here);
    await publish(world, 'one');
    store.freeze('here');
    world.clock.advance(10);
    follow(there);
    await world.settle();
    land();
    await world.settle();
    store.thaw('here');
    await publish(world, 'two');
    expect([first.endedBy, first.titles()]).toEqual([null, ['one', 'two']]);
    const next = follow(there);
    await world.settle();
    expect(next.titles()).toEqual(['one', 'two']);
  });

  it('does not hide where its client stood by asking for it', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    const first = follow(here);
    await world.settle();
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    store.held = written;
    first.handle.closed('client_closed');
    follow(here);
    await publish(world, 'one');
    world.kill(here);
    store.leave(here);
    world.clock.advance(10);
    const waiting = follow(there);
    await publish(world, 'two');
    waiting.handle.closed('client_closed');
    write();
    await world.settle();
    await there.core.stop();
    store.leave(there);
    const next = follow(await world.node({ parkingStore: store.for('elsewhere'), hasOtherNodes: true }));
    world.clock.advance(5_000);
    await world.settle();
    expect(next.titles()).toEqual(['one', 'two']);
  });

  it('does not hide where its client stood by saying that it has begun', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    store.loseNextAnswer();
    const first = follow(here);
    await publish(world, 'one');
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    store.held = written;
    first.handle.closed('client_closed');
    world.kill(here);
    store.leave(here);
    world.clock.advance(10);
    const running = follow(there);
    await publish(world, 'two');
    write();
    await world.settle();
    world.clock.advance(1_000);
    await world.settle();
    expect(running.endedBy).toBe('draining');
    await there.core.stop();
    store.leave(there);
    const next = follow(await world.node({ parkingStore: store.for('elsewhere'), hasOtherNodes: true }));
    world.clock.advance(5_000);
    await world.settle();
    expect(next.titles()).toEqual(['one', 'two']);
  });

  it('tells a position again that the log did not take', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    const first = follow(here);
    await publish(world, 'one');
    store.refuses = true;
    first.handle.closed('client_closed');
    await world.settle();
    store.refuses = false;
    world.clock.advance(1_100);
    await world.settle();
    const second = follow(there);
    await world.settle();
    expect(second.titles()).toEqual(['one']);
  });

  it('is told once where its client brings another `after` there', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    const probe = follow(here, { key: null });
    await publish(world, 'one');
    const older = probe.lastCursor;
    await publish(world, 'two');
    follow(here, { after: older });
    await world.settle();
    world.clock.advance(5_000);
    await world.settle();
    const before = store.writes;
    const second = follow(there, { after: probe.lastCursor });
    await world.settle();
    expect(store.writes - before).toBeLessThan(10);
    expect(second.endedBy).toBe(null);
  });

  it('is told of what runs for long, and forgets what no node tells any more', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const store = new SharedStore();
    const [here, there] = await twoNodes(world, store);
    follow(here);
    const gone = follow(there, { key: 'gone' });
    await world.settle();
    store.leave(there);
    for (let hour = 0; hour < 30; hour++) {
      world.clock.advance(3_600_000);
      await world.settle();
    }
    expect(gone.endedBy).toBe(null);
    expect([...store.view.keys()]).toEqual(['parked/u1/key']);
    expect(store.writes).toBeLessThan(10);
  });
});
