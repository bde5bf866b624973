import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { type GatewayProcess, scratchFolder, snapshotOf, startGateway } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';
import { type Sink, type StockClient, stockClients } from '../support/stock-clients.ts';
import { testToken } from '../support/token.ts';

/** The clients that frontends have, against a gateway as it is started: what they show is what a page would. */

let gateway: GatewayProcess;
let folder: Awaited<ReturnType<typeof scratchFolder>>;
let service: string;
beforeAll(async () => {
  folder = await scratchFolder();
  gateway = await startGateway({ CARILLON_DATA_DIR: folder.path });
  service = await testToken('service', { scopes: ['notifications:publish'] });
});
afterAll(async () => {
  await gateway?.end();
  await folder?.remove();
});

const stream = 'subscription { notificationReceived { cursor edge { node { id title } } } }';

/** The titles that a subscription shows, and how to wait for them. */
class Shown implements Sink {
  readonly titles: string[] = [];
  readonly failures: string[] = [];
  hasBegun = false;
  #check: (() => void) | null = null;

  next(data: Record<string, unknown>): void {
    const { edge } = data['notificationReceived'] as { edge: { node: { title: string } } | null };
    this.hasBegun = true;
    if (edge !== null) this.titles.push(edge.node.title);
    this.#check?.();
  }

  failed(messages: readonly string[]): void {
    this.failures.push(...messages);
    this.#check?.();
  }

