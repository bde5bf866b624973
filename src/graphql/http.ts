import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Timer } from '../clock.ts';
import type { TraceContext } from '../event.ts';
import { scopes, type Viewer } from '../viewer.ts';
import type { Access } from './access.ts';
import { type HttpAsked, type HttpRefusal, sendAnswer, sendRefusal } from './http-answer.ts';
import { readHttpBody } from './http-body.ts';
import { accepts, allowOrigin, answerPreflight, formRefusal, identify } from './http-front.ts';
import type { HttpOperations } from './http-operation.ts';
import { openStream } from './http-stream.ts';
import type { SocketDeps } from './socket-deps.ts';
import { readTrace, trustedTrace } from './trace-context.ts';
import type { HttpExecutor } from './yoga.ts';

/**
 * One HTTP request to the endpoint, in this order: origin, method, form, token, body; then a stream for subscriptions that ask for one, an operation
 * that a body says in full, graphql-yoga for all else. Only JSON is taken, so that no foreign page can send anything without a preflight.
 */

export type HttpDeps = SocketDeps & {
  readonly access: Access;
  readonly runOperation: HttpOperations;
  /** Takes whatever `runOperation` does not. */
  readonly execute: HttpExecutor;
  readonly path: string;
  readonly isGraphiqlEnabled: boolean;
  readonly isIntrospectionEnabled: boolean;
};

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly startedAtMs: number;
  /** Runs until the request is here and its sender known. */
  readonly deadline: Timer;
};
/** An exchange whose request is known in full. */
type Asked = Exchange & Pick<HttpAsked, 'body' | 'viewer'>;

const executed = async (asked: Asked, trace: TraceContext | null, deps: HttpDeps): Promise<void> => {
  const { request, body, viewer } = asked;
  const known = { request, body, viewer, trace };
  sendAnswer(asked.response, await (deps.runOperation(known) ?? deps.execute(known)));
};

const bodyLimit = (viewer: Viewer | null, { limits }: HttpDeps): number => {
  const mayPublish = viewer?.scopes.has(scopes.publish) || viewer?.scopes.has(scopes.publishEveryone);
  return mayPublish ? limits.maxPublishBodyBytes : limits.maxBodyBytes;
};

/** A page for browsers, without a token: it asks for one. */
const isForGraphiql = ({ method, headers }: IncomingMessage, deps: HttpDeps): boolean =>
  deps.isGraphiqlEnabled && method === 'GET' && accepts(headers, 'text/html');

/** Executes under a span of its own, which is the parent of what the request publishes. */
const traced = async (asked: Asked, deps: HttpDeps): Promise<void> => {
  const { request, response, startedAtMs, viewer } = asked;
  const attributes = { method: request.method ?? 'GET', route: deps.path, startedAtMs };
  const span = deps.telemetry.startRequest(trustedTrace(viewer, readTrace(request.headers)), attributes);
  try {
    await executed(asked, span.context, deps);
    span.end(response.statusCode);
  } catch (error) {
    span.end(500);
    throw error;
  }
};

const answer = async (exchange: Exchange, deps: HttpDeps): Promise<HttpRefusal | null> => {
  const { request, response } = exchange;
  if (isForGraphiql(request, deps)) {
    await executed({ ...exchange, body: null, viewer: null }, null, deps);
    return null;
  }
  const refusal = formRefusal(request);
  if (refusal !== null) return refusal;
  const identified = await identify(request, deps);
  if (!identified.ok) return identified.refusal;
  const { viewer } = identified;
  const body = request.method === 'POST' ? await readHttpBody(request, bodyLimit(viewer, deps)) : null;
  if (body?.ok === false) return body.refusal;
  if (response.headersSent) return null;
  exchange.deadline.cancel();
  const asked = { ...exchange, viewer, body: body === null ? null : body.text };
  if (viewer !== null && openStream({ request, response, viewer, body: asked.body }, deps)) return null;
  await traced(asked, deps);
  return null;
};

const tooSlow: HttpRefusal = {
  status: 408,
  code: 'OVERLOADED',
  message: 'the request took too long to arrive or to be verified: try again',
  headers: { connection: 'close' },
};

/** Answers one request to the endpoint. Never rejects. */
export const handleHttp = async (request: IncomingMessage, response: ServerResponse, deps: HttpDeps): Promise<void> => {
  // A write that meets a connection just cut is reported here; the session or the client's absence says the rest.
  response.on('error', () => {});
  const refused = deps.access.refusal(request.headers);
  if (refused !== null) return sendRefusal(response, { status: 403, code: 'FORBIDDEN', message: refused });
  allowOrigin(request, response);
  if (request.method === 'OPTIONS') return answerPreflight(response);
  const startedAtMs = deps.clock.now();
  const deadline = deps.clock.after(deps.limits.requestDeadlineMs, () => sendRefusal(response, tooSlow));
  try {
    const refusal = await answer({ request, response, startedAtMs, deadline }, deps);
    if (refusal !== null) sendRefusal(response, refusal);
  } catch (error) {
    const { message, extensions } = deps.mask.mask(error);
    sendRefusal(response, { status: 500, code: String(extensions['code']), message });
  } finally {
    deadline.cancel();
  }
};
