import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRaw, type RawClient, subscribeMessage } from '../graphql/raw-client.ts';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, scratchFolder, startGateway } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

/** Everybody at once. What it costs those who are there is measured by `npm run bench storm`; here it is that nobody is lost. */

let gateway: GatewayProcess;
let folder: Awaited<ReturnType<typeof scratchFolder>>;
let service: string;
beforeAll(async () => {
  folder = await scratchFolder();
  // One service publishes as fast as it gets answers.
  gateway = await startGateway({ CARILLON_DATA_DIR: folder.path, CARILLON_LIMIT_PUBLISHES_PER_SECOND: '100000' });
  service = await testToken('service', { scopes: ['notifications:publish'] });
});
afterAll(async () => {
  await gateway?.end();
  await folder?.remove();
});

const stream = 'subscription { notificationReceived { cursor edge { node { title } } } }';
/** As if from many machines. */
const addressOf = (n: number): string => `127.0.0.${1 + (n % 250)}`;
const everybody = process.platform === 'linux' ? 1_000 : 150;

const join = async (n: number): Promise<RawClient> => {
  const options = process.platform === 'linux' ? { localAddress: addressOf(n) } : {};
  const client = await connectRaw(gateway.wsUrl, ['graphql-transport-ws'], options);
  client.send({ type: 'connection_init', payload: { authorization: `Bearer ${await testToken(`user-${n}`)}` } });
  expect((await client.next()).type).toBe('connection_ack');
  client.send(subscribeMessage('1', stream));
  expect((await client.next()).type).toBe('next');
  return client;
};

const serves = async (good: Follower, title: string): Promise<void> => {
  const answer = await publish(gateway.httpUrl, { token: service, input: messageTo('good', title) });
  expect(answer).toMatchObject({ data: { publishNotification: { userErrors: [] } } });
  await good.until(({ events }) => events.some((event) => event.title === title));
};

describe('a storm', () => {
  it(`of ${everybody} users at once lets in each, and those who are there miss nothing`, async () => {
    const good = await follow(gateway.wsUrl, { token: await testToken('good') });
    let isOver = false;
    const served = (async () => {
      let n = 0;
      for (; !isOver; n++) await serves(good, `during ${n}`);
      return n;
    })();
    const clients = await Promise.all(Array.from({ length: everybody }, (_, n) => join(n)));
    isOver = true;
    expect(await served).toBeGreaterThan(0);
    await serves(good, 'after');
    expect(good.closes).toEqual([]);
    expect(clients.filter(({ ws }) => ws.readyState === ws.OPEN)).toHaveLength(everybody);
    for (const { ws } of clients) ws.terminate();
    await good.close();
  });
});

describe('those who only take up room (C69)', () => {
  it('1,000 handshakes that never end and 1,000 sockets that say nothing keep nobody out', async () => {
    const count = everybody;
    const slow = await Promise.all(Array.from({ length: count }, (_, n) => startHandshake(n)));
    const mute = await Promise.all(
      Array.from({ length: count }, (_, n) =>
        connectRaw(
          gateway.wsUrl,
          ['graphql-transport-ws'],
          process.platform === 'linux' ? { localAddress: addressOf(n) } : {},
        ),
      ),
    );
    const good = await follow(gateway.wsUrl, { token: await testToken('good') });
    await serves(good, 'though they are there');
    // Each ends by itself: the mute with 4408, the slow with 408 and the end of the connection.
    expect(new Set((await Promise.all(mute.map(({ closed }) => closed))).map(({ code }) => code))).toEqual(
      new Set([4408]),
    );
    const answers = await Promise.all(slow.map(({ ended }) => ended));
    for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1\.1 408 .*)?$/s);
    await serves(good, 'and now that they are gone');
    expect(good.closes).toEqual([]);
    await good.close();
  }, 60_000);
});

type SlowHandshake = { readonly ended: Promise<string> };

/** Sends the head of an upgrade but for its last lines, and one byte now and then; resolves with what comes back when the gateway ends it. */
const startHandshake = async (n: number): Promise<SlowHandshake> => {
  const { createConnection } = await import('node:net');
  const local = process.platform === 'linux' ? { localAddress: addressOf(n) } : {};
  const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(gateway.wsUrl).port), ...local });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write('GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nX-Slow: ');
  let answer = '';
  const trickle = setInterval(() => socket.write('x'), 1_000);
  socket.on('data', (data) => {
    answer += data;
  });
  socket.on('end', () => socket.destroy());
  const ended = new Promise<string>((resolve) =>
    socket.once('close', () => {
      clearInterval(trickle);
      resolve(answer);
    }),
  );
  return { ended };
};
