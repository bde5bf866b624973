import { describe, expect, it } from 'vitest';
import type { TopicName } from '../../src/event.ts';
import { connectAs, everything, subscribe, TestClient } from './client.ts';
import { createWorld, record, viewer } from './node.ts';

const news = 'news.eu' as TopicName;

describe('a session', () => {
  it('is active from its ack on, and runs no operation before', async () => {
    const world = await createWorld();
    const node = await world.node();
    const client = new TestClient(node);
    const request = { operationId: 'op', filter: everything, after: null, plan: null, resumeKey: null };
    expect(client.handle.subscribe(request)?.code).toBe('DRAINING');
    expect(client.handle.initReceived()).toBe(true);
    expect(client.handle.isActive).toBe(false);
    client.handle.authenticated(viewer('u1'));
    expect([client.handle.isActive, client.acknowledged]).toEqual([true, 1]);
    expect(client.handle.initReceived()).toBe(false);
    expect(client.endedBy).toBe('init_repeated');
  });

  it('runs no operation while its ack waits for its turn, though its token is verified', async () => {
    const world = await createWorld();
    const node = await world.node({ admissionsPerSecond: 1, admissionBurst: 1 });
    connectAs(node, viewer('u1'));
    const waiting = connectAs(node, viewer('u2'));
    const request = { operationId: 'op', filter: everything, after: null, plan: null, resumeKey: null };
    expect([waiting.acknowledged, waiting.handle.isActive]).toEqual([0, false]);
    expect(waiting.handle.subscribe(request)?.code).toBe('DRAINING');
    expect(node.core.stats.subscriptions).toBe(0);
    world.clock.advance(1_100);
    expect(waiting.acknowledged).toBe(1);
    expect(waiting.handle.subscribe(request)).toBe(null);
  });

  it('closes with too_many_sockets at the eleventh socket of a user, and takes one when another has gone', async () => {
    const world = await createWorld();
    const node = await world.node();
    const clients = Array.from({ length: 11 }, () => connectAs(node, viewer('u1')));
    expect(clients.map(({ endedBy }) => endedBy)).toEqual([...Array(10).fill(null), 'too_many_sockets']);
    clients[0]?.handle.closed('client_closed');
    expect(connectAs(node, viewer('u1')).endedBy).toBe(null);
    expect(node.core.stats.sessions).toBe(10);
  });

  it('gives every socket of a user each event once, and closing one leaves the others', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const clients = Array.from({ length: 5 }, () => connectAs(node, viewer('u1')));
    for (const client of clients) subscribe(client);
    clients[2]?.handle.closed('client_closed');
    await world.log.append([record('x')]);
    await world.settle();
    expect(clients.map((client) => client.titles().length)).toEqual([1, 1, 0, 1, 1]);
  });

  it('refuses the thirty-third subscription by an error and lives on', async () => {
    const world = await createWorld();
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    for (let i = 0; i < 32; i++) subscribe(client, { operationId: `op${i}` });
    expect(() => subscribe(client, { operationId: 'op32' })).toThrow(/32 subscriptions/);
    client.handle.unsubscribe('op0');
    subscribe(client, { operationId: 'op32' });
    expect(client.endedBy).toBe(null);
  });

  it('refuses a topic that the token does not allow, and fails those that a refreshed token no longer allows', async () => {
    const world = await createWorld();
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    expect(() => subscribe(client, { filter: { topics: ['secret' as TopicName] } })).toThrow(/secret/);
    subscribe(client, { operationId: 'news', filter: { topics: [news] } });
    subscribe(client, { operationId: 'mine' });
    client.handle.refreshed(viewer('u1', { topics: [] }));
    expect(client.failures.map(({ operationId, error }) => [operationId, error.code])).toEqual([
      ['news', 'TOPIC_FORBIDDEN'],
    ]);
    expect([client.handle.has('news'), client.handle.has('mine')]).toEqual([false, true]);
  });

  it("ends with token_expired at the token's end unless it is refreshed", async () => {
    const world = await createWorld();
    const node = await world.node({ heartbeatMs: 1e9 });
    const expiresAtMs = world.clock.now() + 120_000;
    const [lapsed, renewed] = [
      connectAs(node, viewer('u1', { expiresAtMs })),
      connectAs(node, viewer('u1', { expiresAtMs })),
    ];
    world.clock.advance(100_000);
    renewed.handle.refreshed(viewer('u1', { expiresAtMs: expiresAtMs + 60_000 }));
    world.clock.advance(21_000);
    expect([lapsed.endedBy, renewed.endedBy]).toEqual(['token_expired', null]);
  });

  it('delivers nothing after the token has ended', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1', { expiresAtMs: world.clock.now() + 5_000 }));
    subscribe(client);
    world.clock.advance(6_000);
    await world.log.append([record('late')]);
    await world.settle();
    expect(client.titles()).toEqual([]);
    expect(node.core.stats.subscriptions).toBe(0);
  });

  it('delivers nothing of what waits when the token ends, to whoever is slow (C04)', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ heartbeatMs: 1e9 });
    const client = connectAs(node, viewer('u1', { expiresAtMs: world.clock.now() + 5_000 }));
    subscribe(client);
    await world.settle();
    client.isSlow = true;
    client.bufferedBytes = 1e9;
    await world.log.append([record('waits')]);
    await world.settle();
    client.bufferedBytes = 0;
    world.clock.advance(5_000);
    await world.settle();
    expect([client.endedBy, client.titles()]).toEqual(['token_expired', []]);
  });

  it.each(['live', 'catching up'])(
    'delivers nothing after the end of the token though its timer is late, %s (C04)',
    async (mode) => {
      const world = await createWorld({ partitionCount: 1 });
      const node = await world.node({ heartbeatMs: 1e9 });
      const after = node.core.sessions.currentCursor();
      const client = connectAs(node, viewer('u1', { expiresAtMs: world.clock.now() + 5_000 }));
      if (mode === 'live') subscribe(client);
      await world.settle();
      world.clock.jump(5_000);
      await world.log.append([record('late')]);
      if (mode === 'catching up') subscribe(client, { after });
      await world.settle();
      expect([client.endedBy, client.titles()]).toEqual(['token_expired', []]);
    },
  );

  it('says with its markers how long the token is good for, once that is short', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ heartbeatMs: 1e9 });
    const client = connectAs(node, viewer('u1', { expiresAtMs: world.clock.now() + 90_000 }));
    world.clock.advance(29_000);
    expect(client.marks).toEqual([]);
    world.clock.advance(2_000);
    const [leftMs = 0] = client.challenges;
    expect(client.marks).toHaveLength(1);
    expect(leftMs).toBeGreaterThan(58_000);
    expect(leftMs).toBeLessThanOrEqual(60_000);
    client.handle.refreshed(viewer('u1', { expiresAtMs: world.clock.now() + 3_600_000 }));
    world.clock.advance(120_000);
    expect([client.endedBy, client.challenges.length]).toEqual([null, 1]);
  });

  it('closes at once when its token is revoked, without what waits, and leaves the rest of the user alone (C04)', async () => {
    const world = await createWorld({ partitionCount: 1 });
    let revokedId = '';
    const node = await world.node({ isRevoked: ({ tokenId }) => tokenId === revokedId });
    const [leaked, other] = [
      connectAs(node, viewer('u1', { tokenId: 't1' })),
      connectAs(node, viewer('u1', { tokenId: 't2' })),
    ];
    for (const client of [leaked, other]) subscribe(client);
    await world.settle();
    leaked.bufferedBytes = 1e9;
    await world.log.append([record('secret')]);
    await world.settle();
    leaked.bufferedBytes = 0;
    revokedId = 't1';
    expect(node.core.closeRevoked()).toBe(1);
    await world.settle();
    expect([leaked.endedBy, leaked.titles()]).toEqual(['revoked', []]);
    expect([other.endedBy, other.titles()]).toEqual([null, ['secret']]);
    const again = new TestClient(node);
    again.handle.initReceived();
    again.handle.authenticated(viewer('u1', { tokenId: 't1' }));
    expect(again.endedBy).toBe('token_refused');
  });

  it('marks what it wrote at the latest 5 s later, so that acknowledgements are no guess', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ heartbeatMs: 1e9 });
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.settle();
    client.handle.echoed(client.marks.at(-1) ?? 0, 'echo');
    world.clock.advance(60_000);
    const before = client.marks.length;
    await world.log.append([record('first')]);
    await world.settle();
    expect(client.marks.length).toBe(before + 1);
    world.clock.advance(1_000);
    await world.log.append([record('second')]);
    await world.settle();
    world.clock.advance(3_900);
    expect(client.marks.length).toBe(before + 1);
    world.clock.advance(200);
    expect(client.marks.length).toBe(before + 2);
    world.clock.advance(600_000);
    expect(client.marks.length).toBe(before + 2);
  });

  it('keeps a peer from which anything comes, though it makes nothing of markers, and probes whatever stack it has (C31)', async () => {
    const world = await createWorld();
    const node = await world.node();
    const [chatty, echoing] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u2'))];
    echoing.handle.echoed(0, 'echo');
    for (let i = 0; i < 40; i++) {
      world.clock.advance(10_000);
      chatty.handle.heard();
      // An application that echoed once and stopped; its WebSocket stack goes on.
      if (i === 0) echoing.handle.echoed(echoing.marks.at(-1) ?? 0, 'echo');
      else echoing.handle.heard();
    }
    expect([chatty.endedBy, echoing.endedBy]).toEqual([null, null]);
    expect(echoing.probes.length).toBeGreaterThan(5);
  });

  it('acknowledges nothing for an answer of the stack where the application echoes (P7)', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const observed: number[] = [];
    const node = await world.node({ heartbeatMs: 1e9 });
    node.telemetry.observe = (name, value) => void (name === 'recordToAck' && observed.push(value));
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.settle();
    world.clock.advance(10_000);
    await world.log.append([record('one')]);
    await world.settle();
    client.handle.echoed(client.marks.at(-1) ?? 0, 'echo');
    expect(observed).toHaveLength(1);
    world.clock.advance(10_000);
    await world.log.append([record('two')]);
    await world.settle();
    client.handle.echoed(client.marks.at(-1) ?? 0, 'bare');
    expect(observed).toHaveLength(1);
    client.handle.echoed(client.marks.at(-1) ?? 0, 'echo');
    expect(observed).toHaveLength(2);
  });

  it('tells its user how it is, and the user is as the worst of its sessions', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ random: () => 0.5, outboxHighWaterCount: 10, socketHighWaterBytes: 300 });
    const users = (): string => Object.keys(node.core.snapshot().users).join();
    const slow = connectAs(node, viewer('u1', { expiresAtMs: world.clock.now() + 90_000 }));
    const well = connectAs(node, viewer('u1'));
    for (const client of [slow, well]) subscribe(client);
    await world.settle();
    const beat = (): void => well.handle.echoed(well.marks.at(-1) ?? 0, 'echo');
    expect(users()).toBe('here.presence.present identity.valid flow.open pulse.quiet supervision.steady');
    world.clock.advance(34_000);
    beat();
    expect(users()).toContain('identity.expiring');
    expect(users()).toContain('pulse.waiting');
    slow.isSlow = true;
    await world.log.append(Array.from({ length: 50 }, (_, i) => record(`e${i}`)));
    await world.settle();
    expect(users()).toContain('flow.lagging');
    world.clock.advance(6_000);
    beat();
    expect(users()).toContain('flow.stalled');
    world.clock.advance(6_000);
    beat();
    expect(users()).toContain('pulse.silent');
    slow.handle.closed('client_closed');
    expect(users()).toBe('here.presence.present identity.valid flow.open pulse.quiet supervision.steady');
  });

  it('leaves its user nothing of how it was, once another session has taken its place', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const users = (): string => Object.keys(node.core.snapshot().users).join();
    const silent = connectAs(node, viewer('u1'));
    world.clock.advance(48_000);
    expect(users()).toContain('pulse.silent');
    silent.handle.closed('client_closed');
    connectAs(node, viewer('u1'));
    expect(users()).toBe('here.presence.present identity.valid flow.open pulse.quiet supervision.steady');
  });

  it('sends a heartbeat after each rest, and bothers nobody with it as long as it is echoed', async () => {
    const world = await createWorld();
    const node = await world.node();
    const users = (): string => Object.keys(node.core.snapshot().users).join();
    const client = connectAs(node, viewer('u1'));
    const [before, calm] = [client.marks.length, users()];
    for (let i = 0, echoed = 0; i < 300; i++) {
      world.clock.advance(1_000);
      if (client.marks.length > echoed) client.handle.echoed(client.marks.at(-1) ?? 0, 'echo');
      echoed = client.marks.length;
      expect(users()).toBe(calm);
    }
    expect(client.marks.length - before).toBeGreaterThanOrEqual(10);
    expect(client.marks.length - before).toBeLessThanOrEqual(15);
    expect([client.probes, client.endedBy]).toEqual([[], null]);
  });

  it('keeps a stream that cannot echo warm, and waits for nothing', async () => {
    const world = await createWorld();
    const node = await world.node();
    const client = connectAs(node, viewer('u1'), 'sse');
    world.clock.advance(300_000);
    expect(client.marks.length).toBeGreaterThanOrEqual(10);
    expect([client.probes, client.endedBy]).toEqual([[], null]);
  });

  it('cuts a peer that echoes no marker, and keeps one that does', async () => {
    const world = await createWorld();
    const node = await world.node();
    const [dead, alive] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u2'))];
    for (let i = 0; i < 12; i++) {
      world.clock.advance(5_000);
      alive.handle.echoed(alive.marks.at(-1) ?? 0, 'echo');
    }
    expect([dead.endedBy, alive.endedBy]).toEqual(['terminated', null]);
  });

  it('closes a client that takes nothing for its deadline as stalled, and leaves others alone', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ outboxHighWaterCount: 10, socketHighWaterBytes: 300, heartbeatMs: 1e9 });
    const [stuck, healthy] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u1'))];
    stuck.isSlow = true;
    for (const client of [stuck, healthy]) subscribe(client);
    await world.log.append(Array.from({ length: 50 }, (_, i) => record(`e${i}`)));
    await world.settle();
    world.clock.advance(36_000);
    expect([stuck.endedBy, healthy.endedBy]).toEqual(['stalled', null]);
  });

  it('stops alone when its link throws, and is counted', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const [broken, healthy] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u1'))];
    for (const client of [broken, healthy]) subscribe(client);
    await world.settle();
    broken.isBroken = true;
    await world.log.append([record('x')]);
    await world.settle();
    expect([broken.endedBy, healthy.endedBy]).toEqual(['actor_failed', null]);
    expect(healthy.titles()).toEqual(['x']);
    expect([node.telemetry.counts.actorFailures, node.core.stats.sessions]).toEqual([1, 1]);
  });

  it('paces connection_ack when many come at once, and gives up on none within the deadline', async () => {
    const world = await createWorld();
    const node = await world.node({ admissionsPerSecond: 10, admissionBurst: 5 });
    const clients = Array.from({ length: 30 }, (_, i) => connectAs(node, viewer(`u${i}`)));
    const acknowledged = (): number => clients.filter((client) => client.acknowledged === 1).length;
    expect(acknowledged()).toBe(5);
    world.clock.advance(1_000);
    expect(acknowledged()).toBeGreaterThanOrEqual(14);
    expect(acknowledged()).toBeLessThanOrEqual(16);
    world.clock.advance(2_000);
    expect(acknowledged()).toBe(30);
  });

  it('leaves nothing behind: no timer, no subscription, no user, after the away window', async () => {
    const world = await createWorld();
    const node = await world.node();
    for (let i = 0; i < 20; i++) {
      const client = connectAs(node, viewer(`u${i}`));
      subscribe(client, i % 2 === 0 ? {} : { after: node.core.sessions.currentCursor() });
      client.handle.closed('client_closed');
    }
    await world.settle();
    expect(node.core.stats).toMatchObject({ sessions: 0, subscriptions: 0, catchingUp: 0, users: 20 });
    world.clock.advance(125_000);
    expect(node.core.stats.users).toBe(0);
  });

  it('drains in waves: what is queued goes out, each closes with draining, new ones are turned away', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const clients = Array.from({ length: 10 }, (_, i) => connectAs(node, viewer(`u${i}`)));
    for (const client of clients) subscribe(client);
    const draining = node.core.drain({ spreadMs: 1_000, deadlineMs: 5_000 });
    world.clock.advance(500);
    const closed = clients.filter(({ endedBy }) => endedBy === 'draining').length;
    expect(closed).toBeGreaterThan(0);
    expect(closed).toBeLessThan(10);
    world.clock.advance(600);
    await draining;
    expect(clients.every(({ endedBy }) => endedBy === 'draining')).toBe(true);
    expect(clients.every((client) => client.payloads().length === 1)).toBe(true);
    const late = connectAs(node, viewer('late'));
    world.clock.advance(20);
    expect(late.endedBy).toBe('draining');
  });

  it('stops at once', async () => {
    const world = await createWorld();
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await node.core.stop();
    expect(client.endedBy).toBe('stopped');
    await world.log.append([record('x')]);
    await world.settle();
    expect(client.titles()).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });
});
