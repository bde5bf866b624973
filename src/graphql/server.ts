import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Publisher } from '../actors/publishing.ts';
import type { Sessions } from '../actors/session.ts';
import type { Clock } from '../clock.ts';
import type { Telemetry } from '../telemetry/facade.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { TokenRevocation, Viewer } from '../viewer.ts';
import { createAccess } from './access.ts';
import { createClientAddress } from './client-address.ts';
import { createDocuments } from './documents.ts';
import { createEndpointPath } from './endpoint-path.ts';
import { createErrorMask } from './graphql-errors.ts';
import { handleHttp } from './http.ts';
import { sendRefusal } from './http-answer.ts';
import { createHttpOperations } from './http-operation.ts';
import type { OperationServices, VerifyToken } from './operation-context.ts';
import { defaultGraphqlLimits, type GraphqlLimits, type GraphqlOptions } from './options.ts';
import { createRendering } from './rendering.ts';
import { attachResolvers } from './resolvers.ts';
import type { EventSchema } from './schema/index.ts';
import { SharedDeflate } from './shared-deflate.ts';
import { SharedFrames } from './shared-frames.ts';
import type { SocketDeps } from './socket-deps.ts';
import { SocketWrites } from './socket-writes.ts';
import { createUpgrades } from './upgrade.ts';
import { createHttpExecutor } from './yoga.ts';

/** Joins the room's parts: one schema, one document pipeline and one set of sessions behind HTTP, SSE and WebSocket. */

export type GraphqlServerDeps = {
  readonly schema: Pick<EventSchema, 'schema' | 'publishInput'>;
  readonly sessions: Sessions;
  readonly publisher: Publisher;
  readonly verify: VerifyToken;
  /** Makes tokens count no more; rejects with a GatewayError. */
  readonly revoke: (revocation: TokenRevocation) => Promise<void>;
  /** The policy's key of those who may share renderings. @default everybody may */
  readonly scopeOf?: (viewer: Viewer) => string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly options: GraphqlOptions;
};

export type GraphqlServer = {
  /** Answers any request: the endpoint, or 404 with a hint. Never rejects. */
  handleRequest(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Answers any upgrade request. Never throws. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Cuts sockets that the sessions left open. Drain comes before, by way of the sessions. */
  close(): Promise<void>;
};

/** What the HTTP server in front is to be created with: limits that bind slow and oversized requests before they come here. */
export const httpServerOptions = (limits: Partial<GraphqlLimits> = {}): ServerOptions => ({
  maxHeaderSize: limits.maxHeaderBytes ?? defaultGraphqlLimits.maxHeaderBytes,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  // The kernel finds out about readers of event streams that are gone: nothing else comes from them.
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
});

/** Creates the GraphQL endpoint. Attaches resolvers to the schema; throws where schema and resolvers do not belong together,
 * CONFIG_INVALID where a persisted document cannot run. */
export const createGraphqlServer = (deps: GraphqlServerDeps): GraphqlServer => {
  const { telemetry, clock, logger, options } = deps;
  const { schema, publishInput } = deps.schema;
  attachResolvers(schema);
  const { isIntrospectionEnabled, isGraphiqlEnabled, path = '/graphql' } = options;
  const limits = { ...defaultGraphqlLimits, ...options.limits };
  const endpoint = createEndpointPath(path);
  const access = createAccess(options);
  const mask = createErrorMask(logger, isIntrospectionEnabled);
  const documents = createDocuments({
    schema,
    limits: limits.documents,
    isIntrospectionEnabled,
    ...(options.persisted === undefined ? {} : { persisted: options.persisted }),
  });
  const { sessions, publisher, verify, revoke, scopeOf = () => '' } = deps;
  const services: OperationServices = {
    sessions,
    publisher,
    verify,
    revoke,
    publishInput,
    scopeOf,
    now: () => clock.now(),
  };
  const rendering = createRendering({ schema, mask, telemetry });
  const writes = new SocketWrites();
  const deflate = options.isCompressionEnabled === true ? new SharedDeflate() : null;
  const sending = { rendering, frames: new SharedFrames(rendering), writes, deflate };
  const shared: SocketDeps = { schema, documents, ...sending, mask, services, telemetry, clock, limits };
  const runOperation = createHttpOperations(shared);
  const execute = createHttpExecutor({ ...shared, path, isGraphiqlEnabled });
  const httpDeps = { ...shared, access, runOperation, execute, path, isGraphiqlEnabled, isIntrospectionEnabled };
  const addressOf = createClientAddress(options.trustedProxies ?? []);
  const upgrades = createUpgrades({ ...shared, access, addressOf, path: endpoint });

  return {
    async handleRequest(request, response) {
      if (endpoint.matches(request.url)) return handleHttp(request, response, httpDeps);
      sendRefusal(response, { status: 404, code: 'BAD_USER_INPUT', message: endpoint.hint });
    },
    handleUpgrade: upgrades.handle,
    async close() {
      upgrades.close();
    },
  };
};