  /** Resolves once `condition` holds; it is looked at after everything that is shown. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#check = () => condition() && resolve();
      this.#check();
    });
  }

  begun(): Promise<void> {
    return this.until(() => this.hasBegun);
  }
}

let opened: StockClient[] = [];
let proxies: FaultProxy[] = [];
afterEach(() => {
  for (const proxy of proxies) proxy.close();
  proxies = [];
  for (const client of opened) client.close();
  opened = [];
});

let users = 0;
const newUser = (): string => `user-${users++}`;

const subscriptions = async (): Promise<number> => (await snapshotOf(gateway)).subscriptions;

const send = (user: string, title: string) =>
  publish(gateway.httpUrl, { token: service, input: messageTo(user, title) });

describe.each(Object.entries(stockClients))('%s', (_, create) => {
  const connect = (user: string, more: Partial<Parameters<typeof create>[0]> = {}): StockClient => {
    const client = create({
      url: gateway.wsUrl,
      token: () => testToken(user, { scopes: ['notifications:publish'] }),
      ...more,
    });
    opened.push(client);
    return client;
  };

  it('shows what is published, in order', async () => {
    const user = newUser();
    const shown = new Shown();
    connect(user).subscribe(stream, shown);
    await shown.begun();
    for (const title of ['a', 'b', 'c']) await send(user, title);
    await shown.until(() => shown.titles.length === 3);
    expect(shown.titles).toEqual(['a', 'b', 'c']);
  });

  it('gets its answer to queries and mutations over the socket, beside a subscription (C100)', async () => {
    const user = newUser();
    const client = connect(user);
    const shown = new Shown();
    client.subscribe(stream, shown);
    await shown.begun();
    expect(await client.request('query { viewer { userId } }')).toMatchObject({ viewer: { userId: user } });
    const mutation = `mutation { publishNotification(input: { audience: { userId: "${user}" }, content: { message: { title: "own" } } }) { duplicate } }`;
    expect(await client.request(mutation)).toMatchObject({ publishNotification: { duplicate: false } });
    await shown.until(() => shown.titles.length === 1);
    expect(shown.titles).toEqual(['own']);
  });

  it('shows each event once after subscribe, unsubscribe, subscribe in one tick (C62)', async () => {
    const user = newUser();
    const client = connect(user);
    await expect.poll(subscriptions).toBe(0);
    const ghost = new Shown();
    const shown = new Shown();
    client.subscribe(stream, ghost)();
    const stop = client.subscribe(stream, shown);
    await shown.begun();
    expect(await subscriptions()).toBe(1);
    for (let n = 0; n < 10; n++) await send(user, `e${n}`);
    await shown.until(() => shown.titles.length === 10);
    expect(shown.titles).toEqual(Array.from({ length: 10 }, (_, n) => `e${n}`));
    expect(ghost.titles).toEqual([]);
    stop();
    await expect.poll(subscriptions).toBe(0);
  });

  it('shows every component of a page each event once, whether they share an operation or not', async () => {
    const user = newUser();
    const client = connect(user);
    const components = [new Shown(), new Shown(), new Shown()];
    const stops = components.map((shown) => client.subscribe(stream, shown));
    await Promise.all(components.map((shown) => shown.until(() => shown.hasBegun)));
    await send(user, 'first');
    await Promise.all(components.map((shown) => shown.until(() => shown.titles.length === 1)));
    stops[0]?.();
    await send(user, 'second');
    await Promise.all(components.slice(1).map((shown) => shown.until(() => shown.titles.length === 2)));
    expect(components.map(({ titles }) => titles)).toEqual([['first'], ['first', 'second'], ['first', 'second']]);
  });

  it('shows the error of one operation, and the others go on', async () => {
    const user = newUser();
    const client = connect(user);
    const good = new Shown();
    client.subscribe(stream, good);
    await good.begun();
    const bad = new Shown();
    client.subscribe('subscription { notificationReceived(filter: { topics: ["secret"] }) { cursor } }', bad);
    await bad.until(() => bad.failures.length > 0);
    expect(bad.failures.join()).toContain('does not allow topic "secret"');
    await expect(client.request('query { viewer { nothing } }')).rejects.toThrow('Cannot query field');
    await send(user, 'still here');
    await good.until(() => good.titles.length === 1);
    expect(good.failures).toEqual([]);
  });

  it('misses nothing when its connection is cut, again and again, and repeats only what it had not acknowledged (C03)', async () => {
    const user = newUser();
    const proxy = await startFaultProxy(gateway.wsUrl);
    proxies.push(proxy);
    const shown = new Shown();
    connect(user, { url: proxy.wsUrl }).subscribe(stream, shown);
    await shown.begun();
    const sent: string[] = [];
    const publishMore = async (): Promise<void> => {
      sent.push(`e${sent.length}`);
      await send(user, sent.at(-1) ?? '');
    };
    for (let cut = 0; cut < 3; cut++) {
      await publishMore();
      proxy.cut();
      await publishMore();
      await publishMore();
      await shown.until(() => new Set(shown.titles).size === sent.length);
    }
    expect([...new Set(shown.titles)].sort()).toEqual(sent);
    // Without a marker in between, what came on one connection may come once more on the next; no more than that.
    for (const title of sent) expect(shown.titles.filter((each) => each === title).length).toBeLessThanOrEqual(3);
    expect(shown.failures).toEqual([]);
  });

  it('comes back by itself with a fresh token when its token ends (C04)', async () => {
    const user = newUser();
    const lives = [2, 3_600];
    let connections = 0;
    let token = 0;
    const { promise: cameBack, resolve } = Promise.withResolvers<void>();
    const client = connect(user, {
      token: () => testToken(user, { seconds: lives[token++] ?? 3_600 }),
      onConnected: () => {
        connections += 1;
        if (connections === 2) resolve();
      },
    });
    const shown = new Shown();
    client.subscribe(stream, shown);
    await shown.begun();
    await send(user, 'before');
    await cameBack;
    shown.hasBegun = false;
    await shown.begun();
    await send(user, 'after');
    await shown.until(() => shown.titles.includes('after'));
    // What was not acknowledged when the token ended comes once more.
    expect([[...new Set(shown.titles)], shown.failures]).toEqual([['before', 'after'], []]);
  });

  it('learns that its token is refused, and does not ask for ever (C60)', async () => {
    let asked = 0;
    const client = connect(newUser(), {
      token: async () => {
        asked += 1;
        return 'not-a-token';
      },
    });
    const shown = new Shown();
    client.subscribe(stream, shown);
    await shown.until(() => shown.failures.length > 0);
    // The first connection, and five attempts.
    expect(asked).toBe(6);
  });
});
