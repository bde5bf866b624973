import type { KafkaConfig, SASLOptions } from 'kafkajs';
import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ClientSettings } from './client.ts';
import { createTokenSource, type FetchToken, type OauthClient } from './oauth-token.ts';

/** How to prove who we are. */
export type KafkaSaslOptions =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | ({ readonly mechanism: 'oauthbearer' } & OauthClient);

/** How to reach a cluster. Certificates and keys are PEM texts, not paths; a `ca` of null trusts Node's own list. */
export type KafkaConnectionOptions = {
  /** `host:port` or `[ipv6]:port`. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: null | { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
  readonly sasl: null | KafkaSaslOptions;
};

/** What the room needs from outside. */
export type KafkaDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gets OAuth tokens. @default fetch */
  readonly fetch?: FetchToken;
};

type ConnectionDeps = Pick<KafkaDeps, 'clock' | 'fetch'>;

const sslOf = (ssl: KafkaConnectionOptions['ssl']): NonNullable<KafkaConfig['ssl']> => {
  if (ssl === null) return false;
  return {
    ...(ssl.ca === null ? {} : { ca: [ssl.ca] }),
    ...(ssl.cert === null ? {} : { cert: ssl.cert }),
    ...(ssl.key === null ? {} : { key: ssl.key }),
  };
};

const saslOf = (sasl: KafkaSaslOptions, deps: ConnectionDeps): SASLOptions => {
  if (sasl.mechanism === 'oauthbearer') {
    const { clock, fetch = globalThis.fetch } = deps;
    const token = createTokenSource(sasl, { clock, fetch });
    return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await token() }) };
  }
  const { username, password } = sasl;
  // kafkajs tells the mechanisms apart by a literal type each.
  switch (sasl.mechanism) {
    case 'plain':
      return { mechanism: 'plain', username, password };
    case 'scram-sha-256':
      return { mechanism: 'scram-sha-256', username, password };
    case 'scram-sha-512':
      return { mechanism: 'scram-sha-512', username, password };
  }
};

/** Connection options in kafkajs's shape. All clients made from one result share its OAuth token. */
export const clientSettings = (options: KafkaConnectionOptions, deps: ConnectionDeps): ClientSettings => {
  const { brokers, clientId, sasl } = options;
  return {
    brokers,
    clientId,
    ssl: sslOf(options.ssl),
    ...(sasl === null ? {} : { sasl: saslOf(sasl, deps) }),
  };
};
