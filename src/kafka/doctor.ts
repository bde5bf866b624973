import kafkajs, { type Admin } from 'kafkajs';
import { GatewayError } from '../errors.ts';
import { neededRights } from './acls.ts';
import { withAdmin } from './admin-session.ts';
import { type BrokerAddress, parseBrokerAddress } from './broker-address.ts';
import { brokerError, brokerErrorName } from './broker-errors.ts';
import { type ClientSettings, createKafkaClient } from './client.ts';
import { brokerFactory } from './kafkajs-internals.ts';
import { Links } from './links.ts';
import { type ClusterMetadata, metadataRequest, type TopicMetadata } from './metadata-request.ts';
import { clientSettings, type KafkaConnectionOptions, type KafkaDeps } from './options.ts';
import { connectionTrouble } from './send-failure.ts';
import { topicNames } from './topics.ts';

/** `error`: it does not work. `warning`: it works, until something happens. `ok` and `info` ask for nothing. */
export type FindingLevel = 'ok' | 'info' | 'warning' | 'error';

/** One thing that was looked at. `fix` says what to do, null where nothing is to be done. */
export type Finding = {
  readonly level: FindingLevel;
  /** `broker kafka-1:9092`, `topic notifications`. */
  readonly subject: string;
  readonly message: string;
  readonly fix: string | null;
};

/** Fetch by topic id (Kafka 3.1) is the newest API that is needed. */
const fetchApi = { key: 1, version: 13 };
const maxSkewMs = 60_000;
/** Codes of Kafka's AclOperation. */
const operationCodes = { Read: 3, Write: 4, Describe: 8, DescribeConfigs: 10 } as const;

const nameOf = ({ host, port }: BrokerAddress): string => `broker ${host.includes(':') ? `[${host}]` : host}:${port}`;
const ok = (subject: string, message: string): Finding => ({ level: 'ok', subject, message, fix: null });
const info = (subject: string, message: string): Finding => ({ level: 'info', subject, message, fix: null });
const problem = (level: 'warning' | 'error', subject: string, [message, fix]: readonly [string, string]): Finding => ({
  level,
  subject,
  message,
  fix,
});

const judgeBroker = async (links: Links, address: BrokerAddress): Promise<Finding> => {
  const subject = nameOf(address);
  try {
    const offered = await links.to('control', address).maxVersion(fetchApi.key);
    if (offered >= fetchApi.version) return ok(subject, 'answers, lets us in, and is new enough');
    return problem('error', subject, [`offers Fetch up to version ${offered}`, 'use Kafka 3.1 or later']);
  } catch (cause) {
    return problem('error', subject, [connectionTrouble(cause), 'check the address, listeners, TLS and SASL settings']);
  }
};

const missingRights = (topic: TopicMetadata, topics: readonly string[]): readonly string[] => {
  const needed = neededRights(topics).get(topic.name) ?? [];
  return needed.filter((operation) => (topic.rights & (1 << operationCodes[operation])) === 0);
};

const judgeRights = (topic: TopicMetadata, topics: readonly string[]): readonly Finding[] => {
  const missing = missingRights(topic, topics).filter((operation) => operation !== 'DescribeConfigs');
  if (missing.length === 0) return [];
  const fix = 'run the kafka-acls.sh lines that carillon topics plan prints';
  return [problem('error', `topic ${topic.name}`, [`we may not ${missing.join(', ')}`, fix])];
};

/** Copies that exist and are up to date. */
const judgeReplicas = ({ name, partitions }: TopicMetadata, topics: readonly string[]): readonly Finding[] => {
  const subject = `topic ${name}`;
  const leaderless = partitions.filter(({ leader }) => leader < 0).map(({ index }) => index);
  const behind = partitions.filter(({ replicas, inSync }) => inSync < replicas).map(({ index }) => index);
  const copies = Math.min(...partitions.map(({ replicas }) => replicas));
  const findings: Finding[] = [];
  if (leaderless.length > 0)
    findings.push(
      problem('error', subject, [`partitions ${leaderless.join(', ')} have no leader`, 'start its brokers']),
    );
  if (behind.length > 0)
    findings.push(
      problem('warning', subject, [`partitions ${behind.join(', ')} have copies that lag behind`, 'see its brokers']),
    );
  if (copies < 3 && topics.includes(name))
    findings.push(
      problem('warning', subject, [
        `each record is on ${copies} broker${copies === 1 ? '' : 's'}`,
        'use three brokers and a replication factor of 3 where records must survive one',
      ]),
    );
  return findings;
};

const judgeTopic = (topic: TopicMetadata, topics: readonly string[]): readonly Finding[] => {
  const subject = `topic ${topic.name}`;
  if (topic.error === brokerError.unknownTopicOrPartition)
    return [problem('error', subject, ['does not exist', 'run carillon topics apply'])];
  if (topic.error === brokerError.topicAuthorizationFailed)
    return [
      problem('error', subject, ['we may not see it', 'run the kafka-acls.sh lines that carillon topics plan prints']),
    ];
  if (topic.error !== brokerError.none)
    return [problem('error', subject, [brokerErrorName(topic.error), 'see its brokers'])];
  const found = [...judgeRights(topic, topics), ...judgeReplicas(topic, topics)];
  const partitions = `exists, with ${topic.partitions.length} partition${topic.partitions.length === 1 ? '' : 's'}`;
  return [...(found.some(({ level }) => level === 'error') ? [] : [ok(subject, partitions)]), ...found];
};

