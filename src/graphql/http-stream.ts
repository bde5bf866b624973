import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError, OperationTypeNode } from 'graphql';
import type { SubscribeRequest } from '../actors/session.ts';
import type { Viewer } from '../viewer.ts';
import { pickOperation } from './documents.ts';
import { accepts } from './http-front.ts';
import { type HttpParams, readHttpParams } from './http-params.ts';
import type { SocketDeps } from './socket-deps.ts';
import { openEventStream, refusedStream, SseSession } from './sse-session.ts';
import { readSubscription } from './subscribe-operation.ts';

/** A request that may ask for a stream; `body` is null for GET. */
export type StreamRequest = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly viewer: Viewer;
  readonly body: string | null;
};

type Asked = SubscribeRequest | readonly unknown[] | null;

/** Null where the parameters hold no subscription, or nothing that can be read. */
const subscriptionOf = (params: HttpParams | null, viewer: Viewer, deps: SocketDeps): Asked => {
  const preparation = params === null ? null : deps.documents.prepare(params.query, params.sha256Hash);
  if (params === null || preparation === null || !preparation.ok) return null;
  const { prepared } = preparation;
  const operation = pickOperation(prepared, params.operationName);
  if (operation instanceof GraphQLError || operation.operation !== OperationTypeNode.SUBSCRIPTION) return null;
  const { variables } = params;
  const { scopeOf } = deps.services;
  return readSubscription(deps.schema, { operationId: '', prepared, operation, variables, viewer, scopeOf });
};

/** Opens a stream where the request asks for one and has a subscription to put into it. False: it is a request like any other. */
export const openStream = ({ request, response, viewer, body }: StreamRequest, deps: SocketDeps): boolean => {
  if (!accepts(request.headers, 'text/event-stream')) return false;
  const subscription = subscriptionOf(readHttpParams(request.url ?? '', body), viewer, deps);
  if (subscription === null) return false;
  if (!('plan' in subscription)) {
    openEventStream(response);
    response.end(refusedStream(JSON.stringify(deps.mask.format(subscription))));
    return true;
  }
  const lastEventId = request.headers['last-event-id'];
  const after = typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : subscription.after;
  new SseSession({ request, response, viewer, subscription: { ...subscription, after } }, deps);
  return true;
};
