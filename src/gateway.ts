import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { type Core, createCore, createPolicyGuard, defaultCoreOptions } from './actors/index.ts';
import { type Readiness, startAdmin } from './admin.ts';
import type { Clock } from './clock.ts';
import type { Config, LogConfig } from './config.ts';
import { createConsole } from './console.ts';
import { createCursorCodec } from './cursor.ts';
import type { PartitionId, Position } from './event.ts';
import { coreLimits, transportLimits } from './gateway/limits.ts';
import { listen } from './gateway/listen.ts';
import { loadPersistedDocuments } from './gateway/persisted-documents.ts';
import { loadPolicy } from './gateway/policy.ts';
import { loadGatewaySchema } from './gateway/schema.ts';
import {
  createAccess,
  createGraphqlServer,
  type GraphqlServerDeps,
  httpServerOptions,
  type PersistedOptions,
} from './graphql/index.ts';
import {
  createRevocations,
  createVerifier,
  devSecret,
  type IdentityOptions,
  type Revocations,
  signToken,
} from './identity/index.ts';
import { createKafkaStore } from './kafka/index.ts';
import type { LogStore } from './log/event-log.ts';
import {
  type ControlTopic,
  controlTopic,
  createControlTopic,
  createDeadLetters,
  createEmbeddedStore,
  createRecordCodec,
  deadLetterTopicOf,
  openBlockStore,
} from './log/index.ts';
import type { Policy } from './policy.ts';
import type { NodeTelemetry } from './telemetry/index.ts';
import type { Logger } from './telemetry/logger.ts';
import { scopes, type Viewer } from './viewer.ts';

/**
 * The composition root: joins adapters and core, starts them in order and ends them in the opposite one. What each part does is its
 * room's business; what depends on what is here.
 */

export type GatewayDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: NodeTelemetry;
};

/** Where a gateway that is ready can be reached. */
export type GatewayUrls = {
  readonly graphql: string;
  readonly console: string | null;
  /** Null for a worker: the process that supervises it has the admin port. */
  readonly admin: string | null;
};

export type Gateway = {
  /**
   * Resolves when ready. Waits for the log for ever; resolves with null when `drain` came first.
   * Rejects with CONFIG_INVALID or ALREADY_LOCKED where a person has to change something.
   */
  start(): Promise<GatewayUrls | null>;
  /** Not ready, sockets closed in waves, publishes finished, log closed, telemetry sent; all within `drainMs`. Idempotent. */
  drain(): Promise<void>;
  readiness(): Readiness;
  /** Machines by state. */
  snapshot(): unknown;
};

/** Ends one part; parts end in the opposite order of their start. */
type Ending = () => Promise<void> | void;

const openStore = (config: LogConfig, deps: GatewayDeps): Promise<LogStore> | LogStore => {
  if (config.kind === 'kafka') return createKafkaStore(config.connection, deps);
  return createEmbeddedStore(config, deps);
};

const identityOf = async (config: Config): Promise<IdentityOptions> =>
  config.dev ? { ...config.identity, secret: await devSecret(config.log.dataDir) } : config.identity;

const scopeOf = ({ scope }: Policy): Pick<GraphqlServerDeps, 'scopeOf'> =>
  scope === undefined ? {} : { scopeOf: scope };

const consoleFor = (identity: IdentityOptions, graphqlPath: string) => {
  const access = createAccess({ isDevMode: true, allowedOrigins: [] });
  return createConsole({
    graphqlPath,
    isAllowed: (request) => access.refusal(request.headers) === null,
    token: (user) =>
      signToken(identity.secret ?? '', {
        ...identity,
        user,
        scopes: [scopes.publish, scopes.publishEveryone],
        topics: ['**'],
        expiresInSeconds: 12 * 3_600,
      }),
  });
};

/** About 100 sockets a second are sent away, so that those who come back do not arrive in one instant. */
const drainSpreadMs = (sessions: number, drainMs: number): number => Math.min(sessions * 10, drainMs / 2);

/** What one partition may keep in the data folder. */
const blockSettings = { blockOffsets: defaultCoreOptions.blockOffsets, maxBytes: 67_108_864 };

/** Folder of what this node alone keeps. Workers share the rest of the data folder: the dev secret, the last schema. */
const nodeFolder = ({ log, worker }: Config): string =>
  worker === null ? log.dataDir : join(log.dataDir, `worker-${worker}`);

/** How long a start waits for the control topic. */
const controlPatienceMs = 5_000;

