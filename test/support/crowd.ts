import { WebSocket } from 'ws';
import { testToken } from './token.ts';

/** Many subscribers that only count: one socket and one subscription each. */
export type Crowd = {
  readonly size: number;
  /** Adds subscribers until there are `size`; resolves when each has its first payload. */
  grow(size: number): Promise<void>;
  close(): void;
};

/** As many sockets as one user may have. */
const perUser = 10;
/** Sockets before their `connection_ack` from one address are limited: stay below. */
const atOnce = 100;

const query = 'subscription { notificationReceived { cursor edge { node { id } } } }';

const join = (wsUrl: string, token: string): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { perMessageDeflate: false, skipUTF8Validation: true });
    const send = (message: unknown): void => socket.send(JSON.stringify(message));
    socket.on('error', reject);
    socket.on('close', (code, reason) => reject(new Error(`closed ${code} ${reason}`)));
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    socket.on('message', (data) => {
      const text = String(data);
      if (text.includes('"connection_ack"')) send({ type: 'subscribe', id: '1', payload: { query } });
      else if (text.includes('"type":"ping"')) send({ ...JSON.parse(text), type: 'pong' });
      else if (text.includes('"type":"next"')) resolve(socket);
      else reject(new Error(text));
    });
  });

/** An empty crowd at one gateway. */
export const createCrowd = (wsUrl: string): Crowd => {
  const sockets: WebSocket[] = [];
  return {
    get size() {
      return sockets.length;
    },
    async grow(size) {
      while (sockets.length < size) {
        const count = Math.min(atOnce, size - sockets.length);
        const first = sockets.length;
        const joining = Array.from({ length: count }, async (_, n) =>
          join(wsUrl, await testToken(`crowd-${Math.floor((first + n) / perUser)}`)),
        );
        sockets.push(...(await Promise.all(joining)));
      }
    },
    close() {
      for (const socket of sockets.splice(0)) socket.terminate();
    },
  };
};
