import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from './gateway/listen.ts';

/** Whether a node, or several, can be sent clients. */
export type Readiness = {
  /** Null when ready, else the reason why not. */
  readonly notReady: string | null;
  /** Null while all is well, else what is degraded; shown in the body of `/readyz`, which stays 200. */
  readonly degraded: string | null;
};

/** What the admin port shows. Every reader is asked at request time. */
export type AdminOptions = {
  readonly host: string;
  readonly port: number;
  readiness(): Readiness | Promise<Readiness>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Machines by state, for `/snapshot`; a promise of them is waited for. */
  snapshot(): unknown;
};

/** The admin port: probes, metrics, snapshot. Plain HTTP, no authentication: keep it off the public network. */
export type AdminServer = { readonly url: string; close(): Promise<void> };

type Answer = { status: number; type: string; body: string };

const json = (status: number, body: unknown): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(body)}\n`,
});

const readiness = ({ notReady, degraded }: Readiness): Answer => {
  if (notReady !== null) return json(503, { status: 'not_ready', reason: notReady });
  return json(200, degraded === null ? { status: 'ready' } : { status: 'degraded', reason: degraded });
};

const answer = async (path: string, options: AdminOptions): Promise<Answer> => {
  switch (path) {
    case '/livez':
      return json(200, { status: 'live' });
    case '/readyz':
      return readiness(await options.readiness());
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await options.metrics() };
    case '/snapshot':
      return json(200, await options.snapshot());
    default:
      return json(404, { error: 'not found: this port serves /livez, /readyz, /metrics and /snapshot' });
  }
};

const respond = async (request: IncomingMessage, response: ServerResponse, options: AdminOptions): Promise<void> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const { status, type, body } = await answer(path, options);
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : body);
};

/** Opens the admin port. */
export const startAdmin = async (options: AdminOptions): Promise<AdminServer> => {
  const server = createServer((request, response) => {
    respond(request, response, options).catch((cause: unknown) => {
      response.writeHead(500).end(`${cause instanceof Error ? cause.message : 'failed'}\n`);
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  const { host, port } = options;
  const { url, stop } = await listen(server, { host, port, variable: 'CARILLON_ADMIN_PORT' });
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.once('close', resolve);
        stop();
        server.closeAllConnections();
      }),
  };
};
