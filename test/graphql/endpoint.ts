import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/clock.ts';
import type { UserId } from '../../src/event.ts';
import {
  createGraphqlServer,
  type GraphqlOptions,
  httpServerOptions,
  type Verification,
} from '../../src/graphql/index.ts';
import { loadEventSchema } from '../../src/graphql/schema/index.ts';
import type { LogFields, Logger } from '../../src/telemetry/logger.ts';
import type { TokenRevocation, Viewer } from '../../src/viewer.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { HandDrivenCore } from './hand-driven-sessions.ts';

const events = loadEventSchema({ schemaDir: 'schema', eventsDir: 'schema/events' });

/** A viewer for tests, good for an hour. */
export const viewerOf = (userId: string, given: Partial<Viewer> = {}): Viewer => ({
  userId: userId as UserId,
  scopes: new Set(['notifications:publish']),
  topics: ['orders.**'],
  expiresAtMs: Date.now() + 3_600_000,
  issuer: '',
  tokenId: null,
  sessionId: null,
  issuedAtMs: null,
  ...given,
});

/**
 * Tokens of tests: `user:<id>` is good and may publish, `reader:<id>` is good without scopes, `admin:<id>` has the admin scope, `away` cannot be verified, `never` is never answered;
 * all others are refused.
 */
const verify = async (token: string): Promise<Verification> => {
  const [kind, id = ''] = token.split(':');
  if (kind === 'user') return { ok: true, viewer: viewerOf(id) };
  if (kind === 'admin') return { ok: true, viewer: viewerOf(id, { scopes: new Set(['notifications:admin']) }) };
  if (kind === 'reader') return { ok: true, viewer: viewerOf(id, { scopes: new Set() }) };
  if (kind === 'never') return new Promise<Verification>(() => {});
  if (kind === 'away') return { ok: false, reason: 'unavailable', message: 'the key set does not answer' };
  return { ok: false, reason: 'refused', message: 'the token is not valid' };
};

export type LogLine = { readonly message: string; readonly fields: LogFields | undefined };

/** The endpoint on a real server, over a core that the test drives. */
export type TestEndpoint = {
  readonly core: HandDrivenCore;
  readonly revocations: readonly TokenRevocation[];
  readonly telemetry: ReturnType<typeof silentTelemetry>;
  readonly port: number;
  readonly httpUrl: string;
  readonly wsUrl: string;
  readonly server: Server;
  readonly logged: readonly LogLine[];
  close(): Promise<void>;
};

/** Opens it on a free port. Message limits are wide unless given: tests are faster than people. */
export const openEndpoint = async (options: Partial<GraphqlOptions> = {}): Promise<TestEndpoint> => {
  const core = new HandDrivenCore();
  const revocations: TokenRevocation[] = [];
  const telemetry = silentTelemetry();
  const logged: LogLine[] = [];
  const log = (message: string, fields?: LogFields): void => void logged.push({ message, fields });
  const logger: Logger = { info: log, warn: log, error: log };
  const graphql = createGraphqlServer({
    schema: events,
    sessions: core,
    publisher: core,
    verify,
    async revoke(revocation) {
      revocations.push(revocation);
    },
    clock: systemClock,
    telemetry,
    logger,
    options: {
      isDevMode: false,
      allowedOrigins: ['https://app.example'],
      isIntrospectionEnabled: false,
      isGraphiqlEnabled: false,
      ...options,
      limits: { messages: { perSecond: 10_000, burst: 10_000 }, ...options.limits },
    },
  });
  const server = createServer(
    httpServerOptions(options.limits),
    (request, response) => void graphql.handleRequest(request, response),
  );
  server.on('upgrade', graphql.handleUpgrade);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    core,
    revocations,
    telemetry,
    port,
    httpUrl: `http://127.0.0.1:${port}/graphql`,
    wsUrl: `ws://127.0.0.1:${port}/graphql`,
    server,
    logged,
    async close() {
      await graphql.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
