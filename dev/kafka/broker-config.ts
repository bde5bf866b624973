import { join } from 'node:path';
import { storePassword } from './tls.ts';

/** Ports of one node. `internal` serves brokers and probes where clients must use SASL_SSL or come by a proxy. */
export type NodePorts = { readonly client: number; readonly controller: number; readonly internal: number };

/** What the configuration of a node is made from. */
export type BrokerSettings = {
  readonly dir: string;
  /** Address that clients connect to; `::1` for IPv6. */
  readonly host: string;
  readonly ports: readonly NodePorts[];
  /** Ports of proxies, one per node, that clients are told instead of the nodes' own; null: no proxies. */
  readonly advertisedPorts: readonly number[] | null;
  readonly security: 'plain' | 'sasl';
  readonly acl: boolean;
  readonly users: Readonly<Record<string, string>>;
  readonly props: Readonly<Record<string, string>>;
};

type Properties = Record<string, string | number | boolean>;

const login = (module: string): string => `org.apache.kafka.common.security.${module} required`;

const saslProperties = (settings: BrokerSettings): Properties => {
  const passwords = Object.entries(settings.users).map(([user, password]) => `user_${user}="${password}"`);
  const jaas = (mechanism: string): string => `listener.name.client.${mechanism}.sasl.jaas.config`;
  return {
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': join(settings.dir, 'broker.p12'),
    'ssl.keystore.password': storePassword,
    'ssl.key.password': storePassword,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [jaas('plain')]: `${login('plain.PlainLoginModule')} ${passwords.join(' ')};`,
    [jaas('scram-sha-256')]: `${login('scram.ScramLoginModule')};`,
    [jaas('scram-sha-512')]: `${login('scram.ScramLoginModule')};`,
    // Without a validator of its own the broker takes unsecured tokens (alg none): enough to test the client's side.
    [jaas('oauthbearer')]: `${login('oauthbearer.OAuthBearerLoginModule')} unsecuredLoginStringClaim_sub="broker";`,
  };
};

const aclProperties: Properties = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS;User:admin',
  'allow.everyone.if.no.acl.found': false,
};

const listeners = (settings: BrokerSettings, index: number): Properties => {
  const ports = settings.ports[index] as NodePorts;
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  const isSasl = settings.security === 'sasl';
  // What brokers say to each other must not go through a proxy that cuts clients off.
  const hasInternal = isSasl || settings.advertisedPorts !== null;
  const internal = hasInternal ? `,INTERNAL://127.0.0.1:${ports.internal}` : '';
  return {
    listeners: `CLIENT://${host}:${ports.client},CONTROLLER://127.0.0.1:${ports.controller}${internal}`,
    'advertised.listeners': `CLIENT://${host}:${settings.advertisedPorts?.[index] ?? ports.client}${internal}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': hasInternal ? 'INTERNAL' : 'CLIENT',
    'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:${isSasl ? 'SASL_SSL' : 'PLAINTEXT'}`,
  };
};

const replication = (nodes: number): Properties => {
  const factor = Math.min(3, nodes);
  const inSync = Math.max(1, factor - 1);
  return {
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': factor,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': inSync,
    'default.replication.factor': factor,
    'min.insync.replicas': inSync,
  };
};

/** The `.properties` text of node `index` (0-based): broker and controller in one process, small, no topics made unasked. */
export const brokerProperties = (settings: BrokerSettings, index: number): string => {
  const voters = settings.ports.map((ports, node) => `${node + 1}@127.0.0.1:${ports.controller}`);
  const properties: Properties = {
    'process.roles': 'broker,controller',
    'node.id': index + 1,
    'controller.quorum.voters': voters.join(','),
    ...listeners(settings, index),
    'log.dirs': join(settings.dir, `node${index + 1}`),
    'num.network.threads': 2,
    'num.io.threads': 2,
    'num.recovery.threads.per.data.dir': 1,
    ...replication(settings.ports.length),
    // Kafka waits 9 s by default before it gives a dead broker's partitions away; tests need not.
    'broker.session.timeout.ms': 2000,
    'broker.heartbeat.interval.ms': 500,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    'log.cleaner.dedupe.buffer.size': 2_097_152,
    'log.segment.bytes': 16_777_216,
    ...(settings.security === 'sasl' ? saslProperties(settings) : {}),
    ...(settings.acl ? aclProperties : {}),
    ...settings.props,
  };
  return `${Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
};
