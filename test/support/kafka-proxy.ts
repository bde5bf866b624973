import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Sits between clients and one broker and counts what clients ask. */
export type KafkaProxy = {
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Fetch requests seen so far. */
  readonly fetches: number;
  close(): Promise<void>;
};

const fetchKey = 1;

/** Calls `seen` with the api key of each request: 4 bytes of length, then 2 of api key. */
const requestReader = (seen: (apiKey: number) => void): ((bytes: Buffer) => void) => {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 6 && rest.length >= 4 + rest.readInt32BE(0)) {
      seen(rest.readInt16BE(4));
      rest = rest.subarray(4 + rest.readInt32BE(0));
    }
  };
};

/** Starts a proxy on a free port; `target` is asked at each connection. */
export const startKafkaProxy = async (target: () => number): Promise<KafkaProxy> => {
  const open = new Set<Socket>();
  let fetches = 0;
  const server = createServer((client) => {
    const broker = connect(target(), '127.0.0.1');
    const read = requestReader((apiKey) => {
      if (apiKey === fetchKey) fetches++;
    });
    open.add(client);
    const end = (): void => {
      open.delete(client);
      client.destroy();
      broker.destroy();
    };
    client.on('data', read);
    client.pipe(broker).pipe(client);
    for (const socket of [client, broker]) socket.on('close', end).on('error', end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return open.size;
    },
    get fetches() {
      return fetches;
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
};
