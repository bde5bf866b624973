import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { archiveOptions } from './archive.ts';
import { type BrokerSettings, brokerProperties, type NodePorts } from './broker-config.ts';
import { createNode, jvmOptions, type KafkaNode } from './broker-node.ts';
import { jdk, resolveClassPath } from './jars.ts';
import { freePorts } from './ports.ts';
import { makeCertificates } from './tls.ts';

export type { KafkaNode, NodeSignal } from './broker-node.ts';

const exec = promisify(execFile);

/** What kind of cluster to start. */
export type KafkaOptions = {
  /** @default 1 */
  readonly nodes?: number;
  /** `sasl`: SASL_SSL with PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER (unsecured tokens). @default 'plain' */
  readonly security?: 'plain' | 'sasl';
  /** Access control lists: nothing is allowed but to `admin`. @default false */
  readonly acl?: boolean;
  /** SASL users and their passwords. */
  readonly users?: Readonly<Record<string, string>>;
  /** Further broker properties, last word. */
  readonly props?: Readonly<Record<string, string>>;
  /** Client ports, one per node. @default free ones */
  readonly ports?: readonly number[];
  /** Ports of proxies, one per node, that clients are told instead of the nodes' own. @default none */
  readonly advertisedPorts?: readonly number[];
  /** @default '127.0.0.1' */
  readonly host?: '127.0.0.1' | '::1';
  /** Where data lives. @default a new temporary folder that `stop` removes */
  readonly dir?: string;
  /** Starts the class-data archive's training run: writes to this file at exit. For `archive.ts` only. */
  readonly trainArchive?: string;
};

/** A cluster that runs. */
export type KafkaCluster = {
  readonly nodes: readonly KafkaNode[];
  /** `host:port` of every node. */
  readonly brokers: readonly string[];
  /** The same for who must not come by the proxies of `advertisedPorts`; without them the same as `brokers`. */
  readonly direct: readonly string[];
  /** PEM file of the certificate authority; null on a plain cluster. */
  readonly caFile: string | null;
  readonly users: Readonly<Record<string, string>>;
  readonly dir: string;
  /** Stops every node (5-7 s for a clean stop of three; at once where the data is thrown away) and removes a temporary folder. Idempotent. */
  stop(): Promise<void>;
};

const defaultUsers = { admin: 'admin-secret', gateway: 'gateway-secret', mallory: 'mallory-secret' };

type State = { readonly clusterId: string; readonly ports: readonly NodePorts[] };

const newState = async (options: KafkaOptions): Promise<State> => {
  const count = options.nodes ?? 1;
  const free = await freePorts(count * 3);
  const ports = Array.from({ length: count }, (_, index) => ({
    client: options.ports?.[index] ?? (free[index * 3] as number),
    controller: free[index * 3 + 1] as number,
    internal: free[index * 3 + 2] as number,
  }));
  // A cluster id must not begin with a dash: the storage tool would take it for an option.
  return { clusterId: randomBytes(16).toString('base64url').replace(/^-/, 'A'), ports };
};

/** A folder that was used before keeps its cluster id and ports, so that its data can be read again. */
const loadState = async (dir: string, options: KafkaOptions): Promise<State> => {
  const file = join(dir, 'cluster.json');
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as State;
  const state = await newState(options);
  await writeFile(file, JSON.stringify(state));
  if (options.security === 'sasl') await makeCertificates(dir);
  return state;
};

const scramOptions = (settings: BrokerSettings): string[] =>
  settings.security === 'plain'
    ? []
    : Object.entries(settings.users).flatMap(([name, password]) =>
        ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
          '--add-scram',
          `${mechanism}=[name=${name},password=${password}]`,
        ]),
      );

type Layout = { settings: BrokerSettings; state: State; classPath: string; jvm: readonly string[] };

