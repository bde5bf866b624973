import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { partitionId } from '../../src/event.ts';
import { createKafkaStore, type KafkaConnectionOptions, type KafkaSaslOptions } from '../../src/kafka/index.ts';
import { clientSettings } from '../../src/kafka/options.ts';
import type { LogStore } from '../../src/log/event-log.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { count, positionOf, recordOf } from '../contract/log-records.ts';
import { type KafkaCluster, kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import { kafkaAppender, type TestAppender } from '../support/kafka-appender.ts';
import { collect } from '../support/log-collector.ts';

const lifetimeMs = 3_000;
const cluster = await kafkaForTests({
  security: 'sasl',
  acl: true,
  props: { 'connections.max.reauth.ms': String(lifetimeMs) },
});

/** An unsecured token as the test broker takes it (RFC 7519, 6). */
const unsecuredToken = (subject: string): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + 3_600 })}.`;
};

describe.skipIf(cluster === null)('a broker that demands TLS and SASL', () => {
  const { brokers, caFile, users } = cluster as KafkaCluster;
  const ca = readFileSync(caFile ?? '', 'utf8');
  const trusting = { ca, cert: null, key: null };
  let hands: KafkaHands;
  let topic: string;
  beforeAll(async () => {
    const admin = { mechanism: 'scram-sha-512' as const, username: 'admin', password: users['admin'] ?? '' };
    hands = await kafkaHands(brokers, { ssl: { ca: [ca] }, sasl: admin, reauthenticationThreshold: 500 });
    topic = uniqueTopic('secure');
    await hands.create(topic, 1);
  });
  afterAll(async () => {
    await hands.close();
    await cluster?.stop();
  });

  const tokenServer = async (): Promise<Response> =>
    Response.json({ access_token: unsecuredToken('admin'), expires_in: 3_600 });
  const withPassword = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', username: string): KafkaSaslOptions => {
    return { mechanism, username, password: users[username] ?? 'wrong' };
  };
  const oauth: KafkaSaslOptions = {
    mechanism: 'oauthbearer',
    tokenUrl: 'https://login.test/token',
    clientId: 'carillon',
    clientSecret: 'secret',
    scope: null,
  };
  const connection = (sasl: KafkaSaslOptions | null, ssl: KafkaConnectionOptions['ssl'] = trusting) => ({
    brokers,
    clientId: 'secure',
    ssl,
    sasl,
  });
  const storeAs = (options: KafkaConnectionOptions): LogStore =>
    createKafkaStore(options, { clock: systemClock, logger: silentLogger, fetch: tokenServer });
  const appenderAs = (options: KafkaConnectionOptions, to: string): TestAppender =>
    kafkaAppender({
      brokers,
      topic: to,
      partitions: 1,
      settings: clientSettings(options, { clock: systemClock, fetch: tokenServer }),
    });

  it.each([
    withPassword('plain', 'admin'),
    withPassword('scram-sha-256', 'admin'),
    withPassword('scram-sha-512', 'admin'),
    oauth,
  ])('is written to and read from with $mechanism', async (sasl) => {
    const store = storeAs(connection(sasl));
    const log = store.log([topic]);
    await log.open();
    const [result] = await log.append([recordOf(sasl.mechanism, { partition: 0 })]);
    const { offset } = positionOf(result);
    const feed = collect(log, new Map([[partitionId(topic, 0), { next: offset, epoch: -1 }]]));
    await feed.until(({ records }) => records.length === 1);
    expect(feed.values()).toEqual([sasl.mechanism]);
    await store.close();
  });

  /** What an append in vain says, and how soon. */
  const complaintOf = async (options: KafkaConnectionOptions, to: string = topic): Promise<string> => {
    const appender = appenderAs(options, to);
    const startedAt = performance.now();
    const [result] = await appender.append([recordOf('never', { partition: 0 })]);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    await appender.close();
    expect(result).toMatchObject({ ok: false, error: { code: 'LOG_UNAVAILABLE', outcome: 'not_written' } });
    return result?.ok === false ? result.error.message : '';
  };

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'refuses a wrong password, and an append says so: %s',
    async (mechanism) => {
      const sasl = { mechanism, username: 'admin', password: 'wrong' };
      expect(await complaintOf(connection(sasl))).toBe(
        'kafka does not accept our credentials: check the CARILLON_KAFKA_SASL_ variables',
      );
    },
  );

  it('needs a token: an append says what the token server did', async () => {
    const fetch = async (): Promise<Response> => new Response(null, { status: 401 });
    const settings = clientSettings(connection(oauth), { clock: systemClock, fetch });
    const appender = kafkaAppender({ brokers, topic, partitions: 1, settings });
    const complaint = async (): Promise<string> => {
      const [result] = await appender.append([recordOf('never', { partition: 0 })]);
      expect(result).toMatchObject({ ok: false, error: { code: 'LOG_UNAVAILABLE', outcome: 'not_written' } });
      return result?.ok === false ? result.error.message : '';
    };
    // The first append may be over before a machine that is busy has come so far as to ask for a token.
    await expect.poll(complaint, { timeout: 25_000 }).toContain('refuses the client credentials (HTTP 401)');
    await appender.close();
  });

  it('has a certificate of an unknown authority, and an append says what to set', async () => {
    const ssl = { ca: null, cert: null, key: null };
    expect(await complaintOf(connection(withPassword('plain', 'admin'), ssl))).toMatch(
      /^kafka's certificate is not trusted \([A-Z_]+\): set CARILLON_KAFKA_CA_FILE$/,
    );
  });

  it('refuses writing without the right, and an append names topic and cure; with WRITE alone it goes', async () => {
    const own = uniqueTopic('rights');
    await hands.create(own, 1);
    const options = connection(withPassword('scram-sha-512', 'gateway'));
    const grant = (operation: number) =>
      hands.admin.createAcls({
        acl: [
          {
            resourceType: 2,
            resourceName: own,
            resourcePatternType: 3,
            principal: 'User:gateway',
            host: '*',
            operation,
            permissionType: 3,
          },
        ],
      });
    expect(await complaintOf(options, own)).toContain(`kafka forbids writing to topic ${own}: grant WRITE`);
    await grant(3);
    expect(await complaintOf(options, own)).toContain('grant WRITE');
    await grant(4);
    const appender = appenderAs(options, own);
    positionOf((await appender.append([recordOf('allowed', { partition: 0 })]))[0]);
    await appender.close();
  });

  it('ends sessions after 3 s, and appends go on past several lifetimes without loss (C108)', async () => {
    const own = uniqueTopic('reauth');
    await hands.create(own, 1);
    const store = storeAs(connection(withPassword('scram-sha-512', 'admin')));
    const log = store.log([own]);
    await log.open();
    const feed = collect(log, new Map([[partitionId(own, 0), { next: 0n, epoch: -1 }]]));
    const results = [];
    for (const until = performance.now() + 3.5 * lifetimeMs; performance.now() < until; await delay(10)) {
      results.push(log.append([recordOf(`${results.length}`, { partition: 0 })]));
    }
    for (const [result] of await Promise.all(results)) positionOf(result);
    await feed.until(({ records }) => records.length === results.length);
    expect(feed.values()).toEqual(count(0, results.length));
    await store.close();
  });
});
