import { createClient } from 'graphql-ws';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { resuming } from '../../examples/resume.ts';
import { connectRaw, type RawClient, subscribeMessage } from '../graphql/raw-client.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, scratchFolder, snapshotOf, startGateway } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const heartbeat = { CARILLON_LIMIT_HEARTBEAT_TIME: '300ms' };

const started = async (env: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> => {
  const folder = await scratchFolder();
  cleanUp.push(() => folder.remove());
  const gateway = await startGateway({ CARILLON_DATA_DIR: folder.path, ...env });
  cleanUp.push(() => gateway.end());
  return gateway;
};

const sessions = async (gateway: GatewayProcess): Promise<number> => (await snapshotOf(gateway)).sessions;

const stream = 'subscription { notificationReceived { cursor edge { node { title } } } }';

/** A client that answers no ping, of either kind. */
const mute = async (gateway: GatewayProcess, user: string): Promise<RawClient> => {
  const client = await connectRaw(gateway.wsUrl, ['graphql-transport-ws'], { autoPong: false });
  client.send({ type: 'connection_init', payload: { authorization: `Bearer ${await testToken(user)}` } });
  await client.next();
  client.send(subscribeMessage('1', stream));
  await client.next();
  return client;
};

const sendTo = async (gateway: GatewayProcess, user: string, title: string): Promise<void> => {
  const token = await testToken('service', { scopes: ['notifications:publish'] });
  await publish(gateway.httpUrl, { token, input: messageTo(user, title) });
};

describe('a peer that is gone without a word (C31)', () => {
  it('is cut, and its session ended, while others stay', async () => {
    const gateway = await started(heartbeat);
    const good = await follow(gateway.wsUrl, { token: await testToken('good') });
    cleanUp.push(() => good.close());
    const dead = await mute(gateway, 'dead');
    expect(await sessions(gateway)).toBe(2);
    expect((await dead.closed).code).toBe(1006);
    await expect.poll(() => sessions(gateway), { timeout: 10_000 }).toBe(1);
    expect(good.closes).toEqual([]);
  });

  it('is cut also while events are written to it', async () => {
    const gateway = await started(heartbeat);
    const dead = await mute(gateway, 'dead');
    let isOver = false;
    void dead.closed.then(() => {
      isOver = true;
    });
    for (let n = 0; !isOver; n++) await sendTo(gateway, 'dead', `e${n}`);
    await expect.poll(() => sessions(gateway), { timeout: 10_000 }).toBe(0);
  });

  it('is cut where packets vanish on the way', async () => {
    const gateway = await started(heartbeat);
    const proxy = await startFaultProxy(gateway.wsUrl);
    cleanUp.push(() => proxy.close());
    const lost = await follow(proxy.wsUrl, { token: await testToken('lost') });
    cleanUp.push(() => lost.close());
    proxy.hold();
    await expect.poll(() => sessions(gateway), { timeout: 10_000 }).toBe(0);
  });

  it.each([
    ['answers RFC 6455 pings alone', () => {}],
    ['answers none, and says something now and then', (client: RawClient) => client.send({ type: 'ping' })],
  ] as const)('is not one that %s', async (what, speak) => {
    const gateway = await started(heartbeat);
    const client = await connectRaw(gateway.wsUrl, ['graphql-transport-ws'], { autoPong: what.includes('alone') });
    client.send({ type: 'connection_init', payload: { authorization: `Bearer ${await testToken('ada')}` } });
    await client.next();
    for (let pings = 0; pings < 8; ) {
      if ((await client.next()).type !== 'ping') continue;
      pings += 1;
      speak(client);
    }
    expect(client.ws.readyState).toBe(client.ws.OPEN);
    client.ws.terminate();
  });
});

describe('a proxy that cuts what rests (C32)', () => {
  /** Resolves with whether the connection lasts for eight of the gateway's pings. */
  const lasts = async (url: string): Promise<boolean> => {
    const socket = new WebSocket(url, 'graphql-transport-ws');
    cleanUp.push(() => socket.terminate());
    const payload = { authorization: `Bearer ${await testToken('ada')}` };
    return new Promise((resolve) => {
      let pings = 0;
      socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
      socket.on('close', () => resolve(false));
      socket.on('message', (data) => {
        const message = JSON.parse(String(data)) as { type: string };
        if (message.type !== 'ping') return;
        socket.send(JSON.stringify({ ...message, type: 'pong' }));
        pings += 1;
        if (pings === 8) resolve(true);
      });
    });
  };

  it('leaves a connection alone that the gateway keeps warm', async () => {
    const gateway = await started(heartbeat);
    const proxy = await startFaultProxy(gateway.wsUrl, { idleMs: 1_500 });
    cleanUp.push(() => proxy.close());
    expect(await lasts(proxy.wsUrl)).toBe(true);
  });

  it('cuts it where the heartbeat is slower than the proxy is patient', async () => {
    const gateway = await started({ CARILLON_LIMIT_HEARTBEAT_TIME: '60s' });
    const proxy = await startFaultProxy(gateway.wsUrl, { idleMs: 500 });
    cleanUp.push(() => proxy.close());
    expect(await lasts(proxy.wsUrl)).toBe(false);
  });
});

describe('a link that swallows everything for a while (C65)', () => {
  it('is noticed by a client with keepAlive, which resumes without loss once it carries again', async () => {
    const gateway = await started();
    const proxy = await startFaultProxy(gateway.wsUrl);
    cleanUp.push(() => proxy.close());
    const titles: string[] = [];
    const waiting = new Set<() => void>();
    const shown = (count: number): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => void (titles.length >= count && resolve());
        waiting.add(look);
        look();
      });
    let socket: WebSocket | null = null;
    let timer: NodeJS.Timeout | undefined;
    const { promise: noticed, resolve: notice } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const client = createClient({
      url: proxy.wsUrl,
      webSocketImpl: WebSocket,
      keepAlive: 200,
      retryAttempts: Number.POSITIVE_INFINITY,
      // The client's own pause between attempts while the link is dead; no assertion waits for it.
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
      connectionParams: async () => ({ authorization: `Bearer ${await testToken('ada')}` }),
      on: {
        opened: (opened) => {
          socket = opened as WebSocket;
        },
        // The recipe of graphql-ws: a ping that is not answered in time is the end of the socket.
        ping: (isReceived) => {
          if (isReceived) return;
          timer = setTimeout(() => socket?.terminate(), 1_000);
        },
        pong: (isReceived) => void (isReceived && clearTimeout(timer)),
        closed: () => {
          clearTimeout(timer);
          notice();
        },
      },
    });
    cleanUp.push(() => client.dispose());
    const query =
      'subscription S($after: Cursor) { notificationReceived(after: $after) { cursor edge { node { title } } } }';
    resuming(client).subscribe<{ notificationReceived: { edge: { node: { title: string } } | null } }>(
      { query, variables: { after: null } },
      {
        next: ({ data }) => {
          begin();
          const title = data?.notificationReceived.edge?.node.title;
          if (title !== undefined) titles.push(title);
          for (const look of waiting) look();
        },
        error: () => {},
        complete: () => {},
      },
    );
    await begun;
    await sendTo(gateway, 'ada', 'before');
    await shown(1);
    proxy.hold();
    for (const title of ['during 1', 'during 2', 'during 3']) await sendTo(gateway, 'ada', title);
    await noticed;
    proxy.release();
    await shown(4);
    await sendTo(gateway, 'ada', 'after');
    await shown(5);
    expect(titles).toEqual(['before', 'during 1', 'during 2', 'during 3', 'after']);
  });
});

