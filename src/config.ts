import { type KafkaConnectionConfig, kafkaConnection, type RuleContext } from './config/kafka-config.ts';
import { type LimitName, limitNames } from './config/limits.ts';
import { isLoopback } from './config/parse.ts';
import { type Environment, readSettings, unknownNames } from './config/read-settings.ts';
import type { Settings } from './config/settings.ts';
import { variableNames } from './config/variables.ts';

/**
 * The configuration: environment in, one typed value or every problem at once out. Opens nothing but the certificate files
 * that it is told of.
 */

export type { KafkaConnectionConfig } from './config/kafka-config.ts';
export { nearest as nearestName } from './config/nearest.ts';
export { duration as parseDuration } from './config/parse.ts';
export { type Environment, readSettings } from './config/read-settings.ts';
export type { Settings } from './config/settings.ts';

/** Every limit that a deployer may move: sizes in bytes, durations in milliseconds. The table of them is `config/limits.ts`. */
export type Limits = { readonly [Name in LimitName]: number };

/** Where events are kept. */
export type LogConfig =
  | {
      readonly kind: 'embedded';
      readonly topics: readonly string[];
      readonly dataDir: string;
      readonly partitionCount: number;
      readonly retentionMs: number;
      readonly retentionBytes: number;
    }
  | {
      readonly kind: 'kafka';
      /** The first is the one that mutations write to. */
      readonly topics: readonly string[];
      readonly dataDir: string;
      readonly connection: KafkaConnectionConfig;
    };

/** How tokens are verified; both null in dev mode, where the secret is in the data folder. */
export type IdentityConfig = {
  readonly secret: string | null;
  readonly jwksUrl: string | null;
  readonly issuer: string | null;
  readonly audience: string | null;
  readonly userClaim: string;
  readonly scopeClaim: string;
  readonly topicsClaim: string;
  readonly revocationKeepMs: number;
};

export type Config = {
  /** No authentication is configured: loopback only, console, dev secret. */
  readonly dev: boolean;
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Of GraphQL, without a slash at its end. */
    readonly path: string;
    /** Addresses and networks whose `X-Forwarded-For` is believed. */
    readonly trustedProxies: readonly string[];
    /** Exact origins; in dev mode loopback origins are allowed besides. */
    readonly allowedOrigins: readonly string[];
    /** permessage-deflate for those who offer it. */
    readonly compression: boolean;
    readonly graphiql: boolean;
    readonly introspection: boolean;
  };
  readonly admin: { readonly host: string; readonly port: number };
  readonly log: LogConfig;
  readonly events: {
    /** Null: the examples that come with the installation. */
    readonly dir: string | null;
    readonly defaultType: string;
  };
  readonly identity: IdentityConfig;
  /** Path of the policy module; null: none. */
  readonly policyFile: string | null;
  readonly persistedDocuments: {
    /** Path of a JSON file; null: none. */
    readonly file: string | null;
    /** No other document runs. */
    readonly isAllowList: boolean;
  };
  readonly delivery: {
    readonly replayMaxAgeMs: number;
    /** Base64 of 32 bytes each; the first seals. Empty: cursors are checksummed only. */
    readonly cursorKeys: readonly string[];
  };
  readonly logging: { readonly level: 'info' | 'warn' | 'error' | 'silent'; readonly format: 'json' | 'text' };
  /** The standard `OTEL_*` variables, as they came. */
  readonly otel: Readonly<Record<string, string>>;
  readonly readyRequiresLog: boolean;
  readonly drainMs: number;
  /** How many processes share the port. 1: the one that was started serves by itself. */
  readonly workers: number;
  /** Which of them this process is, from 0; null where there is one, and in the one that supervises them. */
  readonly worker: number | null;
  readonly limits: Limits;
};

/** What came of reading: a configuration without any problem, or all problems, each a sentence for the person who set it. */
export type ConfigOutcome =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] };

type Reading = RuleContext & {
  readonly settings: Settings;
  /** Names that the environment sets, whether or not the values parse. */
  readonly given: ReadonlySet<string>;
};

const claimRules = ['CARILLON_JWT_ISSUER', 'CARILLON_JWT_AUDIENCE', 'CARILLON_ALLOWED_ORIGINS'] as const;

