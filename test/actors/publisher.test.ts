import { describe, expect, it } from 'vitest';
import type { PublishRequest } from '../../src/actors/publishing.ts';
import { GatewayError } from '../../src/errors.ts';
import type { TopicName } from '../../src/event.ts';
import { connectAs, subscribe } from './client.ts';
import { createWorld, topic, userId, viewer } from './node.ts';

const request = (more: Partial<PublishRequest> = {}): PublishRequest => ({
  viewer: viewer('sender'),
  audience: { kind: 'users', userIds: [userId('u1')] },
  type: 'message',
  title: 'hello',
  value: { title: 'hello' },
  idempotencyKey: null,
  expiresAtMs: null,
  parent: null,
  ...more,
});

const codes = async (promise: Promise<{ userErrors: readonly { code: string }[] }>): Promise<readonly string[]> =>
  (await promise).userErrors.map(({ code }) => code);

const outcomes = (['not_written', 'unknown', 'not_written'] as const).map((outcome) => {
  return { ok: false as const, error: new GatewayError('LOG_UNAVAILABLE', 'down', { outcome }) };
});

describe('publishing', () => {
  it('reaches each named user under one id', async () => {
    const world = await createWorld();
    const node = await world.node();
    const clients = ['u1', 'u2', 'u3'].map((name) => connectAs(node, viewer(name)));
    for (const client of clients) subscribe(client);
    const audience = { kind: 'users', userIds: ['u1', 'u2', 'u3', 'u1'].map(userId) } as const;
    const result = await node.core.publisher.publish(request({ audience }));
    await world.settle();
    expect(clients.map((client) => client.titles())).toEqual([['hello'], ['hello'], ['hello']]);
    expect(result).toMatchObject({ isDuplicate: false, failedUserIds: [], userErrors: [] });
    const [payload] = clients[0]?.payloads().filter(({ kind }) => kind === 'event') ?? [];
    expect(payload?.kind === 'event' && payload.envelope.id).toBe(result.notificationId);
  });

  it('rejects a caller without the scope, and refuses everyone without its own', async () => {
    const world = await createWorld();
    const { publisher } = (await world.node()).core;
    const nobody = viewer('sender', { scopes: new Set() });
    await expect(publisher.publish(request({ viewer: nobody }))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await codes(publisher.publish(request({ audience: { kind: 'everyone' } })))).toEqual(['FORBIDDEN_AUDIENCE']);
    const herald = viewer('sender', { scopes: new Set(['notifications:publish:everyone']) });
    expect(await codes(publisher.publish(request({ viewer: herald, audience: { kind: 'everyone' } })))).toEqual([]);
    await expect(publisher.publish(request({ viewer: herald }))).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('refuses too many users, too large an event and too fast a caller as user errors', async () => {
    const world = await createWorld();
    const { publisher } = (await world.node({ publishBurst: 4, publishPerSecond: 1 })).core;
    const userIds = Array.from({ length: 1_001 }, (_, i) => userId(`u${i}`));
    expect(await codes(publisher.publish(request({ audience: { kind: 'users', userIds } })))).toEqual([
      'TOO_MANY_USERS',
    ]);
    expect(await codes(publisher.publish(request({ audience: { kind: 'users', userIds: [] } })))).toEqual([
      'TOO_MANY_USERS',
    ]);
    expect(await codes(publisher.publish(request({ value: { title: 'x'.repeat(300_000) } })))).toEqual(['TOO_LARGE']);
    for (let i = 0; i < 3; i++) expect(await codes(publisher.publish(request()))).toEqual([]);
    expect(await codes(publisher.publish(request()))).toEqual(['RATE_LIMITED']);
    expect(await codes(publisher.publish(request({ viewer: viewer('another') })))).toEqual([]);
    world.clock.advance(1_100);
    expect(await codes(publisher.publish(request()))).toEqual([]);
  });

  it('joins the same key twice at once, says duplicate once it has read it, and delivers it once', async () => {
    const world = await createWorld();
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    const { publisher } = node.core;
    const keyed = request({ idempotencyKey: 'k' });
    const release = world.store.holdAppends();
    const both = [publisher.publish(keyed), publisher.publish(keyed)];
    release();
    const [one, two] = await Promise.all(both);
    expect(one).toEqual(two);
    await world.settle();
    const third = await publisher.publish(keyed);
    expect(third).toEqual({
      notificationId: one?.notificationId,
      isDuplicate: true,
      failedUserIds: [],
      userErrors: [],
    });
    await world.settle();
    expect(client.titles()).toEqual(['hello']);
    expect(world.store.appended).toHaveLength(1);
  });

  it('refuses other content under a key, and keeps keys of different senders apart', async () => {
    const world = await createWorld();
    const { publisher } = (await world.node()).core;
    const keyed = request({ idempotencyKey: 'k' });
    const first = await publisher.publish(keyed);
    expect(await codes(publisher.publish({ ...keyed, value: { title: 'other' } }))).toEqual(['IDEMPOTENCY_CONFLICT']);
    const news = { kind: 'topic', topic: 'news' as TopicName } as const;
    expect(await codes(publisher.publish({ ...keyed, audience: news }))).toEqual(['IDEMPOTENCY_CONFLICT']);
    const other = await publisher.publish({ ...keyed, viewer: viewer('another') });
    expect(other.userErrors).toEqual([]);
    expect(other.notificationId).not.toBe(first.notificationId);
  });

  it('gives back the users whose append failed, and completes exactly them under the same key', async () => {
    const world = await createWorld();
    const node = await world.node();
    const { publisher } = node.core;
    const keyed = request({ idempotencyKey: 'k', audience: { kind: 'users', userIds: ['a', 'b', 'c'].map(userId) } });
    const error = new GatewayError('LOG_UNAVAILABLE', 'down', { outcome: 'not_written' });
    world.store.failAppends(error, 2);
    const partial = await publisher.publish(keyed);
    expect(partial.failedUserIds).toEqual(['a', 'b']);
    await world.settle();
    const completed = await publisher.publish(keyed);
    expect(completed).toMatchObject({ failedUserIds: [], isDuplicate: false, notificationId: partial.notificationId });
    expect(world.store.appended).toHaveLength(3);
  });

  it("rejects with the log's error when nothing is known to be written, and the key stays free", async () => {
    const world = await createWorld();
    const { publisher } = (await world.node()).core;
    const error = new GatewayError('LOG_UNAVAILABLE', 'down', { outcome: 'not_written' });
    world.store.failAppends(error, 1);
    const keyed = request({ idempotencyKey: 'k' });
    await expect(publisher.publish(keyed)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', outcome: 'not_written' });
    expect(await codes(publisher.publish({ ...keyed, value: { title: 'other' } }))).toEqual([]);
  });

  it('leaves the key free where the event was too large, and held where an earlier attempt wrote something', async () => {
    const world = await createWorld();
    const node = await world.node();
    const { publisher } = node.core;
    const keyed = request({ idempotencyKey: 'k' });
    expect(await codes(publisher.publish({ ...keyed, value: { title: 'x'.repeat(300_000) } }))).toEqual(['TOO_LARGE']);
    const audience = { kind: 'users', userIds: ['a', 'b'].map(userId) } as const;
    const error = new GatewayError('LOG_UNAVAILABLE', 'down', { outcome: 'not_written' });
    world.store.failAppends(error, 1);
    // What this node writes it has not read yet.
    node.hold();
    expect((await publisher.publish({ ...keyed, audience })).failedUserIds).toEqual(['a']);
    world.store.failAppends(error, 2);
    await expect(publisher.publish({ ...keyed, audience })).rejects.toMatchObject({ outcome: 'not_written' });
    const other = publisher.publish({ ...keyed, audience, value: { title: 'other' } });
    expect(await codes(other)).toEqual(['IDEMPOTENCY_CONFLICT']);
  });

  it('takes a user who is named twice for one, under a key as well', async () => {
    const world = await createWorld();
    const { publisher } = (await world.node()).core;
    const named = (...names: string[]): PublishRequest =>
      request({ idempotencyKey: 'k', audience: { kind: 'users', userIds: names.map(userId) } });
    await publisher.publish(named('a', 'b', 'a'));
    await world.settle();
    expect(await publisher.publish(named('b', 'a'))).toMatchObject({ isDuplicate: true, userErrors: [] });
    expect(world.store.appended).toHaveLength(2);
  });

  it('knows nothing of keys that were read from a topic that is gone', async () => {
    const world = await createWorld();
    const { publisher } = (await world.node()).core;
    const keyed = request({ idempotencyKey: 'k' });
    await publisher.publish(keyed);
    await world.settle();
    world.store.remove(topic);
    await world.settle();
    await expect(publisher.publish(keyed)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
  });

  it('appends in the order of the calls, with and without keys, large and small', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    const titles = Array.from({ length: 60 }, (_, i) => `${i} ${'x'.repeat(i % 3 === 0 ? 5_000 : 1)}`);
    const publishing = titles.map((title, i) =>
      node.core.publisher.publish(request({ value: { title }, idempotencyKey: i % 2 === 0 ? `k${i}` : null })),
    );
    await Promise.all(publishing);
    await world.settle();
    expect(client.titles()).toEqual(titles);
  });

  it('says that the outcome is unknown where only some of it is surely not written', async () => {
    const world = await createWorld();
    const node = await world.node({ throughLog: (log) => ({ ...log, append: () => Promise.resolve(outcomes) }) });
    const audience = { kind: 'users', userIds: ['a', 'b', 'c'].map(userId) } as const;
    await expect(node.core.publisher.publish(request({ audience }))).rejects.toMatchObject({ outcome: 'unknown' });
  });

  it('refuses while draining, and the drain waits for what is in flight', async () => {
    const world = await createWorld();
    const { core } = await world.node();
    const release = world.store.holdAppends();
    const inFlight = core.publisher.publish(request());
    let isDrained = false;
    const draining = core.drain().then(() => {
      isDrained = true;
    });
    await world.settle();
    await expect(core.publisher.publish(request())).rejects.toMatchObject({ code: 'DRAINING', outcome: 'not_written' });
    expect(isDrained).toBe(false);
    release();
    expect((await inFlight).userErrors).toEqual([]);
    await draining;
  });
});
