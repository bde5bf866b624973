import { validateMessage } from 'graphql-ws';
import { type ClientOptions, WebSocket } from 'ws';

/** A WebSocket without protocol logic: sends what it is told, queues what it gets. Every text frame must be a message of the protocol. */
export type RawClient = {
  readonly ws: WebSocket;
  /** All text frames so far. */
  readonly frames: readonly string[];
  send(message: unknown): void;
  /** Frames that leave in one segment. */
  sendTogether(messages: readonly unknown[]): void;
  /** The next message that was not taken yet. Rejects when the socket closes first. */
  next(): Promise<Message>;
  /** The close that came or comes. */
  readonly closed: Promise<{ code: number; reason: string }>;
};

/** A server's message, loosely: what tests look at. */
export type Message = {
  readonly type: string;
  readonly id?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  readonly payload?: any;
};

const textOf = (message: unknown): string => (typeof message === 'string' ? message : JSON.stringify(message));

/** Connects; resolves once the handshake is through. */
export const connectRaw = async (
  url: string,
  protocols: string[] = ['graphql-transport-ws'],
  options: ClientOptions = {},
): Promise<RawClient> => {
  const ws = new WebSocket(url, protocols, options);
  const frames: string[] = [];
  const queue: Message[] = [];
  const waiting: { resolve(message: Message): void; reject(error: Error): void }[] = [];
  ws.on('message', (data, isBinary) => {
    if (isBinary) throw new Error('the server sent a binary frame');
    frames.push(String(data));
    // Fatal to some clients.
    if (String(data).includes('"payload":null')) throw new Error(`a null payload: ${String(data)}`);
    const message = validateMessage(JSON.parse(String(data))) as Message;
    if (message.payload?.settled !== undefined) return;
    const waiter = waiting.shift();
    if (waiter === undefined) queue.push(message);
    else waiter.resolve(message);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.on('close', (code, reason) => {
      for (const waiter of waiting.splice(0)) waiter.reject(new Error(`closed with ${code} ${reason}`));
      resolve({ code, reason: String(reason) });
    });
  });
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('error', reject);
  });
  ws.on('error', () => {});
  return {
    ws,
    frames,
    send: (message) => ws.send(textOf(message)),
    sendTogether(messages) {
      const { _socket: socket } = ws as unknown as { _socket: { cork(): void; uncork(): void } };
      socket.cork();
      for (const message of messages) ws.send(textOf(message));
      socket.uncork();
    },
    next() {
      const message = queue.shift();
      if (message !== undefined) return Promise.resolve(message);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    closed,
  };
};

/** Connects and initialises with `token`; resolves after `connection_ack`. */
export const connectAs = async (url: string, token: string): Promise<RawClient> => {
  const client = await connectRaw(url);
  client.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  const message = await client.next();
  if (message.type !== 'connection_ack') throw new Error(`expected connection_ack, got ${JSON.stringify(message)}`);
  return client;
};

/** A `subscribe` message. */
export const subscribeMessage = (id: string, query: string, payload: Record<string, unknown> = {}): unknown => ({
  id,
  type: 'subscribe',
  payload: { query, ...payload },
});

/** Resolves when everything that was sent before has been dealt with: the server answers in order. Rejects when the socket closes first. */
export const settle = async (client: RawClient): Promise<void> => {
  const mark = `settle-${Math.random()}`;
  const answered = new Promise<void>((resolve, reject) => {
    void client.closed.then(({ code, reason }) => reject(new Error(`closed with ${code} ${reason}`)));
    const look = (data: unknown): void => {
      if (!String(data).includes(mark)) return;
      client.ws.off('message', look);
      resolve();
    };
    client.ws.on('message', look);
  });
  client.send({ type: 'ping', payload: { settled: mark } });
  await answered;
};

/** Waits until `condition` holds; for what has no event of its own. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
