import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { type GatewayProcess, scratchFolder, snapshotOf, spawnGateway, startGateway } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { createTopics } from '../support/kafka-producer.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

/** Stock clients, as they are: the same variables at each reconnect, no cursor, and nothing of ours in the page. */

const query = 'subscription { notificationReceived { cursor gap { reason } edge { node { title } } } }';
type Answer = {
  readonly notificationReceived: {
    readonly gap: { readonly reason: string } | null;
    readonly edge: { readonly node: { readonly title: string } } | null;
  };
};

type Page = {
  readonly titles: readonly string[];
  readonly gaps: readonly string[];
  readonly connections: number;
  until(condition: (page: Page) => boolean): Promise<void>;
  close(): void;
};

const openPage = async (url: string, user: string): Promise<Page> => {
  const titles: string[] = [];
  const gaps: string[] = [];
  let connections = 0;
  let look = (): void => {};
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    // The client's own pause between attempts while no node is there; no assertion waits for it.
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 200)),
    connectionParams: async () => ({ authorization: `Bearer ${await testToken(user)}` }),
    on: {
      connected: () => {
        connections += 1;
        look();
      },
    },
  });
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  client.subscribe<Answer>(
    { query },
    {
      next({ data }) {
        begin();
        const { gap, edge } = data?.notificationReceived ?? {};
        if (gap) gaps.push(gap.reason);
        if (edge) titles.push(edge.node.title);
        look();
      },
      error: () => {},
      complete: () => {},
    },
  );
  await begun;
  const page: Page = {
    titles,
    gaps,
    get connections() {
      return connections;
    },
    until: (condition) =>
      new Promise((resolve) => {
        look = () => void (condition(page) && resolve());
        look();
      }),
    close: () => void client.dispose(),
  };
  return page;
};

const service = await testToken('service', { scopes: ['notifications:publish'] });

/** Publishes to `user` and keeps what it published. */
const createAuthor = (user: string) => {
  const sent: string[] = [];
  return {
    sent,
    async write(gateway: GatewayProcess, count: number): Promise<void> {
      for (let n = 0; n < count; n++) {
        const title = `${user} ${sent.length}`;
        const { data } = await publish(gateway.httpUrl, { token: service, input: messageTo(user, title) });
        expect(data?.publishNotification.userErrors).toEqual([]);
        sent.push(title);
      }
    },
  };
};

const hasAll = (page: Page, sent: readonly string[]): boolean => new Set(page.titles).size === sent.length;

describe('a restart of the only node, on the embedded log', () => {
  it('costs a stock client nothing', async () => {
    const folder = await scratchFolder();
    const before = await startGateway({ CARILLON_DATA_DIR: folder.path });
    const proxy = await startFaultProxy(before.wsUrl);
    const page = await openPage(proxy.wsUrl, 'ada');
    const author = createAuthor('ada');
    await author.write(before, 3);
    expect(await before.end('SIGTERM')).toBe(0);
    const after = await startGateway({ CARILLON_DATA_DIR: folder.path });
    await author.write(after, 3);
    proxy.turnTo(after.wsUrl);
    await page.until(() => hasAll(page, author.sent));
    expect([...new Set(page.titles)]).toEqual(author.sent);
    expect(page.gaps).toEqual([]);
    page.close();
    proxy.close();
    await after.end();
    await folder.remove();
  });
});

const kafka = await kafkaForTests();

describe.skipIf(kafka === null)('two nodes on one Kafka', () => {
  const brokers = kafka?.brokers ?? [];
  const topic = uniqueTopic('zero-code');
  let here: GatewayProcess;
  let there: GatewayProcess;
  let proxy: FaultProxy;

  const start = (): Promise<GatewayProcess> =>
    spawnGateway({
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: brokers.join(','),
      CARILLON_KAFKA_TOPICS: topic,
    }).ready;

  beforeAll(async () => {
    await createTopics(brokers, [
      { topic, partitions: 6 },
      { topic: `${topic}.dlq`, partitions: 1 },
    ]);
    [here, there] = await Promise.all([start(), start()]);
    proxy = await startFaultProxy(here.wsUrl);
  });
  afterAll(async () => {
    proxy?.close();
    await Promise.all([here?.end(), there?.end()]);
  });

  it('a stock client that is cut off and lands on the other node misses nothing', async () => {
    proxy.turnTo(here.wsUrl);
    const page = await openPage(proxy.wsUrl, 'bob');
    const author = createAuthor('bob');
    await author.write(here, 3);
    await page.until(() => hasAll(page, author.sent));
    proxy.turnTo(there.wsUrl);
    proxy.cut();
    await author.write(here, 3);
    await page.until(() => hasAll(page, author.sent));
    proxy.turnTo(here.wsUrl);
    proxy.cut();
    await author.write(there, 3);
    await page.until(() => hasAll(page, author.sent));
    expect([...new Set(page.titles)].sort()).toEqual([...author.sent].sort());
    expect([page.gaps, page.connections]).toEqual([[], 3]);
    page.close();
  });

  it('a stock client whose old socket still counts as open on the other node misses nothing', async () => {
    proxy.turnTo(here.wsUrl);
    const page = await openPage(proxy.wsUrl, 'eve');
    const author = createAuthor('eve');
    await author.write(here, 3);
    await page.until(() => hasAll(page, author.sent));
    proxy.turnTo(there.wsUrl);
    const sessions = (await snapshotOf(here)).sessions;
    proxy.strand();
    await author.write(here, 3);
    expect((await snapshotOf(here)).sessions).toBe(sessions);
    await page.until(() => hasAll(page, author.sent));
    await author.write(there, 3);
    await page.until(() => hasAll(page, author.sent));
    expect([...new Set(page.titles)].sort()).toEqual([...author.sent].sort());
    expect([page.gaps, page.connections]).toEqual([[], 2]);
    page.close();
  });

  it('stock clients of a node that is drained under load miss nothing on the other, and repeat only what they had not acknowledged', async () => {
    proxy.turnTo(here.wsUrl);
    const users = Array.from({ length: 20 }, (_, n) => `drained-${n}`);
    const pages = await Promise.all(users.map((user) => openPage(proxy.wsUrl, user)));
    const authors = users.map(createAuthor);
    let isOver = false;
    const writing = (async () => {
      while (!isOver) await Promise.all(authors.map((author) => author.write(there, 1)));
    })();
    await Promise.all(pages.map((page) => page.until(({ titles }) => titles.length >= 3)));
    proxy.turnTo(there.wsUrl);
    expect(await here.end('SIGTERM')).toBe(0);
    await Promise.all(pages.map((page) => page.until(({ connections }) => connections === 2)));
    const soFar = pages.map(({ titles }) => titles.length);
    await Promise.all(pages.map((page, n) => page.until(({ titles }) => titles.length >= (soFar[n] ?? 0) + 3)));
    isOver = true;
    await writing;
    for (const [n, page] of pages.entries()) {
      const { sent } = authors[n] ?? { sent: [] };
      await page.until(() => hasAll(page, sent));
      expect([...new Set(page.titles)].sort()).toEqual([...sent].sort());
      expect(page.gaps).toEqual([]);
    }
    for (const page of pages) page.close();
  });
});