class ComposedGateway implements Gateway {
  readonly #config: Config;
  readonly #deps: GatewayDeps;
  readonly #endings: Ending[] = [];
  #core: Core | null = null;
  #notReady: string | null = 'starting';
  #draining: Promise<void> | null = null;
  #leavePort: () => void = () => {};

  constructor(config: Config, deps: GatewayDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  async start(): Promise<GatewayUrls | null> {
    const config = this.#config;
    const events = loadGatewaySchema(config, this.#deps.logger);
    const policy = await loadPolicy(config.policyFile);
    const persisted = {
      documents: loadPersistedDocuments(config.persistedDocuments.file),
      isAllowList: config.persistedDocuments.isAllowList,
    };
    const identity = await identityOf(config);
    const adminUrl = config.worker === null ? await this.#startAdmin() : null;
    const { core, control, revocations } = await this.#openCore(events, policy);
    const server = this.#createServer(core, {
      schema: events,
      persisted,
      ...scopeOf(policy),
      ...this.#identityWith(identity, revocations),
    });
    this.#notReady = `waiting for the log (${config.log.kind})`;
    await core.start();
    await this.#revocationsRead(control);
    if (this.#draining !== null) return null;
    const url = await this.#listen(server);
    this.#notReady = null;
    return { graphql: url + config.http.path, console: config.dev ? `${url}/` : null, admin: adminUrl };
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  readiness(): Readiness {
    return { notReady: this.#reasonNotReady(), degraded: this.#degraded() };
  }

  snapshot(): unknown {
    return this.#core === null ? {} : { ...this.#core.stats, machines: this.#core.snapshot() };
  }

  async #startAdmin(): Promise<string> {
    const admin = await startAdmin({
      ...this.#config.admin,
      readiness: () => this.readiness(),
      metrics: () => this.#deps.telemetry.metrics(),
      snapshot: () => this.snapshot(),
    });
    this.#endings.push(() => admin.close());
    return admin.url;
  }

  async #listen(server: Server): Promise<string> {
    const { http, worker } = this.#config;
    const isShared = worker !== null;
    const { url, stop } = await listen(server, { ...http, isShared, variable: 'CARILLON_PORT' });
    // Where others have the port too, who drains leaves it to them at once.
    if (isShared) this.#leavePort = stop;
    else this.#endings.push(stop);
    return url;
  }

  async #openCore(
    events: ReturnType<typeof loadGatewaySchema>,
    policy: Policy,
  ): Promise<{ core: Core; control: ControlTopic; revocations: Revocations }> {
    const { log: settings, delivery, events: kinds, limits } = this.#config;
    const { clock, logger, telemetry } = this.#deps;
    const store = await openStore(settings, this.#deps);
    this.#endings.push(() => store.close());
    const log = store.log(settings.topics);
    const fingerprintOf = (partition: PartitionId): string => core.fingerprintOf(partition);
    const letters = createDeadLetters(
      {
        source: log,
        letters: store.log([deadLetterTopicOf(settings.topics[0] ?? '')]),
        schemaDigest: events.digest,
      },
      { clock, logger, telemetry, random: Math.random },
    );
    this.#endings.push(() => letters.close());
    const control = createControlTopic({ log: store.log([controlTopic]) }, { clock, logger });
    this.#endings.push(() => control.close());
    const keepMs = this.#config.identity.revocationKeepMs;
    const revocations = createRevocations({ store: control, clock, logger, keepMs });
    this.#endings.push(() => revocations.close());
    const blockStore = openBlockStore({ dataDir: nodeFolder(this.#config), logger, ...blockSettings });
    this.#endings.push(() => blockStore.close());
    const core = createCore({
      log,
      blockStore,
      ...createRecordCodec({
        content: events.content,
        defaultType: kinds.defaultType,
        clock,
        fingerprintOf,
        maxRecordBytes: limits.EVENT_BYTES,
      }),
      cursors: createCursorCodec({ keys: delivery.cursorKeys }),
      clock,
      telemetry,
      logger,
      options: { ...coreLimits(limits), replayMaxAgeMs: delivery.replayMaxAgeMs },
      policy: createPolicyGuard(policy, this.#deps),
      parkingStore: control,
      hasOtherNodes: settings.kind === 'kafka',
      isRevoked: (viewer) => revocations.isRevoked(viewer),
      deadLetter: (position: Position, reason) => letters.report(position, fingerprintOf(position.partition), reason),
    });
    this.#core = core;
    this.#endings.push(() => core.stop());
    revocations.onRevoked(() => core.closeRevoked());
    return { core, control, revocations };
  }

  #identityWith(
    identity: IdentityOptions,
    revocations: Revocations,
  ): Pick<GraphqlServerDeps, 'verify' | 'revoke'> & { identity: IdentityOptions } {
    const isRevoked = (viewer: Viewer): boolean => revocations.isRevoked(viewer);
    const verifier = createVerifier(identity, { ...this.#deps, isRevoked });
    return { identity, verify: (token) => verifier.verify(token), revoke: (each) => revocations.revoke(each) };
  }

  /** Waits for revocations that were made before, a while. A gateway without its control topic works all the same, and says so. */
  async #revocationsRead(control: ControlTopic): Promise<void> {
    const { clock, logger } = this.#deps;
    const { promise: late, resolve } = Promise.withResolvers<string>();
    const timer = clock.after(controlPatienceMs, () => resolve(`it was not read within ${controlPatienceMs} ms`));
    const read = control.ready.then(
      () => null,
      (cause: Error) => cause.message,
    );
    const error = await Promise.race([read, late]);
    timer.cancel();
    if (error !== null) logger.warn('the control topic cannot be followed: revocations may not be known', { error });
  }

  #createServer(
    core: Core,
    offers: Pick<GraphqlServerDeps, 'schema' | 'scopeOf' | 'verify' | 'revoke'> & {
      identity: IdentityOptions;
      persisted: PersistedOptions;
    },
  ): Server {
    const { dev, http, limits } = this.#config;
    const transport = transportLimits(limits);
    const graphql = createGraphqlServer({
      ...offers,
      sessions: core.sessions,
      publisher: core.publisher,
      ...this.#deps,
      options: {
        isDevMode: dev,
        allowedOrigins: http.allowedOrigins,
        isIntrospectionEnabled: http.introspection,
        isGraphiqlEnabled: http.graphiql,
        isCompressionEnabled: http.compression,
        persisted: offers.persisted,
        path: http.path,
        trustedProxies: http.trustedProxies,
        limits: transport,
      },
    });
    const devConsole = dev ? consoleFor(offers.identity, http.path) : null;
    const server = createServer(httpServerOptions(transport), (request, response) => {
      const isConsole = devConsole !== null && /^\/(?:console\/|\?|$)/.test(request.url ?? '');
      if (isConsole) devConsole(request, response);
      else void graphql.handleRequest(request, response);
    });
    server.on('upgrade', (request, socket, head) => graphql.handleUpgrade(request, socket, head));
    this.#endings.push(async () => {
      await graphql.close();
      server.closeAllConnections();
    });
    return server;
  }

  #reasonNotReady(): string | null {
    if (this.#draining !== null) return 'draining';
    const stalled = this.#config.readyRequiresLog ? this.#degraded() : null;
    return this.#notReady ?? stalled;
  }

  #degraded(): string | null {
    const stalledMs = this.#core?.stats.logStalledMs ?? 0;
    return stalledMs > 0 ? `the log has not answered for ${Math.round(stalledMs / 1000)} s` : null;
  }

  async #drain(): Promise<void> {
    const { drainMs } = this.#config;
    const { clock, logger, telemetry } = this.#deps;
    const deadline = clock.monotonic() + drainMs;
    const work = this.#endAll(drainMs);
    let timer: { cancel(): void } | undefined;
    const expired = new Promise<void>((resolve) => {
      timer = clock.after(drainMs, () => {
        logger.warn('drain deadline passed: what is left is cut', { drainMs });
        resolve();
      });
    });
    await Promise.race([work, expired]);
    timer?.cancel();
    await telemetry.shutdown(Math.max(1_000, Math.min(5_000, deadline - clock.monotonic())));
  }

  /** Sockets and publishes first, then each part in the opposite order of its start; a failure of one does not keep the next. */
  async #endAll(drainMs: number): Promise<void> {
    this.#leavePort();
    const core = this.#core;
    const sessions = core?.stats.sessions ?? 0;
    await core?.drain({ spreadMs: drainSpreadMs(sessions, drainMs), deadlineMs: drainMs * 0.8 });
    for (const end of this.#endings.splice(0).reverse()) {
      try {
        await end();
      } catch (thrown) {
        this.#deps.logger.error('a part did not end cleanly', { error: String(thrown) });
      }
    }
  }
}

/** Creates a gateway; nothing is opened before `start`. */
export const createGateway = (config: Config, deps: GatewayDeps): Gateway => new ComposedGateway(config, deps);
