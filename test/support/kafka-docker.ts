import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { KafkaCluster } from '../../dev/kafka/cluster.ts';
import { freePorts } from '../../dev/kafka/ports.ts';
import { probe } from '../../dev/kafka/probe.ts';

const exec = promisify(execFile);
const image = `apache/kafka:${process.env['CARILLON_TEST_KAFKA_VERSION'] ?? '4.4.0'}`;

/** Whether a Docker engine (not only its client) answers. */
export const hasDocker = (): Promise<boolean> =>
  exec('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 }).then(
    () => true,
    () => false,
  );

const environment = (port: number): readonly string[] =>
  Object.entries({
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:29093',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://:29093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
  }).flatMap(([name, value]) => ['-e', `${name}=${value}`]);

const untilAnswers = async (port: number): Promise<void> => {
  const giveUpAt = performance.now() + 60_000;
  while ((await probe({ host: '127.0.0.1', port }).catch(() => [])).length === 0) {
    if (performance.now() > giveUpAt) throw new Error(`${image} did not answer on port ${port} within 60 s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** Runs one plain broker in a container that is removed at its end. Rejects where the image cannot be had. */
export const startDockerKafka = async (): Promise<KafkaCluster> => {
  const [port = 0] = await freePorts(1);
  const publish = ['-p', `127.0.0.1:${port}:${port}`];
  const { stdout } = await exec('docker', ['run', '-d', '--rm', ...publish, ...environment(port), image]);
  const container = stdout.trim();
  const stop = async (): Promise<void> => {
    await exec('docker', ['rm', '-f', container]).catch(() => {});
  };
  await untilAnswers(port).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const brokers = [`127.0.0.1:${port}`];
  return { nodes: [], brokers, direct: brokers, caFile: null, users: {}, dir: '', stop };
};
