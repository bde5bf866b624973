import { describe, expect, it } from 'vitest';
import { Markers } from '../../src/actors/markers.ts';
import { systemClock } from '../../src/clock.ts';
import { heapBytes } from '../support/in-process-gateway.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { connectAs, subscribe, type TestClient } from './client.ts';
import { createWorld, record, viewer } from './node.ts';

describe('an echo', () => {
  it('acknowledges what was written before its marker, of each operation by itself', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const start = node.core.sessions.currentCursor();
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { operationId: 'live', resumeKey: 'live' });
    await world.log.append([record('one')]);
    await world.settle();
    world.clock.advance(6_000);
    const marker = client.marks.at(-1) ?? 0;
    subscribe(client, { operationId: 'replayed', resumeKey: 'replayed', after: start });
    await world.settle();
    expect(client.titles('replayed')).toEqual(['one']);
    client.handle.echoed(marker, 'echo');
    client.handle.closed('client_closed');
    const again = connectAs(node, viewer('u1'));
    subscribe(again, { operationId: 'live', resumeKey: 'live' });
    subscribe(again, { operationId: 'replayed', resumeKey: 'replayed', after: start });
    await world.settle();
    expect([again.titles('live'), again.titles('replayed')]).toEqual([[], ['one']]);
  });

  it('acknowledges nothing that stands before later markers', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { resumeKey: 'op' });
    for (const title of ['one', 'two', 'three']) {
      await world.log.append([record(title)]);
      await world.settle();
      world.clock.advance(6_000);
    }
    const [first = 0] = client.marks.slice(-3);
    expect(client.marks.length).toBeGreaterThanOrEqual(3);
    client.handle.echoed(first, 'echo');
    client.handle.closed('client_closed');
    const again = connectAs(node, viewer('u1'));
    subscribe(again, { resumeKey: 'op' });
    await world.settle();
    expect(again.titles()).toEqual(['two', 'three']);
  });

  it('acknowledges of each operation what a batch had for it, and nothing that came later', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const operations = ['first', 'last'];
    const client = connectAs(node, viewer('u1'));
    for (const operationId of operations) subscribe(client, { operationId, resumeKey: operationId });
    await world.log.append([record('one'), record('two')]);
    await world.settle();
    world.clock.advance(6_000);
    client.handle.echoed(client.marks.at(-1) ?? 0, 'echo');
    await world.log.append([record('three')]);
    await world.settle();
    const got = operations.map((operationId) => client.titles(operationId));
    client.handle.closed('client_closed');
    const again = connectAs(node, viewer('u1'));
    for (const operationId of operations) subscribe(again, { operationId, resumeKey: operationId });
    await world.settle();
    const all = ['one', 'two', 'three'];
    expect(got).toEqual([all, all]);
    expect(operations.map((operationId) => again.titles(operationId))).toEqual([['three'], ['three']]);
  });

  it('that never comes leaves what was written unacknowledged, however many markers went by', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const filters = { own: { everyone: false }, common: { viewer: false } };
    const subscribeAll = (client: TestClient): void => {
      for (const [operationId, filter] of Object.entries(filters))
        subscribe(client, { operationId, filter, resumeKey: operationId });
    };
    const client = connectAs(node, viewer('u1'));
    subscribeAll(client);
    await world.log.append([record('one')]);
    await world.settle();
    world.clock.advance(5_000);
    await world.log.append([record('two', { audience: { kind: 'everyone' } })]);
    await world.settle();
    // It is there, whatever it makes of markers.
    while (client.marks.length < 600) {
      world.clock.advance(5_000);
      client.handle.heard();
    }
    expect(client.endedBy).toBeNull();
    client.handle.closed('client_closed');
    const again = connectAs(node, viewer('u1'));
    subscribeAll(again);
    await world.settle();
    expect([again.titles('own'), again.titles('common')]).toEqual([['one'], ['two']]);
  });
});

describe('a heartbeat of a stream', () => {
  it('is not remembered: nothing will echo it', async () => {
    const beats: (() => void)[] = [];
    const owner = {
      canEcho: false,
      sendMarker() {},
      acknowledged() {},
      echoOverdue() {},
      guarded: (task: () => void) => task(),
    };
    const deps = {
      clock: systemClock,
      telemetry: silentTelemetry(),
      options: { markerBytes: 65_536, heartbeatMs: 25_000 },
      random: () => 0.5,
      after(_delayMs: number, task: () => void) {
        beats.push(task);
        return { cancel() {}, again: () => void beats.push(task) };
      },
    };
    const all = Array.from({ length: 1_000 }, () => new Markers(owner, deps));
    for (const markers of all) markers.start();
    const before = await heapBytes();
    for (let beat = 0; beat < 250; beat++) for (const task of beats.splice(0)) task();
    // As many objects as there were heartbeats take 15 MB.
    expect((await heapBytes()) - before).toBeLessThan(5_000_000);
    for (const markers of all) markers.end();
  });
});
