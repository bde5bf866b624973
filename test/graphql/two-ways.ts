import { hash } from 'node:crypto';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PublishRequest, PublishResult } from '../../src/actors/publishing.ts';
import { systemClock } from '../../src/clock.ts';
import { GatewayError } from '../../src/errors.ts';
import { createAccess } from '../../src/graphql/access.ts';
import { createDocuments } from '../../src/graphql/documents.ts';
import { createErrorMask } from '../../src/graphql/graphql-errors.ts';
import { type HttpDeps, handleHttp } from '../../src/graphql/http.ts';
import { createHttpOperations } from '../../src/graphql/http-operation.ts';
import { defaultGraphqlLimits } from '../../src/graphql/options.ts';
import { createRendering } from '../../src/graphql/rendering.ts';
import { attachResolvers } from '../../src/graphql/resolvers.ts';
import { loadEventSchema } from '../../src/graphql/schema/index.ts';
import { SharedFrames } from '../../src/graphql/shared-frames.ts';
import { SocketWrites } from '../../src/graphql/socket-writes.ts';
import { createHttpExecutor } from '../../src/graphql/yoga.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { viewerOf } from './endpoint.ts';
import { HandDrivenCore, published } from './hand-driven-sessions.ts';

/**
 * The endpoint twice over one schema and one core: as it is, and with every request left to graphql-yoga. What both answer to the same request is to
 * be the same.
 */

/** A document that is known by its hash. */
export const persistedQuery = 'query Persisted { viewer { userId scopes } }';

export type Sent = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
};

/** What came back, but for the date. */
export type Received = { readonly status: number; readonly headers: readonly string[]; readonly body: string };

export type TwoWays = {
  /** Sends to the endpoint as it is, then to the one that yoga answers. */
  both(sent: Sent): Promise<{ readonly product: Received; readonly yoga: Received }>;
  /** How many requests yoga was not asked about. */
  readonly direct: number;
  /** How many publishes were handed over, on both ways. */
  readonly publishes: number;
  close(): Promise<void>;
};

const failures: Readonly<Record<string, Error>> = {
  bug: new TypeError('broken within'),
  log: new GatewayError('LOG_UNAVAILABLE', 'the log does not answer', { outcome: 'unknown', retryAfterMs: 1_000 }),
  scope: new GatewayError('FORBIDDEN', 'publishing needs the scope notifications:publish', { outcome: 'not_written' }),
};

/** What the title asks for; the same title has the same outcome. */
const publishAs = async ({ title }: PublishRequest): Promise<PublishResult> => {
  const failure = failures[title];
  if (failure !== undefined) throw failure;
  // `notificationId` may be null; a list of failed users may not.
  if (title === 'null') return { ...published('n'), failedUserIds: null as never };
  if (title !== 'refused') return published(`n-${title}`);
  const error = { code: 'RATE_LIMITED', field: null, message: 'too many publishes: try again in 5 ms' } as const;
  return { ...published('n'), notificationId: null, userErrors: [error] };
};

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** Headers in their order and spelling. */
const withoutDate = (raw: readonly string[]): readonly string[] => {
  const pairs = raw.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${raw[index + 1]}`] : []));
  return pairs.filter((pair) => !/^date:/i.test(pair));
};

const send = (port: number, { method, path, headers, body }: Sent): Promise<Received> =>
  new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const { statusCode = 0, rawHeaders } = response;
        resolve({ status: statusCode, headers: withoutDate(rawHeaders), body: Buffer.concat(parts).toString() });
      });
    });
    request.on('error', reject);
    request.end(body);
  });

const depsFor = (core: HandDrivenCore, isIntrospectionEnabled: boolean): HttpDeps => {
  const { schema, publishInput } = loadEventSchema({ schemaDir: 'schema', eventsDir: 'schema/events' });
  attachResolvers(schema);
  const mask = createErrorMask(silentLogger, isIntrospectionEnabled);
  const persisted = { documents: new Map([[hash('sha256', persistedQuery), persistedQuery]]), isAllowList: false };
  const { documents: limits } = defaultGraphqlLimits;
  const documents = createDocuments({ schema, limits, isIntrospectionEnabled, persisted });
  const services = {
    sessions: core,
    publisher: core,
    publishInput,
    verify: async (token: string) =>
      token === 'good'
        ? ({ ok: true, viewer: viewerOf('ada', { expiresAtMs: Date.UTC(2030, 0, 1) }) } as const)
        : ({ ok: false, reason: 'refused', message: 'the token is not valid' } as const),
    revoke: async () => {},
    scopeOf: () => '',
    now: () => systemClock.now(),
  };
  const telemetry = silentTelemetry();
  const shared = { schema, documents, mask, services };
  const rendering = createRendering({ schema, mask, telemetry });
  return {
    ...shared,
    rendering,
    frames: new SharedFrames(rendering),
    writes: new SocketWrites(),
    deflate: null,
    telemetry,
    clock: systemClock,
    limits: defaultGraphqlLimits,
    access: createAccess({ isDevMode: false, allowedOrigins: ['https://app.example'] }),
    runOperation: createHttpOperations(shared),
    execute: createHttpExecutor({ ...shared, path: '/graphql', isGraphiqlEnabled: false }),
    path: '/graphql',
    isGraphiqlEnabled: false,
    isIntrospectionEnabled,
  };
};

/** Opens both. The token `good` is good. */
export const openTwoWays = async (isIntrospectionEnabled: boolean): Promise<TwoWays> => {
  const core = new HandDrivenCore();
  core.onPublish = publishAs;
  const deps = depsFor(core, isIntrospectionEnabled);
  let direct = 0;
  const counted: HttpDeps = {
    ...deps,
    runOperation(asked) {
      const answer = deps.runOperation(asked);
      if (answer !== null) direct++;
      return answer;
    },
  };
  const product = createServer((request, response) => void handleHttp(request, response, counted));
  const left = { ...deps, runOperation: () => null };
  const yoga = createServer((request, response) => void handleHttp(request, response, left));
  const ports = [await listening(product), await listening(yoga)] as const;
  return {
    async both(sent) {
      return { product: await send(ports[0], sent), yoga: await send(ports[1], sent) };
    },
    get direct() {
      return direct;
    },
    get publishes() {
      return core.published.length;
    },
    async close() {
      for (const server of [product, yoga]) {
        server.closeAllConnections();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      }
    },
  };
};
