import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Viewer } from '../viewer.ts';
import { bearerToken } from './bearer-token.ts';
import type { HttpRefusal } from './http-answer.ts';
import type { OperationServices } from './operation-context.ts';

/** What is looked at before a request's body: CORS, method, content type, token. */

/** Who asks; null where nobody says who. */
export type Identified =
  | { readonly ok: true; readonly viewer: Viewer | null }
  | { readonly ok: false; readonly refusal: HttpRefusal };

export type IdentifyDeps = {
  readonly services: Pick<OperationServices, 'verify'>;
  readonly isIntrospectionEnabled: boolean;
};

const allowedMethods = 'GET, POST, OPTIONS';

/** Whether the Accept header names `type`. */
export const accepts = (headers: IncomingHttpHeaders, type: string): boolean => headers.accept?.includes(type) ?? false;

/** Lets the origin read the answer; it passed the access rules before. */
export const allowOrigin = (request: IncomingMessage, response: ServerResponse): void => {
  response.setHeader('vary', 'Origin');
  const { origin } = request.headers;
  if (origin !== undefined) response.setHeader('access-control-allow-origin', origin);
};

/** Tells a browser of an allowed origin what it may send. */
export const answerPreflight = (response: ServerResponse): void => {
  response.writeHead(204, {
    'access-control-allow-methods': allowedMethods,
    'access-control-allow-headers': 'authorization, content-type, last-event-id, traceparent, tracestate',
    'access-control-max-age': '600',
  });
  response.end();
};

/** What is wrong with method or content type; null when nothing is. */
export const formRefusal = ({ method, headers }: IncomingMessage): HttpRefusal | null => {
  if (method !== 'GET' && method !== 'POST') {
    const message = `the method is not allowed: use ${allowedMethods}`;
    return { status: 405, code: 'BAD_USER_INPUT', message, headers: { allow: allowedMethods } };
  }
  if (method === 'GET') return null;
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    return {
      status: 415,
      code: 'BAD_USER_INPUT',
      message: 'the body must be JSON: send "Content-Type: application/json"',
    };
  }
  const encoding = headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return null;
  return {
    status: 415,
    code: 'BAD_USER_INPUT',
    message: 'the body must not be compressed: leave Content-Encoding out',
  };
};

const unauthenticated = (message: string): HttpRefusal => ({
  status: 401,
  code: 'UNAUTHENTICATED',
  message,
  headers: { 'www-authenticate': 'Bearer' },
});

const unavailable: HttpRefusal = {
  status: 503,
  code: 'OVERLOADED',
  message: 'the token cannot be verified just now: try again',
  headers: { 'retry-after': '1' },
};

/** Who asks. Nobody is a viewer of null where introspection is allowed, and a refusal elsewhere. */
export const identify = async (request: IncomingMessage, deps: IdentifyDeps): Promise<Identified> => {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    if (deps.isIntrospectionEnabled) return { ok: true, viewer: null };
    return { ok: false, refusal: unauthenticated('a token is needed: send it as "Authorization: Bearer <token>"') };
  }
  const token = bearerToken(authorization);
  if (token === null)
    return { ok: false, refusal: unauthenticated('the Authorization header is not "Bearer <token>"') };
  const verification = await deps.services.verify(token);
  if (verification.ok) return { ok: true, viewer: verification.viewer };
  const isRefused = verification.reason === 'refused';
  return { ok: false, refusal: isRefused ? unauthenticated(verification.message) : unavailable };
};
