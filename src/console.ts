import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';

/**
 * The development console: a page at `/` with a subscription and a publish form, and a token for whoever asks.
 * Dev mode only: the gateway does not mount it once real authentication is configured.
 */

/** What the console needs: who may use it at all, and tokens. */
export type ConsoleOptions = {
  /** Path of GraphQL. */
  readonly graphqlPath: string;
  /** Loopback host and origin, nothing forwarded: the same rule that dev mode has for GraphQL. */
  isAllowed(request: IncomingMessage): boolean;
  /** Signs a token for the user with every scope and topic. */
  token(userId: string): Promise<string>;
};

type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

const page = (name: string): URL => new URL(`../web/console/${name}`, import.meta.url);
const clientModule = new URL('client.js', import.meta.resolve('graphql-ws'));
const maxBodyBytes = 4096;

const contentTypes: ReadonlyMap<string, string> = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
]);

/** Only names listed here, and the graphql-ws client with its one shared chunk, are ever read from disk. */
const fileFor = (path: string): URL | null => {
  if (path === '/') return page('index.html');
  if (path === '/console/console.css' || path === '/console/console.js') return page(path.slice('/console/'.length));
  const vendor = /^\/console\/graphql-ws\/((?:client|common-[\w-]+)\.js)$/.exec(path);
  return vendor?.[1] === undefined ? null : new URL(vendor[1], clientModule);
};

const readBody = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBodyBytes) return '';
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
};

const userOf = (body: string): string | null => {
  try {
    const { user } = JSON.parse(body) as { user?: unknown };
    return typeof user === 'string' && user !== '' && Buffer.byteLength(user) <= 128 ? user : null;
  } catch {
    return null;
  }
};

const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
};

const giveToken = async (
  request: IncomingMessage,
  response: ServerResponse,
  options: ConsoleOptions,
): Promise<void> => {
  const user = userOf(await readBody(request));
  if (user === null) return sendJson(response, 400, { error: 'send {"user": "<1 to 128 bytes>"} as JSON' });
  sendJson(response, 200, { token: await options.token(user) });
};

const sendNothing = (response: ServerResponse, path: string, { graphqlPath }: ConsoleOptions): void =>
  sendJson(response, 404, { error: `nothing at ${path}: GraphQL is at ${graphqlPath}, the console at /` });

const sendFile = async (response: ServerResponse, file: URL, { graphqlPath }: ConsoleOptions): Promise<void> => {
  const kind = fileURLToPath(file).split('.').at(-1) ?? '';
  const type = contentTypes.get(kind) ?? 'application/octet-stream';
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' });
  const text = await readFile(file, 'utf8');
  response.end(kind === 'html' ? text.replace('href="graphql"', `href="${graphqlPath}"`) : text);
};

const serve = async (request: IncomingMessage, response: ServerResponse, options: ConsoleOptions): Promise<void> => {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (!options.isAllowed(request)) return sendJson(response, 403, { error: 'the console answers loopback only' });
  const isJson = request.headers['content-type']?.startsWith('application/json') ?? false;
  if (path === '/console/token' && request.method === 'POST' && isJson) return giveToken(request, response, options);
  const file = request.method === 'GET' ? fileFor(path) : null;
  if (file === null) sendNothing(response, path, options);
  else await sendFile(response, file, options);
};

/** Makes the listener for every path that is not GraphQL's. */
export const createConsole = (options: ConsoleOptions): RequestListener => {
  return (request, response) => {
    serve(request, response, options).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
};
