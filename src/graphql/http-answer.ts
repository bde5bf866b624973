import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TraceContext } from '../event.ts';
import type { Viewer } from '../viewer.ts';

/** A request that is here in full, from a sender who is known; `body` is null for GET. */
export type HttpAsked = {
  readonly request: IncomingMessage;
  readonly body: string | null;
  readonly viewer: Viewer | null;
  readonly trace: TraceContext | null;
};

/** What GraphQL answers. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
};

/** Sends the answer and ends the response; nothing happens where the head is out already. */
export const sendAnswer = (response: ServerResponse, { status, headers, body }: HttpAnswer): void => {
  if (response.headersSent || response.destroyed) return;
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  response.writeHead(status, { ...headers, 'content-length': length, 'cache-control': 'no-store' });
  // Head and text leave in one write.
  response.end(body);
};

/** Answers of the endpoint itself, before GraphQL has a say: in GraphQL's form, so that clients show them. */
export type HttpRefusal = {
  readonly status: number;
  /** `extensions.code`. */
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Sends the refusal and ends the response; nothing happens where the head is out already. */
export const sendRefusal = (response: ServerResponse, refusal: HttpRefusal): void => {
  if (response.headersSent || response.destroyed) return;
  const { status, code, message, headers = {} } = refusal;
  const body = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(body);
};