/** Writes a node's properties and formats its storage, once. */
const prepareNode = async (layout: Layout, index: number): Promise<void> => {
  const { settings } = layout;
  const propertiesFile = join(settings.dir, `node${index + 1}.properties`);
  await writeFile(propertiesFile, brokerProperties(settings, index));
  if (existsSync(join(settings.dir, `node${index + 1}`, 'meta.properties'))) return;
  await exec(jdk('java'), [
    ...['-Xmx128m', ...layout.jvm, '-cp', layout.classPath, 'kafka.tools.StorageTool', 'format'],
    ...['-t', layout.state.clusterId, '-c', propertiesFile, ...scramOptions(settings)],
  ]);
};

const makeNode = (layout: Layout, index: number, extraJvm: readonly string[]): KafkaNode => {
  const { settings, state } = layout;
  const ports = state.ports[index] as NodePorts;
  const isSasl = settings.security === 'sasl';
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  return createNode({
    id: index + 1,
    address: `${host}:${ports.client}`,
    probeAt: isSasl ? { host: '127.0.0.1', port: ports.internal } : { host: settings.host, port: ports.client },
    clusterSize: state.ports.length,
    propertiesFile: join(settings.dir, `node${index + 1}.properties`),
    logFile: join(settings.dir, `node${index + 1}.log`),
    classPath: layout.classPath,
    jvm: [...layout.jvm, ...extraJvm],
  });
};

const trainArchive = async (dir: string, file: string): Promise<void> => {
  const cluster = await startKafka({ dir, trainArchive: file });
  await cluster.stop();
};

const layOut = async (options: KafkaOptions, dir: string): Promise<Layout> => {
  const classPath = await resolveClassPath();
  const host = options.host ?? '127.0.0.1';
  const archive = options.trainArchive === undefined ? await archiveOptions(classPath, trainArchive) : [];
  const state = await loadState(dir, options);
  const settings: BrokerSettings = {
    dir,
    host,
    ports: state.ports,
    advertisedPorts: options.advertisedPorts ?? null,
    security: options.security ?? 'plain',
    acl: options.acl ?? false,
    users: options.users ?? defaultUsers,
    props: options.props ?? {},
  };
  return { settings, state, classPath, jvm: [...jvmOptions(host), ...archive] };
};

/**
 * Starts Apache Kafka 4.4.0 (each node broker and controller) and resolves when every node's metadata lists all of them:
 * 2-3 s for one node once the jars are resolved. The brokers die with this process, however it ends.
 * Rejects, with nothing left running, when the jars cannot be had or a node does not come up.
 */
export const startKafka = async (options: KafkaOptions = {}): Promise<KafkaCluster> => {
  const isTemporary = options.dir === undefined;
  const dir = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'carillon-kafka-')) : resolve(options.dir);
  await mkdir(dir, { recursive: true });
  let nodes: readonly KafkaNode[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill(isTemporary ? 'SIGKILL' : 'SIGTERM')));
    if (isTemporary) await rm(dir, { recursive: true, force: true });
  };
  try {
    const layout = await layOut(options, dir);
    const indexes = layout.state.ports.map((_, index) => index);
    await Promise.all(indexes.map((index) => prepareNode(layout, index)));
    const training = options.trainArchive === undefined ? [] : [`-XX:ArchiveClassesAtExit=${options.trainArchive}`];
    nodes = indexes.map((index) => makeNode(layout, index, training));
    for (const node of nodes) node.start();
    await Promise.all(nodes.map((node) => node.ready()));
    const brokers = nodes.map((node) => node.address);
    const internal = layout.state.ports.map((ports) => `127.0.0.1:${ports.internal}`);
    return {
      nodes,
      brokers,
      direct: options.advertisedPorts === undefined ? brokers : internal,
      caFile: options.security === 'sasl' ? join(dir, 'ca.pem') : null,
      users: layout.settings.users,
      dir,
      stop,
    };
  } catch (error) {
    await stop();
    throw (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? new Error('java 17 is not on the path: install it, or set JAVA_HOME', { cause: error })
      : error;
  }
};
