import { describe, expect, it } from 'vitest';
import { partitionId, type TopicName } from '../../src/event.ts';
import { connectAs, subscribe } from './client.ts';
import { createWorld, record, topic, userId, viewer } from './node.ts';

const news = 'news.eu' as TopicName;

describe('live delivery', () => {
  it('begins with a checkpoint, and reaches the user, the followers of a topic and everyone, nobody else', async () => {
    const world = await createWorld();
    const node = await world.node();
    const [first, second] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u2'))];
    subscribe(first);
    subscribe(second, { filter: { topics: [news] } });
    await world.log.append([
      record('mine', { audience: { kind: 'user', userId: userId('u1') } }),
      record('news', { audience: { kind: 'topic', topic: news } }),
      record('all', { audience: { kind: 'everyone' } }),
    ]);
    await world.settle();
    expect([...first.titles()].sort()).toEqual(['all', 'mine']);
    expect([...second.titles()].sort()).toEqual(['all', 'news']);
    expect(first.payloads()[0]).toMatchObject({ kind: 'checkpoint', isLive: true });
  });

  it('delivers an event that is published right after subscribe, in the same turn', async () => {
    const world = await createWorld();
    const node = await world.node();
    for (let i = 0; i < 50; i++) {
      const client = connectAs(node, viewer(`user-${i}`));
      subscribe(client);
      void world.log.append([record(`e${i}`, { audience: { kind: 'user', userId: userId(`user-${i}`) } })]);
      await world.settle();
      expect(client.titles()).toEqual([`e${i}`]);
    }
  });

  it('keeps the order of each partition and writes a burst in batches', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    const titles = Array.from({ length: 90 }, (_, i) => `e${i}`);
    await world.log.append(titles.map((title) => record(title)));
    await world.settle();
    expect(client.titles()).toEqual(titles);
    expect(client.writes).toBeLessThan(10);
  });

  it('writes to everybody where the writing takes several turns', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ tickMs: 2 });
    const clients = Array.from({ length: 30 }, (_, i) => connectAs(node, viewer(`u${i}`)));
    for (const client of clients) subscribe(client);
    await world.settle();
    await world.log.append([record('all', { audience: { kind: 'everyone' } })]);
    await world.settle();
    expect(clients.map((client) => client.titles().join())).toEqual(Array(30).fill('all'));
  });

  it.each([1_023, 1_025, 5_000])('delivers a burst of %i events to a healthy client in full', async (count) => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    const titles = Array.from({ length: count }, (_, i) => `e${i}`);
    await world.log.append(titles.map((title) => record(title)));
    await world.settle();
    expect(client.titles()).toEqual(titles);
    expect(client.gaps()).toEqual([]);
  });

  it('drops a duplicate within the window of its partition and counts it', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.log.append([record('a', { ceId: 'same' }), record('b', { ceId: 'same' }), record('c')]);
    await world.settle();
    expect(client.titles()).toEqual(['a', 'c']);
    expect(node.telemetry.counts.recordsDuplicate).toBe(1);
  });

  it('filters by type and by audience', async () => {
    const world = await createWorld();
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { filter: { types: new Set(['order']), everyone: false } });
    await world.log.append([
      record('a'),
      record('b', { type: 'order' }),
      record('c', { type: 'order', audience: { kind: 'everyone' } }),
    ]);
    await world.settle();
    expect(client.titles()).toEqual(['b']);
  });

  it('goes on after poison: gaps to the addressed fold, nobody else hears, letters are reported, good records arrive', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const [addressed, other] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u2'))];
    subscribe(addressed);
    subscribe(other);
    const poison = Array.from({ length: 50 }, (_, i) => record(`p${i}`, { isUnfit: true }));
    const tombstone = { ...record('t'), value: null };
    const nameless = { key: null, value: Buffer.from('{}'), headers: [], partition: 0 };
    await world.log.append([record('before'), ...poison, tombstone, nameless, record('after')]);
    await world.settle();
    expect(addressed.titles()).toEqual(['before', 'after']);
    expect(addressed.gaps()).toEqual(['UNREADABLE', 'UNREADABLE']);
    const kinds = addressed.payloads().map((payload) => payload.kind);
    expect(kinds).toEqual(['checkpoint', 'event', 'gap', 'gap', 'event']);
    expect(other.payloads()).toHaveLength(1);
    expect(node.deadLetters).toHaveLength(51);
    expect(node.telemetry.counts.recordsTombstone).toBe(1);
  });

  it('sends a held-back gap by itself when nothing follows', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.log.append(['p0', 'p1', 'p2'].map((title) => record(title, { isUnfit: true })));
    await world.settle();
    expect(client.gaps()).toHaveLength(1);
    world.clock.advance(1_100);
    await world.settle();
    expect(client.gaps()).toHaveLength(2);
    expect(client.lastCursor).toBe(node.core.sessions.currentCursor());
  });

  it('sends a checkpoint after a quiet minute if the position moved, and none if it did not', async () => {
    const world = await createWorld();
    const node = await world.node({ heartbeatMs: 1e9 });
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.settle();
    world.clock.advance(200_000);
    await world.settle();
    expect(client.payloads()).toHaveLength(1);
    await world.log.append([record('x', { audience: { kind: 'user', userId: userId('other') } })]);
    await world.settle();
    world.clock.advance(80_000);
    await world.settle();
    expect(client.payloads().map(({ kind }) => kind)).toEqual(['checkpoint', 'checkpoint']);
    expect(client.payloads()[1]?.cursor).not.toBe(client.payloads()[0]?.cursor);
  });

  it('delivers nothing to an operation that has ended, and everything to the one that took its place', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { operationId: 'a' });
    client.handle.unsubscribe('a');
    subscribe(client, { operationId: 'b' });
    await world.log.append([record('x')]);
    await world.settle();
    expect(client.payloads('a')).toEqual([]);
    expect(client.titles('b')).toEqual(['x']);
    expect(node.core.stats.subscriptions).toBe(1);
  });

  it('reads a partition that is added later, and a topic that appears later, from the first record', async () => {
    const world = await createWorld({ partitionCount: 1, autoCreate: false });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    world.store.create(topic, 1);
    await world.log.append([record('first')]);
    await world.settle();
    world.store.grow(topic, 2);
    await world.log.append([record('second', { partition: 1 })]);
    await world.settle();
    expect(client.titles()).toEqual(['first', 'second']);
  });

  it('announces what the feed lost as a gap to every live subscription', async () => {
    const world = await createWorld({ partitionCount: 2 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.log.append([record('a', { partition: 0 }), record('b', { partition: 1 })]);
    await world.settle();
    world.store.recreate(topic, 2);
    await world.log.append([record('c', { partition: 0 }), record('d', { partition: 1 })]);
    await world.settle();
    expect(client.gaps()).toEqual(['RECREATED']);
    expect([...client.titles()].sort()).toEqual(['a', 'b', 'c', 'd']);
    world.store.truncate(partitionId(topic, 0), 0n);
    await world.log.append([record('e', { partition: 0 })]);
    await world.settle();
    expect(client.gaps()).toEqual(['RECREATED', 'TRUNCATED']);
    expect(client.titles()).toContain('e');
  });
});
