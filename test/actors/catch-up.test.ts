import { describe, expect, it } from 'vitest';
import { createCursorCodec } from '../../src/cursor.ts';
import { partitionId } from '../../src/event.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { connectAs, subscribe, type TestClient } from './client.ts';
import { createWorld, record, type TestNode, topic, userId, viewer, type World } from './node.ts';

const other = { kind: 'user', userId: userId('other') } as const;
const first = partitionId(topic, 0);

/** A world in which `u1` has seen `seen`, and left. */
const afterLeaving = async (
  options: { partitionCount?: number } = {},
): Promise<{ world: World; node: TestNode; after: string }> => {
  const world = await createWorld({ partitionCount: 1, ...options });
  const node = await world.node();
  const client = connectAs(node, viewer('u1'));
  subscribe(client);
  await world.log.append([record('seen', { partition: 0 })]);
  await world.settle();
  const after = client.lastCursor ?? '';
  client.handle.closed('client_closed');
  return { world, node, after };
};

const resume = async (world: World, node: TestNode, after: string): Promise<TestClient> => {
  const client = connectAs(node, viewer('u1'));
  subscribe(client, { after });
  await world.settle();
  return client;
};

/** Has reads of history wait for `gate`, and counts those that have begun. */
const gatedReads = (log: EventLog, reads: { begun: number; gate: Promise<void> }): EventLog => ({
  ...log,
  async *read(...range) {
    reads.begun += 1;
    await reads.gate;
    yield* log.read(...range);
  },
});

/** Has reads of history wait for `reads.gate` before each chunk but the first. */
const gatedChunks = (log: EventLog, reads: { gate: Promise<void> }): EventLog => ({
  ...log,
  async *read(...range) {
    for await (const chunk of log.read(...range)) {
      yield chunk;
      await reads.gate;
    }
  },
});

