import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createRefreshingClient } from '../../examples/refreshing.ts';
import { scratchFolder, startGateway } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

describe('the refreshing example', () => {
  it('outlives its first tokens on one socket, and misses nothing (C04)', async () => {
    const folder = await scratchFolder();
    cleanUp.push(() => folder.remove());
    const gateway = await startGateway({ CARILLON_DATA_DIR: folder.path });
    cleanUp.push(() => gateway.end());
    const sockets: unknown[] = [];
    // The first ones end within seconds, so the server asks for another at once; the last one is good.
    const lifetimes = [3, 4, 3_600];
    let given = 0;
    const lastAsked = Promise.withResolvers<void>();
    const client = createRefreshingClient({
      url: gateway.wsUrl,
      webSocketImpl: class extends WebSocket {
        constructor(url: string, protocols: string) {
          super(url, protocols);
          sockets.push(this);
        }
      },
      async getToken() {
        const seconds = lifetimes[given++] ?? 3_600;
        if (given === lifetimes.length) lastAsked.resolve();
        return testToken('ada', { seconds });
      },
      retryAttempts: 0,
    });
    cleanUp.push(() => client.dispose());
    const expiresAt = async (): Promise<number> => {
      for await (const { data } of client.iterate<{ viewer: { expiresAt: string } }>({
        query: '{ viewer { expiresAt } }',
      }))
        return Date.parse(data?.viewer.expiresAt ?? '');
      return 0;
    };
    const titles: string[] = [];
    const heard = Promise.withResolvers<void>();
    const query = 'subscription { notificationReceived { cursor edge { node { title } } } }';
    type Payload = { notificationReceived: { edge: { node: { title: string } } | null } };
    const subscribed = new Promise<void>((resolve) => {
      client.subscribe<Payload>(
        { query },
        {
          next({ data }) {
            resolve();
            const title = data?.notificationReceived.edge?.node.title;
            if (title !== undefined) titles.push(title);
            if (title === 'last') heard.resolve();
          },
          error: heard.reject,
          complete() {},
        },
      );
    });
    await subscribed;
    await lastAsked.promise;
    while ((await expiresAt()) < Date.now() + 60_000);
    const token = await testToken('service', { scopes: ['notifications:publish'] });
    for (const title of ['first', 'last']) await publish(gateway.httpUrl, { token, input: messageTo('ada', title) });
    await heard.promise;
    expect(titles).toEqual(['first', 'last']);
    expect(sockets).toHaveLength(1);
    expect(given).toBeGreaterThanOrEqual(3);
  }, 30_000);
});
