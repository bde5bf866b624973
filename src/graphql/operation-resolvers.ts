import type { GraphQLFieldResolver } from 'graphql';
import type { PublishResult } from '../actors/publishing.ts';
import { GatewayError } from '../errors.ts';
import type { Viewer } from '../viewer.ts';
import { bearerToken } from './bearer-token.ts';
import type { OperationContext } from './operation-context.ts';
import { type RawPublishInput, readPublishRequest } from './publish-request.ts';
import { revokeTokens } from './revoke-tokens.ts';

/** Queries and mutations. Everything they need is in the context, so that one schema serves any number of servers. */

type Resolver<Arguments> = GraphQLFieldResolver<unknown, OperationContext, Arguments>;

const maxBatch = 500;

const viewerOf = (context: OperationContext): Viewer => {
  if (context.viewer !== null) return context.viewer;
  throw new GatewayError('UNAUTHENTICATED', 'a token is needed: send it as "Authorization: Bearer <token>"');
};

/** `Viewer` of the schema; `cursor` is read when it is asked for. */
const viewerSource = (viewer: Viewer, context: OperationContext): unknown => ({
  userId: viewer.userId,
  scopes: [...viewer.scopes],
  expiresAt: viewer.expiresAtMs,
  cursor: () => context.services.sessions.currentCursor(),
});

const payloadSource = (result: PublishResult): unknown => ({
  notificationId: result.notificationId,
  duplicate: result.isDuplicate,
  failedUserIds: result.failedUserIds,
  userErrors: result.userErrors,
});

const publishOne = async (input: RawPublishInput, context: OperationContext): Promise<unknown> => {
  const { publishInput, publisher } = context.services;
  const reading = readPublishRequest(input, { viewer: viewerOf(context), trace: context.trace }, publishInput);
  if (reading.ok) return payloadSource(await publisher.publish(reading.value));
  return payloadSource({ notificationId: null, isDuplicate: false, failedUserIds: [], userErrors: [reading.error] });
};

const publishNotification: Resolver<{ input: RawPublishInput }> = (_, { input }, context) => publishOne(input, context);

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));

/** All are handed over in one turn and in order, so that one after the other waits in the log's queue instead of here. */
const publishNotifications: Resolver<{ input: readonly RawPublishInput[] }> = (_, { input }, context) => {
  if (input.length > maxBatch) {
    throw new GatewayError('BAD_USER_INPUT', `input has ${input.length} events: at most ${maxBatch} in one mutation`);
  }
  viewerOf(context);
  // An error as list member is an error of that member alone: the others keep their results.
  return { results: input.map((item) => publishOne(item, context).catch(asError)) };
};

const sessionRefresh: Resolver<{ token: string }> = async (_, { token }, context) => {
  const { session, services } = context;
  const current = viewerOf(context);
  if (session === null) {
    throw new GatewayError('NOT_A_SESSION', 'sessionRefresh renews a socket: send it over the WebSocket');
  }
  const verification = await services.verify(bearerToken(token) ?? token);
  if (!verification.ok) {
    if (verification.reason === 'refused') throw new GatewayError('UNAUTHENTICATED', verification.message);
    throw new GatewayError('OVERLOADED', 'the token cannot be verified just now: try again', { retryAfterMs: 1_000 });
  }
  const renewed = verification.viewer;
  if (renewed.userId !== current.userId || renewed.issuer !== current.issuer) {
    throw new GatewayError('UNAUTHENTICATED', 'the new token is of another user: open a new connection for it');
  }
  session.refreshed(renewed);
  return { viewer: viewerSource(renewed, context) };
};

const viewer: Resolver<unknown> = (_, _args, context) => viewerSource(viewerOf(context), context);

type ByField = Readonly<Record<string, unknown>>;

/** By type name. */
export const operationResolvers: { readonly Query: ByField; readonly Mutation: ByField } = {
  Query: { viewer },
  Mutation: { publishNotification, publishNotifications, revokeTokens, sessionRefresh },
};
