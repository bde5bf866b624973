import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A collector of traces that looks at nothing, so that the campaign's process has time for other things. */
export type Collector = {
  readonly url: string;
  /** `take`: 200. `hang`: no answer. `refuse`: 503. `gone`: connections are reset. */
  answer(mode: 'take' | 'hang' | 'refuse' | 'gone'): void;
  close(): void;
};

/** Starts it on a free port. */
export const startCollector = async (): Promise<Collector> => {
  let mode: Parameters<Collector['answer']>[0] = 'take';
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (mode === 'take') response.writeHead(200).end();
      else if (mode === 'refuse') response.writeHead(503).end();
    });
  });
  server.on('connection', (socket) => {
    if (mode === 'gone') socket.resetAndDestroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer(next) {
      mode = next;
      if (next === 'gone') server.closeAllConnections();
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
};
