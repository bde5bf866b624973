import kafkajs, { type Admin } from 'kafkajs';
import { GatewayError } from '../errors.ts';
import { controlTopic, deadLetterTopicOf, planTopic } from '../log/index.ts';
import { topicAcls } from './acls.ts';
import { type AdminDeps, withAdmin } from './admin-session.ts';
import type { ClientSettings } from './client.ts';
import { clientSettings, type KafkaConnectionOptions, type KafkaDeps } from './options.ts';
import { pause } from './pause.ts';
import { kafkaErrorType, rootMessage } from './send-failure.ts';

/** How topics are to be. */
export type TopicWishes = {
  /** Notification topics; the first is the one that mutations write to. */
  readonly topics: readonly string[];
  /** @default 12 */
  readonly partitionCount?: number;
  /** @default the smaller of 3 and the number of brokers */
  readonly replicationFactor?: number;
  /** Of notification topics, milliseconds; -1 = for ever. @default the broker's */
  readonly retentionMs?: number;
  /** Whom the access rights are for, `User:name`. @default who the settings say we are */
  readonly principal?: string;
};

/** A topic as it is to be created. `config` holds the topic settings that are not left to the broker. */
export type TopicSpec = {
  readonly name: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
};

/** One way in which a topic that exists is not as planned. It is reported only: nothing is ever changed, shrunk or deleted. */
export type TopicDifference = {
  readonly topic: string;
  readonly setting: string;
  readonly is: string;
  readonly planned: string;
};

/** What `apply` would do, and what an operator should know. */
export type TopicsPlan = {
  readonly missing: readonly TopicSpec[];
  readonly present: readonly string[];
  readonly differences: readonly TopicDifference[];
  /** Lines for a shell: the least rights that a gateway needs. */
  readonly acls: readonly string[];
};

const deadLetterRetentionMs = 30 * 24 * 3_600_000;
const leadersTimeoutMs = 15_000;

/** Every topic that a gateway uses: notifications, their dead letters, control. */
export const topicNames = (topics: readonly string[]): readonly string[] => [
  ...new Set([...topics, deadLetterTopicOf(topics[0] ?? ''), controlTopic]),
];

const configOf = (name: string, wishes: TopicWishes, isCompacted: boolean): Record<string, string> => {
  // Only closed segments are compacted, and a week of parked positions would be read at every start.
  if (isCompacted) return { 'cleanup.policy': 'compact', 'segment.ms': '3600000', 'min.cleanable.dirty.ratio': '0.1' };
  if (!wishes.topics.includes(name))
    return { 'cleanup.policy': 'delete', 'retention.ms': String(deadLetterRetentionMs) };
  return {
    'cleanup.policy': 'delete',
    ...(wishes.retentionMs === undefined ? {} : { 'retention.ms': String(wishes.retentionMs) }),
  };
};

const specsOf = (wishes: TopicWishes, brokers: number): readonly TopicSpec[] => {
  const replicationFactor = wishes.replicationFactor ?? Math.min(3, brokers);
  return topicNames(wishes.topics).map((topic) => {
    const { name, partitionCount, isCompacted } = planTopic(topic, wishes.partitionCount ?? 12);
    const config = configOf(name, wishes, isCompacted);
    const inSync = String(Math.max(1, replicationFactor - 1));
    return { name, partitionCount, replicationFactor, config: { ...config, 'min.insync.replicas': inSync } };
  });
};

