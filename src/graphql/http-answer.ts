import type { ServerResponse } from 'node:http';

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
