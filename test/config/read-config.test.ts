import { describe, expect, it } from 'vitest';
import { type Config, type Environment, readConfig } from '../../src/config.ts';

const secret = 'a-secret-of-forty-bytes-is-long-enough-0';
const pem = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n';
const files: Readonly<Record<string, string>> = {
  '/ca.pem': pem,
  '/client.pem': pem,
  '/client.key': pem,
  '/ca.der': '0',
};

const readFile = (path: string): string => {
  const text = files[path];
  if (text === undefined) throw new Error('ENOENT: no such file');
  return text;
};

const configOf = (env: Environment): Config => {
  const outcome = readConfig(env, readFile);
  if (!outcome.ok) throw new Error(outcome.problems.join('\n'));
  return outcome.config;
};

const problemsOf = (env: Environment): readonly string[] => {
  const outcome = readConfig(env, readFile);
  return outcome.ok ? [] : outcome.problems;
};

const production: Environment = { CARILLON_JWT_SECRET: secret, CARILLON_LOG: 'embedded' };
const kafka: Environment = { CARILLON_KAFKA_BROKERS: 'a:9092' };

describe('readConfig', () => {
  it('gives dev mode on loopback with the embedded log when nothing is set', () => {
    const config = configOf({});
    expect(config.dev).toBe(true);
    expect(config.http).toEqual({
      host: '127.0.0.1',
      port: 4000,
      path: '/graphql',
      trustedProxies: [],
      allowedOrigins: [],
      compression: false,
      graphiql: true,
      introspection: true,
    });
    expect(config.admin).toEqual({ host: '127.0.0.1', port: 4001 });
    expect(config.log).toEqual({
      kind: 'embedded',
      topics: ['notifications'],
      dataDir: 'data',
      partitionCount: 12,
      retentionMs: 168 * 3_600_000,
      retentionBytes: 10 * 2 ** 30,
    });
    expect(config.delivery).toEqual({ replayMaxAgeMs: 86_400_000, cursorKeys: [] });
    expect(config.logging).toEqual({ level: 'info', format: 'text' });
    expect(config.drainMs).toBe(25_000);
  });

  it('listens on every address, without GraphiQL and introspection, once authentication is configured', () => {
    const config = configOf(production);
    expect(config.dev).toBe(false);
    expect(config.http).toMatchObject({ host: '::', graphiql: false, introspection: false });
    expect(config.admin.host).toBe('::');
    expect(config.logging.format).toBe('json');
  });

  it('reports every problem at once', () => {
    const problems = problemsOf({
      CARILLON_PORT: 'http',
      CARILLON_JWT_SECRET: 'short',
      CARILLON_REPLAY_MAX_AGE: '1 day',
      CARILLON_KAFKA_BROKRES: 'a:1',
    });
    expect(problems).toEqual([
      'CARILLON_KAFKA_BROKRES is not a setting: did you mean CARILLON_KAFKA_BROKERS?',
      'CARILLON_PORT is http: set a port from 0 (any free one) to 65535',
      'CARILLON_JWT_SECRET: has 5 bytes, set at least 32 (try: openssl rand -base64 48)',
      'CARILLON_REPLAY_MAX_AGE is 1 day: set a duration such as 30s, 15m, 24h or 7d',
      expect.stringContaining('CARILLON_LOG is not set'),
    ]);
  });

  it('never shows the value of a secret', () => {
    const given = {
      CARILLON_JWT_SECRET: `${secret}\n`,
      CARILLON_CURSOR_KEYS: 'c2VjcmV0',
      CARILLON_TOKEN: ' tok-value ',
    };
    const text = problemsOf({ ...given, CARILLON_LOG: 'embedded' }).join('\n');
    expect(text).toContain('line break');
    for (const value of Object.values(given)) expect(text).not.toContain(value.trim());
  });

  it('takes no empty value for an unset one', () => {
    expect(problemsOf({ CARILLON_JWT_SECRET: '' })).toContainEqual(
      expect.stringContaining('CARILLON_JWT_SECRET is empty'),
    );
  });

  it('lets the variables of tests and of service links pass', () => {
    const links = { CARILLON_SERVICE_HOST: '10.0.0.1', CARILLON_PORT_4000_TCP_ADDR: '10.0.0.1' };
    expect(problemsOf({ ...links, CARILLON_TEST_KAFKA: 'a:1', CARILLON_REQUIRE_KAFKA: '1' })).toEqual([]);
  });

  it('explains a port that Kubernetes made from a service link', () => {
    expect(problemsOf({ CARILLON_PORT: 'tcp://10.0.0.1:4000' })[0]).toContain('enableServiceLinks: false');
  });

  it('passes the OTEL variables through', () => {
    expect(configOf({ OTEL_TRACES_EXPORTER: 'none', HOME: '/root' }).otel).toEqual({ OTEL_TRACES_EXPORTER: 'none' });
  });
});

