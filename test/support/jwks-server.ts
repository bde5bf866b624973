import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';

/** How the endpoint answers: with its keys, never, with a status, or with another body. */
export type JwksMode = 'keys' | 'hang' | { readonly status: number } | { readonly body: string };

/** A real key set endpoint on loopback that a test steers. */
export type JwksServer = {
  readonly url: string;
  /** Requests received so far. */
  readonly requests: number;
  publish(keys: readonly JWK[]): void;
  answer(mode: JwksMode): void;
  /** Resolves once `count` requests were received in all. */
  received(count: number): Promise<void>;
  close(): Promise<void>;
};

/** Starts the endpoint on a free port. */
export const startJwksServer = async (initial: readonly JWK[] = []): Promise<JwksServer> => {
  let keys = initial;
  let mode: JwksMode = 'keys';
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    server.emit('counted');
    if (mode === 'hang') return;
    if (mode === 'keys') response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
    else if ('status' in mode) response.writeHead(mode.status, { location: '/elsewhere' }).end('no');
    else response.end(mode.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    get requests() {
      return requests;
    },
    publish(next) {
      keys = next;
    },
    answer(next) {
      mode = next;
    },
    async received(count) {
      while (requests < count) await once(server, 'counted');
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