/** Settings of a topic by name; empty where we may not see them. */
const configIn = async (admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> => {
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  const answer = await admin
    .describeConfigs({ includeSynonyms: false, resources: [{ type, name: topic }] })
    .catch(() => null);
  const entries = answer?.resources[0]?.configEntries ?? [];
  return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
};

const differencesOf = async (admin: Admin, spec: TopicSpec): Promise<readonly TopicDifference[]> => {
  const { topics } = await admin.fetchTopicMetadata({ topics: [spec.name] });
  const partitions = topics[0]?.partitions ?? [];
  const replicas = partitions.map((each) => each.replicas.length);
  const config = await configIn(admin, spec.name);
  const rows: (readonly [setting: string, is: string | undefined, planned: string])[] = [
    ['partitions', String(partitions.length), String(spec.partitionCount)],
    ['replication factor', String(Math.min(...replicas)), String(spec.replicationFactor)],
    ...Object.entries(spec.config).map(([name, planned]) => [name, config.get(name), planned] as const),
  ];
  return rows.flatMap(([setting, is, planned]) =>
    is === undefined || is === planned ? [] : [{ topic: spec.name, setting, is, planned }],
  );
};

const plan = async (admin: Admin, settings: ClientSettings, wishes: TopicWishes): Promise<TopicsPlan> => {
  const { brokers } = await admin.describeCluster();
  const existing = new Set(await admin.listTopics());
  const specs = specsOf(wishes, brokers.length);
  const present = specs.filter(({ name }) => existing.has(name));
  const differences = await Promise.all(present.map((spec) => differencesOf(admin, spec)));
  return {
    missing: specs.filter(({ name }) => !existing.has(name)),
    present: present.map(({ name }) => name),
    differences: differences.flat(),
    acls: topicAcls(settings, wishes.topics, wishes.principal),
  };
};

/** Compares the cluster with what a gateway needs; changes nothing. Rejects with LOG_UNAVAILABLE where the cluster cannot be asked. */
export const planTopics = (
  options: KafkaConnectionOptions,
  wishes: TopicWishes,
  deps: KafkaDeps,
): Promise<TopicsPlan> => {
  const settings = clientSettings(options, deps);
  return withAdmin(settings, deps, (admin) => plan(admin, settings, wishes));
};

/**
 * Creates what is missing and waits for its leaders (at most 15 s); resolves with the plan as it was before. Idempotent, also when two
 * run at once. Rejects with LOG_UNAVAILABLE or FORBIDDEN that names the topic.
 */
export const applyTopics = (
  options: KafkaConnectionOptions,
  wishes: TopicWishes,
  deps: KafkaDeps,
): Promise<TopicsPlan> => {
  const settings = clientSettings(options, deps);
  return withAdmin(settings, deps, async (admin) => {
    const before = await plan(admin, settings, wishes);
    for (const spec of before.missing) await create(admin, spec);
    await untilLed(admin, before.missing, deps);
    return before;
  });
};

const create = async (admin: Admin, spec: TopicSpec): Promise<void> => {
  const { name: topic, partitionCount: numPartitions, replicationFactor } = spec;
  const configEntries = Object.entries(spec.config).map(([name, value]) => ({ name, value }));
  try {
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions, replicationFactor, configEntries }],
    });
  } catch (cause) {
    const isForbidden = kafkaErrorType(cause)?.endsWith('AUTHORIZATION_FAILED') === true;
    const message = isForbidden
      ? `kafka forbids creating topic ${topic}: run this as a user with CREATE on the cluster`
      : `kafka did not create topic ${topic}: ${rootMessage(cause)}`;
    throw new GatewayError(isForbidden ? 'FORBIDDEN' : 'LOG_UNAVAILABLE', message, { cause });
  }
};

const untilLed = async (admin: Admin, specs: readonly TopicSpec[], { clock }: AdminDeps): Promise<void> => {
  if (specs.length === 0) return;
  const giveUpAt = clock.monotonic() + leadersTimeoutMs;
  const names = specs.map(({ name }) => name);
  while (clock.monotonic() < giveUpAt) {
    // Another broker than the one that created it may not know it yet.
    const { topics } = await admin.fetchTopicMetadata({ topics: names }).catch(() => ({ topics: [] }));
    const led = topics.filter(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
    if (led.length === names.length) return;
    await pause(clock, 100);
  }
  throw new GatewayError('LOG_UNAVAILABLE', `kafka created ${names.join(', ')} but names no leaders: see its brokers`);
};