describe('catching up', () => {
  it('delivers what was missed, then a checkpoint that says live, then what comes', async () => {
    const { world, node, after } = await afterLeaving();
    await world.log.append([record('missed'), record('not mine', { audience: other })]);
    await world.settle();
    const client = await resume(world, node, after);
    await world.log.append([record('next')]);
    await world.settle();
    expect(client.payloads().map((each) => [each.kind, each.isLive])).toEqual([
      ['event', false],
      ['checkpoint', true],
      ['event', true],
    ]);
    expect(client.titles()).toEqual(['missed', 'next']);
  });

  it('gets no checkpoint of the tail before it is there, however long that takes', async () => {
    const { world, after } = await afterLeaving();
    await world.log.append([record('missed')]);
    const reads = { begun: 0, gate: Promise.resolve() };
    const throughLog = (log: EventLog): EventLog => gatedReads(log, reads);
    const node = await world.node({ ringBytesPerPartition: 1, checkpointMs: 1_000, heartbeatMs: 1e9, throughLog });
    const { promise, resolve: open } = Promise.withResolvers<void>();
    reads.gate = promise;
    const client = await resume(world, node, after);
    world.clock.advance(2_000);
    await world.log.append([record('not mine', { audience: other })]);
    await world.settle();
    world.clock.advance(2_000);
    await world.settle();
    expect(client.payloads()).toEqual([]);
    open();
    await world.settle();
    expect(client.titles()).toEqual(['missed']);
  });

  it('is live only when it has come to the tail of every partition', async () => {
    const { world, after } = await afterLeaving({ partitionCount: 3 });
    const missed = ['a', 'b', 'c', 'd'].map((title, i) => record(title, { partition: 1 + (i % 2) }));
    await world.log.append(missed);
    const cold = await world.node({ ringBytesPerPartition: 1 });
    const client = await resume(world, cold, after);
    expect([...client.titles()].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(client.payloads().map(({ isLive }) => isLive)).toEqual([false, false, false, false, true]);
  });

  it('goes on where any of the received cursors points, and repeats nothing at the last', async () => {
    const { world, node, after } = await afterLeaving();
    await world.log.append([record('a'), record('b'), record('c')]);
    const client = await resume(world, node, after);
    for (const payload of client.payloads()) {
      const again = await resume(world, node, payload.cursor);
      const index = payload.kind === 'event' ? client.titles().indexOf(payload.envelope.display.title) : 2;
      expect(again.titles()).toEqual(client.titles().slice(index + 1));
    }
  });

  it.each(['', 'nonsense', 'AAAA', '{"a":1}', 'x'.repeat(20_000)])(
    'answers cursor %j with a gap, and is live',
    async (after) => {
      const { world, node } = await afterLeaving();
      const client = await resume(world, node, after);
      await world.log.append([record('next')]);
      await world.settle();
      expect(client.payloads().map((each) => [each.kind, each.isLive])).toEqual([
        ['gap', true],
        ['event', true],
      ]);
      expect(client.gaps()).toEqual(['INVALID_CURSOR']);
    },
  );

  it('reads a cold log as it was read live: a duplicate stays one', async () => {
    const { world, after } = await afterLeaving();
    await world.log.append([record('seen again', { ceId: 'seen' }), record('new')]);
    for (let i = 0; i < 5_000; i++) void world.log.append([record(`f${i}`, { audience: other })]);
    const cold = await world.node({ ringBytesPerPartition: 1_000 });
    const client = await resume(world, cold, after);
    expect(client.titles()).toEqual(['new']);
    expect(cold.telemetry.counts.catchUpScans).toBeGreaterThan(0);
  });

  it('says EXPIRED where the log no longer reaches back, and goes on from its start', async () => {
    const { world, after } = await afterLeaving();
    await world.log.append([record('lost'), record('kept')]);
    await world.settle();
    world.store.expire(first, 2n);
    const cold = await world.node();
    const client = await resume(world, cold, after);
    expect(client.gaps()).toEqual(['EXPIRED']);
    expect(client.titles()).toEqual(['kept']);
  });

  it('says nothing when everything has expired and nothing was missed', async () => {
    const { world, after } = await afterLeaving();
    world.store.expire(first, 1n);
    const cold = await world.node();
    const client = await resume(world, cold, after);
    expect(client.payloads().map(({ kind }) => kind)).toEqual(['checkpoint']);
  });

  it('says nothing when what has expired ends right where the client stands', async () => {
    const { world, after } = await afterLeaving();
    await world.log.append([record('a'), record('b')]);
    world.store.expire(first, 1n);
    const cold = await world.node({ ringBytesPerPartition: 1 });
    const client = await resume(world, cold, after);
    expect(client.titles()).toEqual(['a', 'b']);
    expect(client.gaps()).toEqual([]);
  });

  it('says LIMIT once for what is older than the replay age, and delivers the rest', async () => {
    const { world, after } = await afterLeaving();
    const dayMs = 86_400_000;
    const now = world.clock.now();
    await world.log.append([
      record('old', { timestampMs: now - 3 * dayMs }),
      record('older', { timestampMs: now - 2 * dayMs }),
      record('new'),
    ]);
    const cold = await world.node({ ringBytesPerPartition: 1 });
    const client = await resume(world, cold, after);
    expect(client.gaps()).toEqual(['LIMIT']);
    expect(client.titles()).toEqual(['new']);
  });

  it('says TRUNCATED when the log was cut below the cursor, and goes on where it was cut', async () => {
    const { world, after } = await afterLeaving();
    world.store.truncate(first, 0n);
    await world.log.append([record('instead'), record('more')]);
    const cold = await world.node();
    const client = await resume(world, cold, after);
    expect(client.gaps()).toEqual(['TRUNCATED']);
    await world.log.append([record('next')]);
    await world.settle();
    expect(client.titles()).toEqual(['instead', 'more', 'next']);
  });

  it('says RECREATED when the topic is another one, and reads it from its first record', async () => {
    const { world, after } = await afterLeaving();
    world.store.recreate(topic);
    await world.log.append([record('fresh')]);
    const cold = await world.node();
    const client = await resume(world, cold, after);
    expect(client.gaps()).toEqual(['RECREATED']);
    expect(client.titles()).toEqual(['fresh']);
  });

  it('starts a topic that was added to the list at the tail, and ignores one that was removed', async () => {
    const { world, after } = await afterLeaving();
    const added = world.store.log(['added']);
    await added.append([record('before')]);
    const node = await world.node({ topics: [topic, 'added'] });
    const client = await resume(world, node, after);
    await added.append([record('after')]);
    await world.settle();
    expect(client.titles()).toEqual(['after']);
    expect(client.gaps()).toEqual([]);
    const back = await resume(world, await world.node(), client.lastCursor ?? '');
    expect(back.payloads().map(({ kind }) => kind)).toEqual(['checkpoint']);
  });

  it('reads a partition that was added while the client was away from its beginning', async () => {
    const { world, node, after } = await afterLeaving();
    world.store.grow(topic, 2);
    await world.log.append([record('in the new one', { partition: 1 })]);
    await world.settle();
    const client = await resume(world, node, after);
    expect(client.titles()).toEqual(['in the new one']);
  });

  it('waits at a position beyond the tail, delivers nothing twice, and goes on when the tail gets there', async () => {
    const { world, node, after } = await afterLeaving();
    const slow = await world.node();
    slow.hold();
    await world.log.append([record('ahead')]);
    const quick = await resume(world, node, after);
    expect(quick.titles()).toEqual(['ahead']);
    const client = await resume(world, slow, quick.lastCursor ?? '');
    expect(client.payloads()).toEqual([]);
    slow.release();
    await world.log.append([record('next')]);
    await world.settle();
    expect(client.titles()).toEqual(['next']);
    expect(client.gaps()).toEqual([]);
  });

  it('says TRUNCATED for a position beyond the tail once the log denies that it will come', async () => {
    const { world, node } = await afterLeaving();
    const { fingerprint } = world.log.topology().topics[0] ?? { fingerprint: '' };
    const forged = createCursorCodec().encode([{ fingerprint, partitions: [{ next: 1_000n, epoch: 0 }] }]);
    const client = await resume(world, node, forged);
    expect(client.payloads()).toEqual([]);
    world.store.truncate(first, 1n);
    world.clock.advance(6_000);
    await world.settle();
    expect(client.gaps()).toContain('TRUNCATED');
    await world.log.append([record('next')]);
    await world.settle();
    expect(client.titles()).toContain('next');
  });

  it('asks again while the log does not answer, and ends with the subscription', async () => {
    const { world, node, after } = await afterLeaving();
    await world.log.append([record('missed')]);
    await world.settle();
    world.store.stall(1_000);
    const [client, gone] = [await resume(world, node, after), await resume(world, node, after)];
    gone.handle.unsubscribe('op');
    world.clock.advance(3_000);
    await world.settle();
    expect(client.payloads()).toEqual([]);
    world.store.stall(0);
    world.clock.advance(1_000);
    await world.settle();
    expect(client.titles()).toEqual(['missed']);
    expect(gone.payloads()).toEqual([]);
    expect(node.core.stats.catchingUp).toBe(0);
  });

  it.each([1, 4_000_000])(
    'reads no further ahead of a client than its outbox, with %i bytes of memory',
    async (ring) => {
      const { world, after } = await afterLeaving();
      const titles = Array.from({ length: 500 }, (_, i) => `e${i}`);
      await world.log.append(titles.map((title) => record(title)));
      const options = { outboxHighWaterCount: 50, socketHighWaterBytes: 300, ringBytesPerPartition: ring };
      const node = await world.node(options);
      const client = connectAs(node, viewer('u1'));
      client.isSlow = true;
      subscribe(client, { after });
      await world.settle();
      const oneBytes = 500;
      expect(node.core.stats.outboxBytes).toBeLessThan(51 * oneBytes);
      client.isSlow = false;
      client.read();
      await world.settle();
      expect(client.titles()).toEqual(titles);
    },
  );

  it('lets others read the log while a client that does not read is in the middle of it', async () => {
    const { world, after } = await afterLeaving();
    const titles = Array.from({ length: 300 }, (_, i) => `e${i}`);
    await world.log.append(titles.map((title) => record(title)));
    const options = { outboxHighWaterCount: 50, socketHighWaterBytes: 300, ringBytesPerPartition: 1, maxScans: 1 };
    const node = await world.node(options);
    const slow = connectAs(node, viewer('u1'));
    slow.isSlow = true;
    subscribe(slow, { after });
    await world.settle();
    expect((await resume(world, node, after)).titles()).toEqual(titles);
    slow.isSlow = false;
    slow.read();
    await world.settle();
    expect(slow.titles()).toEqual(titles);
  });

  it('keeps for others what it reads for one alone, where no other reading may begin', async () => {
    const { world, after } = await afterLeaving();
    const titles = Array.from({ length: 300 }, (_, i) => `e${i}`);
    await world.log.append(titles.map((title) => record(title)));
    const reads = { gate: Promise.resolve() };
    const throughLog = (log: EventLog): EventLog => gatedChunks(log, reads);
    const node = await world.node({ ringBytesPerPartition: 1, maxScans: 1, throughLog });
    const { promise, resolve: open } = Promise.withResolvers<void>();
    reads.gate = promise;
    const alone = await resume(world, node, after);
    const later = await resume(world, node, after);
    expect(alone.titles().length).toBeGreaterThan(0);
    expect(later.titles()).toEqual(alone.titles());
    open();
    await world.settle();
    expect([alone.titles(), later.titles()]).toEqual([titles, titles]);
  });

  it('lets others read a partition while clients that do not read hold both of its readings', async () => {
    const { world, after } = await afterLeaving();
    const titles = Array.from({ length: 6_000 }, (_, i) => `e${i}`);
    await world.log.append(titles.map((title) => record(title)));
    const quick = await resume(world, await world.node({ ringBytesPerPartition: 1 }), after);
    const cursorAt = (index: number): string => quick.received[index]?.payload.cursor ?? '';
    const node = await world.node({ outboxHighWaterCount: 50, socketHighWaterBytes: 300, ringBytesPerPartition: 1 });
    const slow = await Promise.all(
      [100, 5_500].map((index) => {
        const client = connectAs(node, viewer('u1'));
        client.isSlow = true;
        subscribe(client, { after: cursorAt(index) });
        return world.settle().then(() => client);
      }),
    );
    expect((await resume(world, node, after)).titles()).toEqual(titles);
    for (const client of slow) {
      client.isSlow = false;
      client.read();
    }
    await world.settle();
    expect(slow.map((client) => client.titles().length)).toEqual([titles.length - 101, titles.length - 5_501]);
  });

  it('reads the log no more often at once than it may, and every partition in turn', async () => {
    const { world, after } = await afterLeaving({ partitionCount: 3 });
    await world.log.append([0, 1, 2].map((partition) => record(`missed ${partition}`, { partition })));
    const reads = { begun: 0, gate: Promise.resolve() };
    const throughLog = (log: EventLog): EventLog => gatedReads(log, reads);
    const node = await world.node({ ringBytesPerPartition: 1, maxScans: 2, throughLog });
    reads.begun = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    reads.gate = promise;
    const clients = await Promise.all(Array.from({ length: 5 }, () => resume(world, node, after)));
    expect(reads.begun).toBe(2);
    resolve();
    await world.settle();
    const all = ['missed 0', 'missed 1', 'missed 2'];
    expect(clients.map((client) => [...client.titles()].sort())).toEqual(Array(5).fill(all));
  });

  it('reads and decodes the log once for all who come back at once, wherever each stood', async () => {
    const { world, after } = await afterLeaving();
    const others = Array.from({ length: 6_000 }, (_, n) => record(`o${n}`, { audience: other }));
    await world.log.append([record('first'), ...others, record('middle'), ...others.slice(0, 100), record('last')]);
    const node = await world.node({ ringBytesPerPartition: 1, maxSocketsPerUser: 100 });
    const early = await resume(world, node, after);
    const once = node.telemetry.counts.catchUpRecords;
    const together = await world.node({ ringBytesPerPartition: 1, maxSocketsPerUser: 100 });
    const middle = early.received.find(
      ({ payload }) => payload.kind === 'event' && payload.envelope.display.title === 'middle',
    );
    const clients = Array.from({ length: 50 }, (_, n) => {
      const client = connectAs(together, viewer('u1'));
      subscribe(client, { after: n % 2 === 0 ? after : (middle?.payload.cursor ?? '') });
      return client;
    });
    await world.settle();
    for (const [n, client] of clients.entries()) {
      expect(client.titles()).toEqual(n % 2 === 0 ? ['first', 'middle', 'last'] : ['last']);
      expect(client.gaps()).toEqual([]);
    }
    // One reading, or two where one began before the others had come.
    expect(together.telemetry.counts.catchUpRecords).toBeLessThanOrEqual(2 * once);
  });

  it('goes on with the other partitions while one cannot be read', async () => {
    const world = await createWorld({ partitionCount: 2 });
    // As Kafka's history where a partition has no leader: it tries again until the signal aborts.
    const throughLog = (log: EventLog): EventLog => ({
      ...log,
      async *read(...args) {
        const { signal } = args[3];
        if (args[0] === first) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        yield* log.read(...args);
      },
    });
    const node = await world.node({ throughLog, ringBytesPerPartition: 2_000 });
    const early = connectAs(node, viewer('u1'));
    subscribe(early);
    await world.log.append([record('seen', { partition: 0 })]);
    await world.settle();
    const after = early.lastCursor ?? '';
    for (let n = 0; n < 30; n++) await world.log.append([record(`e${n}`, { partition: 0 })]);
    await world.settle();
    const late = await resume(world, node, after);
    await world.log.append([record('of the other', { partition: 1 })]);
    await world.settle();
    expect(late.titles()).toEqual(['of the other']);
  });

  it('lets one who is slower than the reading keeps begin another, and miss nothing', async () => {
    const { world, after } = await afterLeaving();
    const titles = Array.from({ length: 2_000 }, (_, n) => `e${n}`);
    await world.log.append(titles.map((title) => record(title)));
    const options = {
      outboxHighWaterCount: 20,
      socketHighWaterBytes: 300,
      ringBytesPerPartition: 1,
      scanKeptBytes: 1_000,
    };
    const node = await world.node(options);
    const slow = connectAs(node, viewer('u1'));
    slow.isSlow = true;
    subscribe(slow, { after });
    const quick = connectAs(node, viewer('u1'));
    subscribe(quick, { after });
    await world.settle();
    expect(quick.titles()).toEqual(titles);
    slow.isSlow = false;
    slow.read();
    await world.settle();
    expect(slow.titles()).toEqual(titles);
  });

  it('holds no more for a client that does not read than its outbox, and gives it everything when it does', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ outboxHighWaterCount: 50, ringBytesPerPartition: 50_000 });
    const [stuck, healthy] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u1'))];
    stuck.isSlow = true;
    subscribe(stuck);
    subscribe(healthy);
    const titles = Array.from({ length: 3_000 }, (_, i) => `e${i}`);
    for (const title of titles) {
      await world.log.append([record(title)]);
      if (Number(title.slice(1)) % 100 === 0) await world.settle();
    }
    await world.settle();
    expect(healthy.titles()).toEqual(titles);
    expect(node.core.stats.outboxBytes).toBeLessThan(51 * 1_000);
    stuck.isSlow = false;
    stuck.read();
    await world.settle();
    expect(stuck.titles()).toEqual(titles);
    expect(stuck.gaps()).toEqual([]);
  });
});
