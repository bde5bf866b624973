import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../dev/kafka/ports.ts';
import { systemClock } from '../../src/clock.ts';
import {
  applyTopics,
  createKafkaStore,
  type Finding,
  type KafkaConnectionOptions,
  planTopics,
  runDoctor,
} from '../../src/kafka/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { positionOf, recordOf } from '../contract/log-records.ts';
import { type KafkaCluster, kafkaForTests } from '../support/kafka.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';

const cluster = await kafkaForTests({ security: 'sasl', acl: true });
const plain = await kafkaForTests();
const deps = { clock: systemClock, logger: silentLogger };
const topics = ['notifications', 'orders'];

describe.skipIf(cluster === null)('topics and rights of a locked-down cluster', () => {
  const { brokers, caFile, users } = cluster as KafkaCluster;
  const ca = readFileSync(caFile ?? '', 'utf8');
  const as = (username: string): KafkaConnectionOptions => ({
    brokers,
    clientId: 'operator',
    ssl: { ca, cert: null, key: null },
    sasl: { mechanism: 'scram-sha-512', username, password: users[username] ?? 'wrong' },
  });
  let hands: KafkaHands;
  beforeAll(async () => {
    const sasl = { mechanism: 'scram-sha-512' as const, username: 'admin', password: users['admin'] ?? '' };
    hands = await kafkaHands(brokers, { ssl: { ca: [ca] }, sasl });
  });
  afterAll(async () => {
    await hands.close();
    await cluster?.stop();
    await plain?.stop();
  });

  const doctor = async (username: string): Promise<readonly Finding[]> => runDoctor(as(username), topics, deps);
  const messages = (findings: readonly Finding[], level: Finding['level']): string[] =>
    findings.filter((finding) => finding.level === level).map(({ subject, message }) => `${subject}: ${message}`);
  /** Gives the rights that one printed line names. */
  const obey = async (line: string): Promise<void> => {
    const codes: Readonly<Record<string, number>> = { Read: 3, Write: 4, Describe: 8, DescribeConfigs: 10 };
    const resourceName = / --topic (\S+)$/.exec(line)?.[1] ?? '';
    const principal = / --allow-principal (\S+)/.exec(line)?.[1] ?? '';
    const operations = [...line.matchAll(/ --operation (\w+)/g)].map(([, name]) => codes[name ?? ''] ?? 0);
    const allowed = { resourceType: 2, resourceName, resourcePatternType: 3, principal, host: '*', permissionType: 3 };
    await hands.admin.createAcls({ acl: operations.map((operation) => ({ ...allowed, operation })) });
  };

  it('are planned: everything is missing, nothing is made', async () => {
    const plan = await planTopics(as('admin'), { topics, partitionCount: 3, retentionMs: 3_600_000 }, deps);
    expect(plan.missing.map(({ name, partitionCount }) => `${name} ${partitionCount}`)).toEqual([
      'notifications 3',
      'orders 3',
      'notifications.dlq 1',
      'carillon.control 1',
    ]);
    expect(plan.missing[0]).toMatchObject({ replicationFactor: 1, config: { 'retention.ms': '3600000' } });
    expect(plan.missing[3]?.config['cleanup.policy']).toBe('compact');
    expect(await hands.admin.listTopics()).toEqual([]);
    expect(messages(await doctor('admin'), 'error')).toContain('topic notifications: does not exist');
  });

  it('may not be made by somebody without the right, who is told what to do', async () => {
    const refused = applyTopics(as('gateway'), { topics }, deps);
    await expect(refused).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(refused).rejects.toThrow(
      'kafka forbids creating topic notifications: run this as a user with CREATE on the cluster',
    );
  });

  it('are made by apply, once, also where two run at the same time', async () => {
    const wishes = { topics, partitionCount: 3 };
    await Promise.all([applyTopics(as('admin'), wishes, deps), applyTopics(as('admin'), wishes, deps)]);
    expect((await hands.admin.listTopics()).toSorted()).toEqual([
      'carillon.control',
      'notifications',
      'notifications.dlq',
      'orders',
    ]);
    const again = await applyTopics(as('admin'), wishes, deps);
    expect(again).toMatchObject({ missing: [], differences: [] });
  });

  it('are left as they are where they differ, and the plan says how', async () => {
    const plan = await applyTopics(as('admin'), { topics, partitionCount: 2, retentionMs: 1_000 }, deps);
    expect(plan.differences).toContainEqual({ topic: 'notifications', setting: 'partitions', is: '3', planned: '2' });
    expect(plan.differences).toContainEqual(
      expect.objectContaining({ topic: 'orders', setting: 'retention.ms', planned: '1000' }),
    );
    const after = await planTopics(as('admin'), { topics, partitionCount: 3 }, deps);
    expect(after.differences).toEqual([]);
  });

  it('need rights that the plan prints; the doctor names each that is lacking, and none once they are given', async () => {
    expect(messages(await doctor('gateway'), 'error')).toEqual(
      ['notifications', 'orders', 'notifications.dlq', 'carillon.control'].map(
        (name) => `topic ${name}: we may not see it`,
      ),
    );
    const { acls } = await planTopics(as('admin'), { topics, partitionCount: 3, principal: 'User:gateway' }, deps);
    expect(acls).toHaveLength(4);
    for (const line of acls) await obey(line.replace(' --operation Write', ''));
    expect(messages(await doctor('gateway'), 'error')).toEqual(
      expect.arrayContaining(['topic notifications: we may not Write', 'topic carillon.control: we may not Write']),
    );
    for (const line of acls) await obey(line);
    expect(messages(await doctor('gateway'), 'error')).toEqual([]);

    const store = createKafkaStore(as('gateway'), deps);
    const log = store.log(topics);
    await log.open();
    positionOf((await log.append([recordOf('allowed', { key: 'a' })]))[0]);
    expect([...(await log.offsets()).values()].reduce((sum, { end }) => sum + end, 0n)).toBe(1n);
    await store.close();
  });

  it('the doctor also tells of stalls, of too few copies, and of records from the future', async () => {
    const findings = await doctor('admin');
    expect(messages(findings, 'info')).toContainEqual(expect.stringContaining('2000 ms (broker.session.timeout.ms)'));
    expect(messages(findings, 'warning')).toContain('topic notifications: each record is on 1 broker');
    expect(messages(findings, 'ok')).toContain('topic orders: exists, with 3 partitions');
    const store = createKafkaStore(as('admin'), deps);
    const log = store.log(topics);
    await log.open();
    positionOf((await log.append([{ ...recordOf('later', { partition: 1 }), timestampMs: Date.now() + 300_000 }]))[0]);
    await store.close();
    expect(messages(await doctor('admin'), 'warning')).toContainEqual(
      expect.stringContaining('topic notifications: partitions 1 hold records dated over a minute ahead'),
    );
  });

  it('the doctor says why a broker cannot be used: password, certificate, nobody there', async () => {
    const [port = 0] = await freePorts(1);
    const options = as('nobody');
    const [refused, distrusted, absent] = await Promise.all([
      runDoctor(options, topics, deps),
      runDoctor({ ...options, ssl: { ca: null, cert: null, key: null } }, topics, deps),
      runDoctor({ ...options, brokers: [`127.0.0.1:${port}`] }, topics, deps),
    ]);
    expect(messages(refused, 'error')).toEqual([
      `broker ${brokers[0]}: kafka does not accept our credentials: check the CARILLON_KAFKA_SASL_ variables`,
    ]);
    expect(messages(distrusted, 'error')[0]).toContain('set CARILLON_KAFKA_CA_FILE');
    expect(messages(absent, 'error')[0]).toContain('ECONNREFUSED');
    for (const [finding] of [refused, distrusted, absent]) expect(finding?.fix).toContain('check the address');
  });

  it('the doctor and the plan say which setting does not fit the listener', async () => {
    const admin = as('admin');
    const unfit: readonly (readonly [KafkaConnectionOptions, string])[] = [
      [{ ...admin, ssl: null }, 'does it demand TLS or SASL? check CARILLON_KAFKA_SSL'],
      [{ ...admin, sasl: null }, 'does it demand TLS or SASL? check CARILLON_KAFKA_SSL'],
      [
        { ...admin, brokers: plain?.brokers ?? [] },
        'while TLS began: does this port speak it? check CARILLON_KAFKA_SSL',
      ],
      [{ ...admin, brokers: plain?.brokers ?? [], ssl: null }, 'kafka has no SASL at this address'],
    ];
    const told = unfit.map(async ([options, trouble]) => {
      const wrong = messages(await runDoctor(options, topics, deps), 'error');
      expect(wrong).toEqual([expect.stringContaining(trouble)]);
      await expect(planTopics(options, { topics }, deps)).rejects.toMatchObject({
        code: 'LOG_UNAVAILABLE',
        message: expect.stringContaining(trouble),
      });
    });
    await Promise.all(told);
  }, 30_000);
});

it('topics cannot be planned without a broker: that is said within 10 s', async () => {
  const [port = 0] = await freePorts(1);
  const options = { brokers: [`127.0.0.1:${port}`], clientId: 'operator', ssl: null, sasl: null };
  await expect(planTopics(options, { topics }, deps)).rejects.toThrow(/^kafka at 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
});
