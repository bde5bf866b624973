import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type KafkaCluster, type KafkaOptions, startKafka } from '../../dev/kafka/cluster.ts';
import type { SharedKafkaAnswer } from './kafka-global.ts';
import { startSharedKafka } from './kafka-host.ts';

export type { KafkaCluster, KafkaNode } from '../../dev/kafka/cluster.ts';

/** Asks the run's host (`kafka-global.ts`) for its broker; a file that runs without it starts its own. */
const askHost = async (): Promise<KafkaCluster> => {
  const port = process.env['CARILLON_TEST_KAFKA_HOST'];
  if (port === undefined) return startSharedKafka();
  const answer = JSON.parse(await text(connect(Number(port), '127.0.0.1'))) as SharedKafkaAnswer;
  if ('reason' in answer) throw new Error(answer.reason);
  const { brokers } = answer;
  return { nodes: [], brokers, direct: brokers, caFile: null, users: {}, dir: '', stop: async () => {} };
};

/**
 * A real Kafka for a test file, to be awaited at its top: `const kafka = await kafkaForTests();`
 * - Without options: one plain broker, shared with other files (`nodes` is empty: nothing to kill). Make topics of your own with `uniqueTopic`.
 * - With options: a cluster of the file's own, from Maven's jars; `stop()` it in `afterAll`.
 * - Null, and one line that says why, where none can be had: use `describe.skipIf(kafka === null)`. With `CARILLON_REQUIRE_KAFKA=1` this throws instead.
 */
export const kafkaForTests = async (options?: KafkaOptions): Promise<KafkaCluster | null> => {
  try {
    return await (options === undefined ? askHost() : startKafka(options));
  } catch (error) {
    if (process.env['CARILLON_REQUIRE_KAFKA'] === '1') throw error;
    console.warn(`kafka tests are skipped: ${error instanceof Error ? error.message : error}`);
    return null;
  }
};

/** Stands in where `kafkaForTests` gave null: the bodies of skipped suites are still run to collect their tests. */
export const noKafka: KafkaCluster = {
  nodes: [],
  brokers: [],
  direct: [],
  caFile: null,
  users: {},
  dir: '',
  stop: async () => {},
};

let topics = 0;

/** A topic name that no other test uses. */
export const uniqueTopic = (name: string): string =>
  `${name}.${process.pid.toString(36)}${Date.now().toString(36)}${(topics++).toString(36)}`;