/** How long the loss of a broker stalls its partitions; Kafka's default of 9 s surprises many. */
const judgeSessions = async (admin: Admin): Promise<Finding> => {
  const { brokers } = await admin.describeCluster();
  const [name, type] = [String(brokers[0]?.nodeId ?? 0), kafkajs.ConfigResourceTypes.BROKER];
  const setting = 'broker.session.timeout.ms';
  const answer = await admin
    .describeConfigs({ includeSynonyms: false, resources: [{ type, name, configNames: [setting] }] })
    .catch(() => null);
  const value = answer?.resources[0]?.configEntries[0]?.configValue;
  const known = value === undefined ? `by ${setting}, 9 s unless it was set` : `${value} ms (${setting})`;
  return info('cluster', `a broker that dies stalls its partitions, writing and reading, for ${known}`);
};

/** Kafka tells nobody its time; but records from the future tell that a producer's clock, or ours, is wrong. */
const judgeClock = async (admin: Admin, topic: string, nowMs: number): Promise<readonly Finding[]> => {
  const [ahead, ends] = await Promise.all([
    admin.fetchTopicOffsetsByTimestamp(topic, nowMs + maxSkewMs),
    admin.fetchTopicOffsets(topic),
  ]);
  const endOf = new Map(ends.map(({ partition, high }) => [partition, BigInt(high)]));
  const skewed = ahead.filter(({ partition, offset }) => {
    return BigInt(offset) >= 0n && BigInt(offset) < (endOf.get(partition) ?? 0n);
  });
  if (skewed.length === 0) return [];
  const message = `partitions ${skewed.map(({ partition }) => partition).join(', ')} hold records dated over a minute ahead of this machine`;
  return [problem('warning', `topic ${topic}`, [message, 'set the clocks of producers and of this machine by NTP'])];
};

const judgeCluster = async (
  metadata: ClusterMetadata,
  topics: readonly string[],
  context: { settings: ClientSettings; deps: KafkaDeps },
): Promise<readonly Finding[]> => {
  const { settings, deps } = context;
  const readable = metadata.topics.filter(({ name, error }) => error === brokerError.none && topics.includes(name));
  return withAdmin(settings, deps, async (admin) => {
    const clocks = readable.map(({ name }) => judgeClock(admin, name, deps.clock.now()).catch(() => []));
    return [await judgeSessions(admin), ...(await Promise.all(clocks)).flat()];
  }).catch((error: unknown) => {
    const message = error instanceof GatewayError ? error.message : String(error);
    return [problem('warning', 'cluster', [message, 'give the right to describe the cluster'])];
  });
};

/** What `first` says of the cluster, and what becomes of it. */
const judgeFrom = async (
  first: BrokerAddress,
  topics: readonly string[],
  context: { links: Links; bootstrap: readonly BrokerAddress[]; settings: ClientSettings; deps: KafkaDeps },
): Promise<readonly Finding[]> => {
  const { links, bootstrap } = context;
  const known = new Set(bootstrap.map(nameOf));
  const metadata = await links.to('control', first).request(metadataRequest(topicNames(topics), true));
  const others = [...metadata.brokers.values()].filter((address) => !known.has(nameOf(address)));
  return [
    ...(await Promise.all(others.map((address) => judgeBroker(links, address)))),
    ...metadata.topics.flatMap((topic) => judgeTopic(topic, topics)),
    ...(await judgeCluster(metadata, topics, context)),
  ];
};

/**
 * Looks at everything that a gateway needs of its cluster, and at what will hurt one day. Writes nothing. Rejects only where an address
 * cannot be read (CONFIG_INVALID); takes some seconds, up to 20 where brokers are silent.
 */
export const runDoctor = async (
  options: KafkaConnectionOptions,
  topics: readonly string[],
  deps: KafkaDeps,
): Promise<readonly Finding[]> => {
  const settings = clientSettings(options, deps);
  const bootstrap = options.brokers.map(parseBrokerAddress);
  const links = new Links({ makeBroker: brokerFactory(createKafkaClient(settings, deps)), clock: deps.clock });
  try {
    const asked = await Promise.all(bootstrap.map((address) => judgeBroker(links, address)));
    const first = bootstrap[asked.findIndex(({ level }) => level === 'ok')];
    if (first === undefined) return asked;
    const found = await judgeFrom(first, topics, { links, bootstrap, settings, deps }).catch((cause: unknown) => [
      problem('error', nameOf(first), [connectionTrouble(cause), "see the broker's log"]),
    ]);
    return [...asked, ...found];
  } finally {
    links.close();
  }
};