describe('rules of dev mode', () => {
  it.each(['0.0.0.0', '::', '192.168.1.5', 'example.com'])('refuses to listen on %s', (host) => {
    expect(problemsOf({ CARILLON_HOST: host })).toEqual([expect.stringContaining('loopback only')]);
    expect(problemsOf({ CARILLON_ADMIN_HOST: host })).toEqual([expect.stringContaining('loopback only')]);
  });

  it.each(['localhost', '127.0.0.1', '::1'])('listens on %s', (host) => {
    expect(configOf({ CARILLON_HOST: host }).http.host).toBe(host);
  });

  it.each([
    ['CARILLON_JWT_ISSUER', 'https://issuer'],
    ['CARILLON_JWT_AUDIENCE', 'carillon'],
    ['CARILLON_ALLOWED_ORIGINS', 'https://app.example.com'],
  ])('is not entered by losing the secret beside %s', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(`${name} is set but there is no auth`)]);
  });
});

describe('choice of the log', () => {
  it('is kafka where brokers are set, with the topic notifications', () => {
    expect(configOf(kafka).log).toEqual({
      kind: 'kafka',
      topics: ['notifications'],
      dataDir: 'data',
      connection: { brokers: ['a:9092'], clientId: 'carillon', ssl: null, sasl: null },
    });
  });

  it('must be said once authentication is configured', () => {
    expect(problemsOf({ CARILLON_JWT_SECRET: secret })).toEqual([expect.stringContaining('CARILLON_LOG is not set')]);
    expect(problemsOf({ CARILLON_JWT_SECRET: secret, ...kafka })).toHaveLength(1);
    expect(configOf({ ...production, ...kafka }).log.kind).toBe('embedded');
  });

  it('refuses kafka without brokers, and kafka settings without either', () => {
    expect(problemsOf({ CARILLON_LOG: 'kafka' })).toEqual([
      expect.stringContaining('CARILLON_KAFKA_BROKERS is not set'),
    ]);
    expect(problemsOf({ CARILLON_KAFKA_TOPICS: 'orders' })).toEqual([
      'CARILLON_KAFKA_TOPICS is set but CARILLON_KAFKA_BROKERS is not: set it, or CARILLON_LOG=embedded',
    ]);
  });

  it.each(['carillon.control', 'orders,orders.dlq', 'a,,b', 'a,a', 'bad topic', '..'])(
    'refuses topics %s',
    (topics) => {
      expect(problemsOf({ ...kafka, CARILLON_KAFKA_TOPICS: topics })).toHaveLength(1);
    },
  );

  it.each(['kafka', 'kafka:99999', 'http://kafka:9092', 'a:1,,b:2', ','])('refuses brokers %s', (brokers) => {
    expect(problemsOf({ CARILLON_KAFKA_BROKERS: brokers })).toHaveLength(1);
  });
});

describe('workers', () => {
  it('are one where nothing is said, and this process is none of several', () => {
    expect(configOf({})).toMatchObject({ workers: 1, worker: null });
    expect(configOf({ ...kafka, CARILLON_WORKERS: '4' })).toMatchObject({ workers: 4, worker: null });
  });

  it('need Kafka: one process owns the folder of the embedded log', () => {
    expect(problemsOf({ ...production, CARILLON_WORKERS: '2' })).toEqual([
      'CARILLON_WORKERS is 2 but the log is embedded, and one process owns its folder: set 1, or CARILLON_LOG=kafka',
    ]);
    expect(configOf({ ...production, CARILLON_WORKERS: '1' }).workers).toBe(1);
  });
});

