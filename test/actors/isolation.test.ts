import { describe, expect, it } from 'vitest';
import { connectAs, subscribe, TestClient } from './client.ts';
import { createWorld, record, viewer } from './node.ts';

const broken = (): never => {
  throw new Error('broken link');
};

describe('a bug met on behalf of one session', () => {
  it.each(['acknowledge', 'deliver', 'mark'] as const)('ends that session alone when %s throws', async (method) => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const healthy = connectAs(node, viewer('u1'));
    const victim = new TestClient(node);
    victim[method] = broken;
    victim.handle.initReceived();
    victim.handle.authenticated(viewer('u1'));
    for (const client of [healthy, victim]) if (client.handle.isActive) subscribe(client);
    await world.log.append([record('a')]);
    await world.settle();
    world.clock.advance(31_000);
    healthy.handle.echoed(healthy.marks.at(-1) ?? 0, 'echo');
    await world.log.append([record('b')]);
    await world.settle();
    expect(victim.endedBy).toBe('actor_failed');
    expect([healthy.endedBy, healthy.titles()]).toEqual([null, ['a', 'b']]);
    expect([node.telemetry.counts.actorFailures, node.core.stats.sessions]).toEqual([1, 1]);
  });

  it('ends that session even if its link throws at the close as well', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    Object.assign(client, { deliver: broken, close: broken, terminate: broken });
    await world.settle();
    expect(node.core.stats).toMatchObject({ sessions: 0, subscriptions: 0 });
  });

  it('ends that session when its catching up throws, and others catch up', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const after = node.core.sessions.currentCursor();
    await world.log.append([record('a')]);
    await world.settle();
    const [victim, healthy] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u1'))];
    // Of one session only: the first that asks.
    let isArmed = true;
    node.telemetry.startProcess = () => {
      if (!isArmed) return null;
      isArmed = false;
      throw new Error('a bug in tracing');
    };
    for (const client of [victim, healthy]) subscribe(client, { after });
    await world.settle();
    expect([victim.endedBy, healthy.endedBy]).toEqual(['actor_failed', null]);
    expect(healthy.titles()).toEqual(['a']);
    expect(node.core.stats).toMatchObject({ sessions: 1, catchingUp: 0 });
    await world.log.append([record('b')]);
    await world.settle();
    expect(healthy.titles()).toEqual(['a', 'b']);
  });

  it('paces the reconnects of a user whose sessions fail again and again, and nobody else', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ restartIntensity: 3, holdPaceMs: 2_000 });
    for (let i = 0; i < 3; i++) {
      const client = connectAs(node, viewer('u1'));
      client.deliver = broken;
      subscribe(client);
      await world.settle();
      expect(client.endedBy).toBe('actor_failed');
    }
    const [held, free] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u2'))];
    expect([held.handle.isActive, free.handle.isActive]).toEqual([false, true]);
    world.clock.advance(2_100);
    expect(held.handle.isActive).toBe(true);
  });
});
