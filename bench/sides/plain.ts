import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveSide } from './serve.ts';

/** A node:http server that reads a body, parses it as JSON and answers with a little of its own: what a publish cannot cost less than. */

const answer = JSON.stringify({ data: { publishNotification: { notificationId: 'n'.repeat(22), userErrors: [] } } });

serveSide({
  async start() {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        JSON.parse(Buffer.concat(chunks).toString());
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
        response.end(answer);
      });
    });
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
    return { port: (server.address() as AddressInfo).port, path: '/', version: process.version };
  },
  async stop() {},
});
