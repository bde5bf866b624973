import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRaw, type RawClient, settle, subscribeMessage, until } from '../graphql/raw-client.ts';
import { heapBytes, type InProcessGateway, startInProcess } from '../support/in-process-gateway.ts';
import { publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

/** Sockets, users and operations that come and go by the thousand. `CARILLON_TEST_SCALE` multiplies the numbers. */

const scale = Number(process.env['CARILLON_TEST_SCALE'] ?? 1);
const megabyte = 2 ** 20;

let gateway: InProcessGateway;
beforeAll(async () => {
  gateway = await startInProcess({
    CARILLON_LIMIT_AWAY_TIME: '1s',
    CARILLON_LIMIT_MESSAGES_PER_SECOND: '100000',
    CARILLON_LIMIT_MESSAGE_BURST: '1000000',
    CARILLON_LIMIT_OPENING_SOCKETS: '1000',
    CARILLON_LIMIT_UPGRADES_PER_SECOND: '100000',
  });
});
afterAll(() => gateway?.close());

const stream = 'subscription { notificationReceived { cursor edge { node { title } } } }';
const init = async (user: string): Promise<unknown> => ({
  type: 'connection_init',
  payload: { authorization: `Bearer ${await testToken(user)}` },
});

const connectAs = async (user: string): Promise<RawClient> => {
  const client = await connectRaw(gateway.wsUrl);
  client.send(await init(user));
  expect((await client.next()).type).toBe('connection_ack');
  return client;
};

const nothingLeft = async (): Promise<void> => {
  await expect.poll(() => gateway.stats(), { timeout: 20_000 }).toMatchObject({ sessions: 0, subscriptions: 0 });
};

const toEveryone = async (title: string): Promise<void> => {
  const token = await testToken('service', { scopes: ['notifications:publish:everyone'] });
  const input = { audience: { everyone: true }, content: { message: { title } } };
  const { data } = await publish(gateway.httpUrl, { token, input });
  expect(data?.publishNotification.userErrors).toEqual([]);
};

/** 16 queries to their end, and 8 subscriptions that are ended at once. */
const batch = async (client: RawClient): Promise<void> => {
  for (let k = 0; k < 16; k++) client.send(subscribeMessage(`q${k}`, '{ viewer { userId } }'));
  for (let k = 0; k < 8; k++) client.send(subscribeMessage(`s${k}`, stream));
  for (let k = 0; k < 8; k++) client.send({ type: 'complete', id: `s${k}` });
  for (let completed = 0; completed < 16; ) if ((await client.next()).type === 'complete') completed += 1;
};

describe('churn', () => {
  it('leaves nothing of users who came, got an event and left (C40)', async () => {
    const round = async (first: number): Promise<void> => {
      const clients = await Promise.all(Array.from({ length: 250 }, (_, n) => connectAs(`user-${first + n}`)));
      for (const client of clients) client.send(subscribeMessage('1', stream));
      await Promise.all(clients.map(settle));
      await toEveryone(`event-${first}`);
      await Promise.all(clients.map((client) => until(() => client.frames.some((frame) => frame.includes('event-')))));
      for (const client of clients) client.ws.terminate();
    };
    const rounds = async (from: number, to: number): Promise<number> => {
      for (let n = from; n < to; n++) await round(n * 250);
      await nothingLeft();
      await expect.poll(() => gateway.stats().users, { timeout: 20_000 }).toBe(0);
      return heapBytes();
    };
    const early = await rounds(0, 4);
    const late = await rounds(4, 4 + 8 * scale);
    expect((late - early) / megabyte).toBeLessThan(5);
  }, 120_000);

  it('leaves nothing of short operations on a long-lived socket (C90)', async () => {
    const client = await connectAs('ada');
    const queries = async (count: number): Promise<number> => {
      for (let n = 0; n < count; n += 16) await batch(client);
      (client.frames as string[]).length = 0;
      return heapBytes();
    };
    const early = await queries(4_000);
    const listeners = client.ws.listenerCount('message');
    const late = await queries(16_000 * scale);
    expect((late - early) / megabyte).toBeLessThan(5);
    expect(client.ws.listenerCount('message')).toBe(listeners);
    expect(gateway.stats()).toMatchObject({ sessions: 1, subscriptions: 0 });
    client.ws.terminate();
    await nothingLeft();
  }, 120_000);

  it('leaves no subscription whose socket went while it was set up (C61)', async () => {
    const cursorOf = async (): Promise<string> => {
      const client = await connectAs('ada');
      client.send(subscribeMessage('1', stream));
      const { payload } = await client.next();
      client.ws.terminate();
      return payload.data.notificationReceived.cursor as string;
    };
    const after = await cursorOf();
    await toEveryone('something to catch up');
    const query =
      'subscription S($after: Cursor) { notificationReceived(after: $after) { cursor edge { node { title } } } }';
    const one = async (n: number): Promise<void> => {
      const client = await connectAs(`user-${n % 50}`);
      client.send(subscribeMessage('1', query, { variables: { after } }));
      for (let turns = n % 12; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      if (n % 2 === 0) client.ws.terminate();
      else (client.ws as unknown as { _socket: { resetAndDestroy(): void } })._socket.resetAndDestroy();
    };
    for (let n = 0; n < 500 * scale; n += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => one(n + k)));
    await nothingLeft();
  }, 120_000);

  it('never refuses a subscribe that is sent in the turn in which connection_ack came (C83)', async () => {
    const one = async (n: number): Promise<string> => {
      const client = await connectRaw(gateway.wsUrl);
      const answered = new Promise<string>((resolve) => {
        client.ws.on('message', (data) => {
          const text = String(data);
          if (text.includes('connection_ack')) client.send(subscribeMessage('1', stream));
          else resolve('answered');
        });
        void client.closed.then(({ code }) => resolve(`closed ${code}`));
      });
      client.send(await init(`user-${n}`));
      const outcome = await answered;
      client.ws.terminate();
      return outcome;
    };
    const outcomes: string[] = [];
    for (let n = 0; n < 500 * scale; n += 250) {
      outcomes.push(...(await Promise.all(Array.from({ length: 250 }, (_, k) => one(n + k)))));
    }
    expect(new Set(outcomes)).toEqual(new Set(['answered']));
    await nothingLeft();
  }, 120_000);
});

describe('one who asks for too much (C45)', () => {
  const asks = async (client: RawClient): Promise<void> => {
    client.send(subscribeMessage('q', '{ viewer { userId } }'));
    while ((await client.next()).type !== 'complete');
  };

  it('has 32 operations of 10,000, an error for each other one, and others are served', async () => {
    const [greedy, good] = [await connectAs('greedy'), await connectAs('good')];
    const count = 10_000;
    for (let n = 0; n < count; n++) greedy.send(subscribeMessage(`s${n}`, stream));
    await asks(good);
    const errors: unknown[] = [];
    while (errors.length < count - 32) {
      const message = await greedy.next();
      if (message.type === 'error') errors.push(message.payload[0].extensions.code);
    }
    expect(new Set(errors)).toEqual(new Set(['OVERLOADED']));
    expect(gateway.stats().subscriptions).toBe(32);
    for (const client of [greedy, good]) client.ws.terminate();
    await nothingLeft();
  });

  it('has 10 sockets of 300, and others are served', async () => {
    const good = await connectAs('good');
    const sockets = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const client = await connectRaw(gateway.wsUrl);
        client.send(await init('greedy'));
        const outcome = await Promise.race([
          client.next().then(({ type }) => type),
          client.closed.then(({ code }) => code),
        ]).catch(async () => (await client.closed).code);
        return { client, outcome };
      }),
    );
    await asks(good);
    expect(sockets.filter(({ outcome }) => outcome === 'connection_ack')).toHaveLength(10);
    expect(sockets.filter(({ outcome }) => outcome === 1013)).toHaveLength(290);
    for (const { client } of sockets) client.ws.terminate();
    good.ws.terminate();
    await nothingLeft();
  });
});
