import type { LimitVariable } from './limits.ts';
import type { Parse } from './parse.ts';

/** What a setting is, and the value that each one has once it is read. The table itself is in `variables.ts`. */

/** Headings of the documentation, in order. */
export const groups = [
  'Ports',
  'Log',
  'Embedded log',
  'Kafka',
  'Identity',
  'Browsers',
  'Documents',
  'Events and delivery',
  'Limits',
  'Operation',
  'Command line',
] as const;

/** One environment variable. */
export type Variable<Value> = {
  readonly group: (typeof groups)[number];
  /** One sentence in Markdown. */
  readonly description: string;
  /** The value's text where the environment has none; null = no value, and `whenUnset` says what that means. */
  readonly default: string | null;
  /** What happens without a value, for documentation. */
  readonly whenUnset?: string;
  readonly example: string;
  /** True: its value never shows in a message. */
  readonly isSecret?: true;
  readonly parse: Parse<Value>;
};

/** The values by name. Null only where the table has no default. */
export type Settings = { readonly [Name in LimitVariable]: number } & {
  readonly CARILLON_PORT: number;
  readonly CARILLON_HOST: string | null;
  readonly CARILLON_ADMIN_PORT: number;
  readonly CARILLON_ADMIN_HOST: string | null;
  readonly CARILLON_LOG: 'embedded' | 'kafka' | null;
  readonly CARILLON_DATA_DIR: string;
  readonly CARILLON_PARTITIONS: number;
  readonly CARILLON_RETENTION_HOURS: number;
  readonly CARILLON_RETENTION_BYTES: number;
  readonly CARILLON_KAFKA_BROKERS: readonly string[] | null;
  readonly CARILLON_KAFKA_TOPICS: readonly string[] | null;
  readonly CARILLON_KAFKA_CLIENT_ID: string | null;
  readonly CARILLON_KAFKA_SSL: boolean | null;
  readonly CARILLON_KAFKA_CA_FILE: string | null;
  readonly CARILLON_KAFKA_CERT_FILE: string | null;
  readonly CARILLON_KAFKA_KEY_FILE: string | null;
  readonly CARILLON_KAFKA_SASL_MECHANISM: 'plain' | 'scram-sha-256' | 'scram-sha-512' | 'oauthbearer' | null;
  readonly CARILLON_KAFKA_SASL_USERNAME: string | null;
  readonly CARILLON_KAFKA_SASL_PASSWORD: string | null;
  readonly CARILLON_KAFKA_SASL_OAUTH_TOKEN_URL: string | null;
  readonly CARILLON_KAFKA_SASL_OAUTH_CLIENT_ID: string | null;
  readonly CARILLON_KAFKA_SASL_OAUTH_CLIENT_SECRET: string | null;
  readonly CARILLON_KAFKA_SASL_OAUTH_SCOPE: string | null;
  readonly CARILLON_KAFKA_DEFAULT_TYPE: string;
  readonly CARILLON_JWT_SECRET: string | null;
  readonly CARILLON_JWKS_URL: string | null;
  readonly CARILLON_JWT_ISSUER: string | null;
  readonly CARILLON_JWT_AUDIENCE: string | null;
  readonly CARILLON_JWT_USER_CLAIM: string;
  readonly CARILLON_JWT_SCOPE_CLAIM: string;
  readonly CARILLON_JWT_TOPICS_CLAIM: string;
  readonly CARILLON_POLICY: string | null;
  readonly CARILLON_REVOCATION_HOURS: number;
  readonly CARILLON_PATH: string;
  readonly CARILLON_TRUSTED_PROXIES: readonly string[] | null;
  readonly CARILLON_ALLOWED_ORIGINS: readonly string[] | null;
  readonly CARILLON_COMPRESSION: boolean;
  readonly CARILLON_GRAPHIQL: boolean | null;
  readonly CARILLON_INTROSPECTION: boolean | null;
  readonly CARILLON_EVENTS_DIR: string | null;
  readonly CARILLON_PERSISTED_DOCUMENTS: string | null;
  readonly CARILLON_ALLOW_LIST: boolean;
  readonly CARILLON_REPLAY_MAX_AGE: number;
  readonly CARILLON_CURSOR_KEYS: readonly string[] | null;
  readonly CARILLON_READY_REQUIRES_LOG: boolean;
  readonly CARILLON_DRAIN_SECONDS: number;
  readonly CARILLON_WORKERS: number;
  readonly CARILLON_LOG_LEVEL: 'info' | 'warn' | 'error' | 'silent';
  readonly CARILLON_LOG_FORMAT: 'json' | 'text' | null;
  readonly CARILLON_URL: string;
  readonly CARILLON_TOKEN: string | null;
};

export type VariableName = keyof Settings;

/** Rows of the table for some of the names. */
export type Rows<Name extends VariableName> = {
  readonly [Each in Name]: Variable<NonNullable<Settings[Each]>>;
};