describe('before connection_ack (C91)', () => {
  it('not a byte is said by the heartbeat', async () => {
    const gateway = await started({ CARILLON_LIMIT_HEARTBEAT_TIME: '200ms', CARILLON_LIMIT_INIT_TIME: '1500ms' });
    const client = await connectRaw(gateway.wsUrl);
    let pings = 0;
    client.ws.on('ping', () => pings++);
    expect((await client.closed).code).toBe(4408);
    expect([client.frames, pings]).toEqual([[], 0]);
  });
});

describe('several tabs of one user (C09)', () => {
  it('each get every event, closing one leaves the others, and one that is reset is no loss to them', async () => {
    const gateway = await started();
    const proxy = await startFaultProxy(gateway.wsUrl);
    cleanUp.push(() => proxy.close());
    const open = async (url = gateway.wsUrl): Promise<Follower> => {
      const tab = await follow(url, { token: await testToken('ada') });
      cleanUp.push(() => tab.close());
      return tab;
    };
    const tabs = [await open(), await open(), await open(), await open(proxy.wsUrl), await open()];
    const left = new Set(tabs);
    const expected: string[] = [];
    const send = async (title: string): Promise<void> => {
      expected.push(title);
      await sendTo(gateway, 'ada', title);
      await Promise.all([...left].map((tab) => tab.until(({ events }) => events.length === expected.length)));
      for (const tab of left) expect(tab.events.map((event) => event.title)).toEqual(expected);
    };
    await send('five tabs');
    for (const index of [3, 0, 4, 1, 2]) {
      const tab = tabs[index] as Follower;
      left.delete(tab);
      if (index === 3) proxy.cut();
      else await tab.close();
      await expect.poll(() => sessions(gateway)).toBe(left.size);
      await send(`${left.size} tabs`);
    }
    const again = await open();
    await sendTo(gateway, 'ada', 'back');
    await again.until(({ events }) => events.length === 1);
    expect(again.events.map((event) => event.title)).toEqual(['back']);
  });
});
