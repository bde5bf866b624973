import { describe, expect, it } from 'vitest';
import { createPolicyGuard } from '../../src/actors/index.ts';
import type { StreamFilter } from '../../src/actors/session.ts';
import type { TopicName } from '../../src/event.ts';
import type { Policy } from '../../src/policy.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { connectAs, subscribe } from './client.ts';
import { afterIo, createWorld, record, type TestNode, viewer, type World } from './node.ts';

const news = 'news.eu' as TopicName;
const aboutNews: Partial<StreamFilter> = { topics: [news] };
const toNews = { audience: { kind: 'topic', topic: news } } as const;

type Labelled = ReadonlyMap<string, number>;

const nodeWith = async (policy: Policy): Promise<{ world: World; node: TestNode; labelled: Labelled }> => {
  const world = await createWorld({ partitionCount: 1 });
  const telemetry = silentTelemetry();
  const guard = createPolicyGuard(policy, { clock: world.clock, telemetry, logger: silentLogger });
  return { world, node: await world.node({ policy: guard }), labelled: telemetry.labelled };
};

const untilCalled = <Answer>(): { ask: () => Promise<Answer>; answer(value: Answer): void; asked: number } => {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const asking = {
    asked: 0,
    answer: resolve,
    ask: () => {
      asking.asked += 1;
      return promise;
    },
  };
  return asking;
};

describe('canFollow', () => {
  it('is not asked about a subscription without topics', async () => {
    const { world, node } = await nodeWith({ canFollow: () => false });
    const client = connectAs(node, viewer('u1'));
    subscribe(client);
    await world.log.append([record('a')]);
    await world.settle();
    expect([client.failures, client.titles()]).toEqual([[], ['a']]);
  });

  it('fails that operation alone where it says no', async () => {
    const { world, node, labelled } = await nodeWith({ canFollow: (_, topic) => topic !== news });
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { operationId: 'denied', filter: aboutNews });
    subscribe(client, { operationId: 'allowed', filter: { topics: ['news.us' as TopicName] } });
    await world.settle();
    await world.log.append([record('a', toNews), record('b')]);
    await world.settle();
    expect(client.failures.map(({ operationId, error }) => [operationId, error.code])).toEqual([
      ['denied', 'TOPIC_FORBIDDEN'],
    ]);
    expect([client.titles('denied'), client.titles('allowed')]).toEqual([[], ['b']]);
    expect(labelled.get('policyModule canFollow_denied')).toBe(1);
    expect(client.endedBy).toBeNull();
  });

  it('delivers what was published while it was thinking, once it says yes', async () => {
    const asking = untilCalled<boolean>();
    const { world, node } = await nodeWith({ canFollow: asking.ask });
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { filter: aboutNews });
    await world.log.append([record('meanwhile', toNews)]);
    await world.settle();
    expect([client.received, client.handle.has('op')]).toEqual([[], true]);
    asking.answer(true);
    await world.settle();
    await world.log.append([record('after', toNews)]);
    await world.settle();
    expect([client.titles(), client.gaps()]).toEqual([['meanwhile', 'after'], []]);
  });

  it('says yes to nobody where the client completed, or went, while it was thinking', async () => {
    const asking = untilCalled<boolean>();
    const { world, node } = await nodeWith({ canFollow: asking.ask });
    const [completed, gone] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u2'))];
    for (const client of [completed, gone]) subscribe(client, { filter: aboutNews });
    completed.handle.unsubscribe('op');
    gone.handle.closed('client_closed');
    asking.answer(true);
    await world.settle();
    await world.log.append([record('a', toNews)]);
    await world.settle();
    expect([completed.received, gone.received]).toEqual([[], []]);
    expect(node.core.stats).toMatchObject({ sessions: 1, subscriptions: 0, catchingUp: 0 });
  });

  it('denies after 2 s without an answer, so that the client may try again', async () => {
    const { world, node, labelled } = await nodeWith({ canFollow: () => new Promise<boolean>(() => {}) });
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { filter: aboutNews });
    await world.settle();
    world.clock.advance(1_999);
    await world.settle();
    expect(client.failures).toEqual([]);
    world.clock.advance(1);
    await world.settle();
    expect(client.failures.map(({ error }) => [error.code, error.isRetryable])).toEqual([['OVERLOADED', true]]);
    expect(labelled.get('policyModule canFollow_failed')).toBe(1);
    expect(client.handle.has('op')).toBe(false);
  });

  it.each<[string, NonNullable<Policy['canFollow']>]>([
    [
      'throws',
      () => {
        throw new Error('a bug');
      },
    ],
    ['rejects', () => Promise.reject(new Error('away'))],
    ['answers with something else', () => 'yes' as unknown as boolean],
  ])('denies where it %s', async (_, canFollow) => {
    const { world, node, labelled } = await nodeWith({ canFollow });
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { filter: aboutNews });
    await world.settle();
    expect(client.failures.map(({ error }) => error.code)).toEqual(['OVERLOADED']);
    expect(labelled.get('policyModule canFollow_failed')).toBe(1);
  });

  it('is asked again at a refresh, and ends what it allows no more', async () => {
    const { world, node } = await nodeWith({ canFollow: (asking) => asking.scopes.has('staff') });
    const client = connectAs(node, viewer('u1', { scopes: new Set(['staff']) }));
    subscribe(client, { operationId: 'news', filter: aboutNews });
    subscribe(client, { operationId: 'own' });
    await world.settle();
    client.handle.refreshed(viewer('u1', { scopes: new Set() }));
    await world.settle();
    await world.log.append([record('a', toNews), record('b')]);
    await world.settle();
    expect(client.failures.map(({ operationId, error }) => [operationId, error.code])).toEqual([
      ['news', 'TOPIC_FORBIDDEN'],
    ]);
    expect([client.titles('news'), client.titles('own')]).toEqual([[], ['b']]);
  });
});