/** A variable that got lost must not turn a production gateway into one that anybody may use. */
const isDevMode = ({ given, problems }: Reading): boolean => {
  if (given.has('CARILLON_JWT_SECRET') || given.has('CARILLON_JWKS_URL')) return false;
  for (const name of claimRules.filter((each) => given.has(each)))
    problems.push(`${name} is set but there is no authentication: set CARILLON_JWT_SECRET or CARILLON_JWKS_URL`);
  return true;
};

const readHost = (name: 'CARILLON_HOST' | 'CARILLON_ADMIN_HOST', dev: boolean, reading: Reading): string => {
  const host = reading.settings[name];
  if (!dev) return host ?? '::';
  if (host !== null && !isLoopback(host))
    reading.problems.push(
      `${name} is ${host} but dev mode listens on loopback only: set CARILLON_JWT_SECRET or CARILLON_JWKS_URL, or remove it`,
    );
  return host ?? '127.0.0.1';
};

const neededByKafka = (name: string): boolean =>
  name.startsWith('CARILLON_KAFKA_') && name !== 'CARILLON_KAFKA_DEFAULT_TYPE';

/** Which log to use. A lost variable must not turn one node of a cluster into an island: hence the two rules. */
const logKind = (dev: boolean, { settings, given, problems }: Reading): 'embedded' | 'kafka' => {
  const hasBrokers = given.has('CARILLON_KAFKA_BROKERS');
  const said = settings.CARILLON_LOG;
  if (said === 'kafka' && !hasBrokers)
    problems.push('CARILLON_KAFKA_BROKERS is not set but CARILLON_LOG is kafka: set host:port[,host:port]');
  if (said !== null || given.has('CARILLON_LOG')) return said ?? 'embedded';
  if (!dev) problems.push('CARILLON_LOG is not set: with authentication it must be said; set embedded or kafka');
  const orphan = hasBrokers ? undefined : [...given].find(neededByKafka);
  if (orphan !== undefined)
    problems.push(`${orphan} is set but CARILLON_KAFKA_BROKERS is not: set it, or CARILLON_LOG=embedded`);
  return hasBrokers ? 'kafka' : 'embedded';
};

const defaultTopic = 'notifications';
const controlTopic = 'carillon.control';

const kafkaTopics = ({ settings, problems }: Reading): readonly string[] => {
  const topics = settings.CARILLON_KAFKA_TOPICS ?? [defaultTopic];
  for (const reserved of [controlTopic, `${topics[0]}.dlq`].filter((name) => topics.includes(name)))
    problems.push(`CARILLON_KAFKA_TOPICS names ${reserved}, which Carillon keeps for itself: remove it`);
  return topics;
};

const readLog = (dev: boolean, reading: Reading): LogConfig => {
  const { settings } = reading;
  const dataDir = settings.CARILLON_DATA_DIR;
  if (logKind(dev, reading) === 'kafka')
    return {
      kind: 'kafka',
      topics: kafkaTopics(reading),
      dataDir,
      connection: kafkaConnection(settings, reading.given, reading),
    };
  return {
    kind: 'embedded',
    topics: [defaultTopic],
    dataDir,
    partitionCount: settings.CARILLON_PARTITIONS,
    retentionMs: settings.CARILLON_RETENTION_HOURS * 3_600_000,
    retentionBytes: settings.CARILLON_RETENTION_BYTES,
  };
};

const readIdentity = (settings: Settings): IdentityConfig => ({
  secret: settings.CARILLON_JWT_SECRET,
  jwksUrl: settings.CARILLON_JWKS_URL,
  issuer: settings.CARILLON_JWT_ISSUER,
  audience: settings.CARILLON_JWT_AUDIENCE,
  userClaim: settings.CARILLON_JWT_USER_CLAIM,
  scopeClaim: settings.CARILLON_JWT_SCOPE_CLAIM,
  topicsClaim: settings.CARILLON_JWT_TOPICS_CLAIM,
  revocationKeepMs: settings.CARILLON_REVOCATION_HOURS * 3_600_000,
});

