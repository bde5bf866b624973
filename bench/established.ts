import { Agent, request as httpRequest, type RequestOptions } from 'node:http';
import { WebSocket } from 'ws';
import { testToken } from '../test/support/token.ts';

/** Clients that are there already, and a service that publishes to them one after another, at a steady pace. */
export type Established = {
  /** Latencies from publish call to receipt, milliseconds, since the last call. */
  take(): readonly number[];
  /** Close codes seen. */
  readonly closes: readonly number[];
  stop(): Promise<void>;
};

const stream = 'subscription { notificationReceived { edge { node { title } } } }';
const mutation =
  'mutation P($input: PublishNotificationInput!) { publishNotification(input: $input) { userErrors { code } } }';

type Member = { readonly socket: WebSocket; readonly user: string };

/** One user's socket, from an address of its own; resolves at the first payload of its subscription. */
const connectOne = async (wsUrl: string, n: number, take: (title: string) => void): Promise<Member> => {
  const user = `established-${n}`;
  const token = await testToken(user);
  const localAddress = `127.0.0.${1 + (n % 250)}`;
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { perMessageDeflate: false, localAddress });
  const send = (message: unknown): void => socket.send(JSON.stringify(message));
  await new Promise<void>((resolve, reject) => {
    const answers: Readonly<Record<string, (text: string) => void>> = {
      connection_ack: () => send({ type: 'subscribe', id: '1', payload: { query: stream } }),
      ping: (text) => send({ ...JSON.parse(text), type: 'pong' }),
      next(text) {
        resolve();
        const title = /"title":"(\d+)"/.exec(text)?.[1];
        if (title !== undefined) take(title);
      },
    };
    socket.once('error', reject);
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    socket.on('message', (data) => {
      const text = String(data);
      answers[/"type":"(\w+)"/.exec(text)?.[1] ?? '']?.(text);
    });
  });
  return { socket, user };
};

/** Connects `count` users, a few at a time. */
const connectAll = async (wsUrl: string, count: number, take: (title: string) => void): Promise<readonly Member[]> => {
  const members: Member[] = [];
  for (let n = 0; n < count; n += 50) {
    const some = Array.from({ length: Math.min(50, count - n) }, (_, k) => connectOne(wsUrl, n + k, take));
    members.push(...(await Promise.all(some)));
  }
  return members;
};

/** One POST, over a connection of the agent's. */
const post = (url: string, options: RequestOptions, body: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', ...options }, (response) => {
      response.resume();
      response.once('end', resolve);
    });
    request.once('error', reject);
    request.end(body);
  });

/** Starts them: `perSecond` events in all, each to one of the users in turn. */
export const startEstablished = async (
  urls: { readonly wsUrl: string; readonly httpUrl: string },
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<Established> => {
  const sentAt = new Map<string, number>();
  const closes: number[] = [];
  let latencies: number[] = [];
  const members = await connectAll(urls.wsUrl, count, (title) => {
    const at = sentAt.get(title);
    if (at !== undefined && sentAt.delete(title)) latencies.push(performance.now() - at);
  });
  for (const { socket } of members) socket.on('close', (code) => closes.push(code));
  const token = await testToken('service', { scopes: ['notifications:publish'] });
  // The service is there already too: a connection of its own for each publish would queue up behind those who come.
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  let sequence = 0;
  const pending = new Set<Promise<unknown>>();
  const publish = async (): Promise<void> => {
    const title = `${sequence++}`;
    const userId = members[sequence % members.length]?.user;
    const input = { audience: { userId }, content: { message: { title } } };
    sentAt.set(title, performance.now());
    const body = JSON.stringify({ query: mutation, variables: { input } });
    await post(urls.httpUrl, { agent, headers }, body);
  };
  const timer = setInterval(() => {
    const publishing = publish().catch(() => {});
    pending.add(publishing);
    void publishing.then(() => pending.delete(publishing));
  }, 1_000 / perSecond);
  return {
    closes,
    take() {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      agent.destroy();
      for (const { socket } of members) socket.terminate();
    },
  };
};