describe('canReceive', () => {
  const decide: Policy['canReceive'] = (asking, envelope) => {
    const { title } = envelope.display;
    if (title === 'throw') throw new Error('a bug');
    if (title === 'promise') return Promise.reject(new Error('late')) as unknown as boolean;
    return title !== 'secret' || asking.userId === 'u2';
  };
  const toAll = { audience: { kind: 'everyone' } } as const;
  const titles = ['one', 'secret', 'throw', 'promise', 'two'];

  it('keeps an event from whom it denies it, without a gap, and from nobody else', async () => {
    const { world, node, labelled } = await nodeWith({ canReceive: decide });
    const [denied, allowed] = [connectAs(node, viewer('u1')), connectAs(node, viewer('u2'))];
    for (const client of [denied, allowed]) subscribe(client);
    await world.log.append(titles.map((title) => record(title, toAll)));
    await world.settle();
    expect([denied.titles(), allowed.titles()]).toEqual([
      ['one', 'two'],
      ['one', 'secret', 'two'],
    ]);
    expect([denied.gaps(), allowed.gaps()]).toEqual([[], []]);
    expect([...labelled]).toEqual([
      ['policyModule canReceive_denied', 1],
      ['policyModule canReceive_failed', 4],
    ]);
  });

  it('decides in catch-up as it does live', async () => {
    const { world, node } = await nodeWith({ canReceive: decide });
    const after = node.core.sessions.currentCursor();
    await world.log.append(titles.map((title) => record(title, toAll)));
    await world.settle();
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { after });
    await world.settle();
    expect([client.titles(), client.gaps()]).toEqual([['one', 'two'], []]);
  });

  it('sees the identity of the last refresh', async () => {
    const { world, node } = await nodeWith({ canReceive: (asking) => asking.scopes.has('staff') });
    const client = connectAs(node, viewer('u1', { scopes: new Set() }));
    subscribe(client);
    await world.log.append([record('before')]);
    await world.settle();
    client.handle.refreshed(viewer('u1', { scopes: new Set(['staff']) }));
    await world.log.append([record('after')]);
    await world.settle();
    await afterIo();
    expect(client.titles()).toEqual(['after']);
  });
});
