import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { KafkaCluster } from '../../dev/kafka/cluster.ts';
import { startSharedKafka } from './kafka-host.ts';

/** What a test file gets from the host: addresses, or why there are none. */
export type SharedKafkaAnswer = { readonly brokers: readonly string[] } | { readonly reason: string };

/**
 * Vitest global set-up: lends one broker to all test files of a run. It is started when the first file asks for it, so
 * that runs without Kafka tests do not pay for it, and stopped after the last.
 */
export const setup = async (): Promise<() => Promise<void>> => {
  let starting: Promise<KafkaCluster> | undefined;
  const answer = async (): Promise<SharedKafkaAnswer> => {
    starting ??= startSharedKafka();
    return starting.then(
      ({ brokers }) => ({ brokers }),
      (error: unknown) => ({ reason: error instanceof Error ? error.message : String(error) }),
    );
  };
  const host = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    void answer().then((text) => socket.end(JSON.stringify(text)));
  });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  process.env['CARILLON_TEST_KAFKA_HOST'] = String((host.address() as AddressInfo).port);

  return async () => {
    await new Promise((resolve) => host.close(resolve));
    await starting?.then(
      (cluster) => cluster.stop(),
      () => {},
    );
  };
};
