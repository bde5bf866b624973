import { type KafkaCluster, startKafka } from '../../dev/kafka/cluster.ts';
import { hasDocker, startDockerKafka } from './kafka-docker.ts';

/**
 * The one plain broker that the test files of a run share: given by `CARILLON_TEST_KAFKA`, else from Docker, else from
 * Maven's jars. Rejects with all the reasons when none of them can be had.
 */
export const startSharedKafka = async (): Promise<KafkaCluster> => {
  const given = process.env['CARILLON_TEST_KAFKA'];
  if (given !== undefined && given !== '') {
    const brokers = given.split(',');
    return { nodes: [], brokers, direct: brokers, caFile: null, users: {}, dir: '', stop: async () => {} };
  }
  const reasons: string[] = [];
  const reasonOf = (error: unknown): null => {
    reasons.push(error instanceof Error ? error.message : String(error));
    return null;
  };
  const fromDocker = (await hasDocker()) ? await startDockerKafka().catch(reasonOf) : null;
  const cluster = fromDocker ?? (await startKafka().catch(reasonOf));
  if (cluster === null) throw new Error(reasons.join('; '));
  return cluster;
};