describe('security of the Kafka connection', () => {
  const plain = {
    ...kafka,
    CARILLON_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    CARILLON_KAFKA_SASL_USERNAME: 'u',
    CARILLON_KAFKA_SASL_PASSWORD: 'p',
  };
  const connection = (env: Environment): unknown => {
    const { log } = configOf(env);
    return log.kind === 'kafka' ? log.connection : null;
  };

  it('reads certificate files and then uses TLS', () => {
    const env = {
      ...kafka,
      CARILLON_KAFKA_CA_FILE: '/ca.pem',
      CARILLON_KAFKA_CERT_FILE: '/client.pem',
      CARILLON_KAFKA_KEY_FILE: '/client.key',
    };
    expect(connection(env)).toMatchObject({ ssl: { ca: pem, cert: pem, key: pem }, sasl: null });
    expect(problemsOf({ ...env, CARILLON_KAFKA_SSL: 'false' })).toHaveLength(1);
  });

  it('names a file that cannot be read or holds no PEM text', () => {
    expect(problemsOf({ ...kafka, CARILLON_KAFKA_CA_FILE: '/none' })[0]).toContain('ENOENT');
    expect(problemsOf({ ...kafka, CARILLON_KAFKA_CA_FILE: '/ca.der' })[0]).toContain('no PEM');
    expect(problemsOf({ ...kafka, CARILLON_KAFKA_CERT_FILE: '/client.pem' })[0]).toContain('belong together');
  });

  it('sends credentials in the clear only where that is said', () => {
    expect(problemsOf(plain)).toEqual([expect.stringContaining('CARILLON_KAFKA_SSL is not set but SASL is')]);
    expect(connection({ ...plain, CARILLON_KAFKA_SSL: 'false' })).toMatchObject({ ssl: null });
    expect(connection({ ...plain, CARILLON_KAFKA_SSL: 'true' })).toMatchObject({
      ssl: { ca: null, cert: null, key: null },
      sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' },
    });
  });

  it('asks for what the mechanism needs and refuses what it does not use', () => {
    const tls = { ...kafka, CARILLON_KAFKA_SSL: 'true' };
    expect(problemsOf({ ...tls, CARILLON_KAFKA_SASL_MECHANISM: 'plain' })).toHaveLength(2);
    expect(problemsOf({ ...tls, CARILLON_KAFKA_SASL_MECHANISM: 'oauthbearer' })).toHaveLength(3);
    expect(problemsOf({ ...tls, CARILLON_KAFKA_SASL_PASSWORD: 'p' })).toEqual([
      'CARILLON_KAFKA_SASL_PASSWORD is set but CARILLON_KAFKA_SASL_MECHANISM is not: remove it or change that',
    ]);
    expect(problemsOf({ ...tls, CARILLON_KAFKA_SASL_MECHANISM: 'gssapi' })).toHaveLength(1);
  });
});

describe('single settings', () => {
  it.each([
    ['CARILLON_JWKS_URL', 'http://login.example.com/keys'],
    ['CARILLON_JWKS_URL', 'https://user:pass@login.example.com/keys'],
    ['CARILLON_JWKS_URL', 'login'],
    ['CARILLON_ALLOWED_ORIGINS', '*'],
    ['CARILLON_ALLOWED_ORIGINS', 'https://app.example.com/'],
    ['CARILLON_ALLOWED_ORIGINS', 'https://app.example.com:443'],
    ['CARILLON_ALLOWED_ORIGINS', 'app.example.com'],
    ['CARILLON_CURSOR_KEYS', 'dG9vIHNob3J0'],
    ['CARILLON_RETENTION_HOURS', '0'],
    ['CARILLON_RETENTION_BYTES', '10'],
    ['CARILLON_RETENTION_BYTES', '10GB'],
    ['CARILLON_PARTITIONS', '0'],
    ['CARILLON_DRAIN_SECONDS', '-1'],
    ['CARILLON_WORKERS', '0'],
    ['CARILLON_WORKERS', '129'],
    ['CARILLON_WORKERS', 'auto'],
    ['CARILLON_GRAPHIQL', 'yes'],
    ['CARILLON_LOG_LEVEL', 'debug'],
    ['CARILLON_ADMIN_PORT', '4000'],
    ['CARILLON_PORT', '70000'],
  ])('%s refuses %s', (name, value) => {
    expect(problemsOf({ ...production, [name]: value })).toEqual([expect.stringContaining(name)]);
  });

  it.each([
    ['CARILLON_JWKS_URL', 'http://127.0.0.1:9/keys'],
    ['CARILLON_JWKS_URL', 'https://login.example.com/keys'],
    ['CARILLON_ALLOWED_ORIGINS', 'https://app.example.com, http://localhost:5173'],
    ['CARILLON_RETENTION_HOURS', '0.5'],
    ['CARILLON_RETENTION_BYTES', '1048576'],
    ['CARILLON_ADMIN_PORT', '0'],
  ])('%s takes %s', (name, value) => {
    expect(problemsOf({ ...production, [name]: value })).toEqual([]);
  });

  it('reads several cursor keys in order', () => {
    const keys = [Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(32, 2).toString('base64url')];
    expect(configOf({ CARILLON_CURSOR_KEYS: keys.join(', ') }).delivery.cursorKeys).toEqual(keys);
  });
});