const readHttp = (dev: boolean, reading: Reading): Config['http'] => ({
  host: readHost('CARILLON_HOST', dev, reading),
  port: reading.settings.CARILLON_PORT,
  path: reading.settings.CARILLON_PATH,
  trustedProxies: reading.settings.CARILLON_TRUSTED_PROXIES ?? [],
  allowedOrigins: reading.settings.CARILLON_ALLOWED_ORIGINS ?? [],
  compression: reading.settings.CARILLON_COMPRESSION,
  graphiql: reading.settings.CARILLON_GRAPHIQL ?? dev,
  introspection: reading.settings.CARILLON_INTROSPECTION ?? dev,
});

const readLimits = (settings: Settings): Limits =>
  Object.fromEntries(limitNames.map((name) => [name, settings[`CARILLON_LIMIT_${name}`]])) as Limits;

const otelVariables = (env: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[0].startsWith('OTEL_') && entry[1] !== ''),
  );

/** Two listeners on one port: the second would fail at start with a message about the wrong thing. */
const judgePorts = ({ settings, problems }: Reading): void => {
  const { CARILLON_PORT: port, CARILLON_ADMIN_PORT: adminPort } = settings;
  if (port !== null && port === adminPort && port !== 0)
    problems.push(`CARILLON_ADMIN_PORT is ${port}, as CARILLON_PORT is: set another`);
};

/** The embedded log's folder belongs to one process: several would be several logs, or one that serves and others that do not start. */
const judgeWorkers = (kind: LogConfig['kind'], { settings, problems }: Reading): void => {
  const { CARILLON_WORKERS: workers } = settings;
  if (workers > 1 && kind === 'embedded')
    problems.push(
      `CARILLON_WORKERS is ${workers} but the log is embedded, and one process owns its folder: set 1, or CARILLON_LOG=kafka`,
    );
};

/** A list of nothing would allow nothing: the file got lost. */
const readPersisted = ({ settings, problems }: Reading): Config['persistedDocuments'] => {
  const { CARILLON_PERSISTED_DOCUMENTS: file, CARILLON_ALLOW_LIST: isAllowList } = settings;
  if (isAllowList && file === null)
    problems.push('CARILLON_ALLOW_LIST is true but no documents are listed: set CARILLON_PERSISTED_DOCUMENTS');
  return { file, isAllowList };
};

const build = (env: Environment, reading: Reading): Config => {
  const { settings } = reading;
  const dev = isDevMode(reading);
  judgePorts(reading);
  const log = readLog(dev, reading);
  judgeWorkers(log.kind, reading);
  return {
    dev,
    http: readHttp(dev, reading),
    admin: { host: readHost('CARILLON_ADMIN_HOST', dev, reading), port: settings.CARILLON_ADMIN_PORT },
    log,
    events: { dir: settings.CARILLON_EVENTS_DIR, defaultType: settings.CARILLON_KAFKA_DEFAULT_TYPE },
    identity: readIdentity(settings),
    policyFile: settings.CARILLON_POLICY,
    persistedDocuments: readPersisted(reading),
    delivery: {
      replayMaxAgeMs: settings.CARILLON_REPLAY_MAX_AGE,
      cursorKeys: settings.CARILLON_CURSOR_KEYS ?? [],
    },
    logging: {
      level: settings.CARILLON_LOG_LEVEL,
      format: settings.CARILLON_LOG_FORMAT ?? (dev ? 'text' : 'json'),
    },
    otel: otelVariables(env),
    readyRequiresLog: settings.CARILLON_READY_REQUIRES_LOG,
    drainMs: settings.CARILLON_DRAIN_SECONDS * 1_000,
    workers: settings.CARILLON_WORKERS,
    worker: null,
    limits: readLimits(settings),
  };
};

/**
 * Reads the configuration.
 * @param env the environment; only `CARILLON_*` and `OTEL_*` are looked at
 * @param readFile returns the text of a file, or throws with the reason
 */
export const readConfig = (env: Environment, readFile: (path: string) => string): ConfigOutcome => {
  const { settings, problems } = readSettings(env);
  problems.unshift(...unknownNames(env));
  const given = new Set(variableNames.filter((name) => env[name] !== undefined));
  const config = build(env, { settings, given, problems, readFile });
  return problems.length === 0 ? { ok: true, config } : { ok: false, problems };
};

/** The problems as one text for stderr. */
export const describeProblems = (problems: readonly string[]): string =>
  [`carillon: ${problems.length} problem${problems.length === 1 ? '' : 's'} in the configuration`]
    .concat(problems.map((problem) => `  - ${problem}`))
    .join('\n');
