import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../fuzz/random.ts';
import { type KafkaHands, kafkaHands } from '../support/kafka-admin.ts';
import type { ChaosCluster } from './cluster.ts';
import type { Collector } from './collector.ts';
import type { Fleet } from './fleet.ts';
import type { Scribe } from './history.ts';
import type { Issuer } from './tokens.ts';

/** What is done to gateways, brokers and their surroundings: one per run, or a few in a mix. */

/** What a fault works on. */
export type Stage = {
  readonly cluster: ChaosCluster;
  readonly fleet: Fleet;
  readonly collector: Collector;
  readonly issuer: Issuer;
  readonly topic: string;
  readonly random: Random;
  /** Writes `fault` entries. */
  readonly scribe: Scribe;
  /** Deletes the topic with `work`, which creates it anew: who reads the log ends before, and begins again after. */
  recreate(work: () => Promise<void>): Promise<void>;
  /** From now on this share of transactions is aborted. */
  abort(share: number): void;
};

/** Does its worst and mends it again; what it resolves with is a whole system that may still have to catch up. */
type ServerFault = (stage: Stage) => Promise<void>;

/** Writes down when something begins and ends; `node` where it is done to a gateway's process. */
const told = async (
  stage: Stage,
  what: string | { readonly name: string; readonly node: string },
  work: () => Promise<void>,
): Promise<void> => {
  const { name, node } = typeof what === 'string' ? { name: what, node: null } : what;
  stage.scribe({ kind: 'fault', name, phase: 'begin', node });
  await work();
  stage.scribe({ kind: 'fault', name, phase: 'end', node });
};

/** What an operator does by hand while brokers come and go: again, until it works. */
const again = async (work: () => Promise<unknown>): Promise<void> => {
  for (let attempt = 0; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === 60) throw error;
      await delay(500);
    }
  }
};

const gatewayKill: ServerFault = async (stage) => {
  const node = stage.random.pick(stage.fleet.names);
  await told(stage, { name: 'gateway-kill', node }, async () => {
    await stage.fleet.kill(node);
    await delay(2_000 + stage.random.int(4_000));
    await stage.fleet.start(node);
  });
  await delay(5_000);
};

const drainAndStart = (stage: Stage, node: string): Promise<void> =>
  told(stage, { name: 'gateway-drain', node }, async () => {
    await stage.fleet.drain(node);
    await stage.fleet.start(node);
  });

const gatewayRolling: ServerFault = async (stage) => {
  for (const node of stage.fleet.names) {
    await drainAndStart(stage, node);
    await delay(1_000);
  }
};

const gatewayFreeze: ServerFault = async (stage) => {
  const node = stage.random.pick(stage.fleet.names);
  await told(stage, { name: 'gateway-freeze', node }, async () => {
    stage.fleet.freeze(node, true);
    await delay(20_000);
    stage.fleet.freeze(node, false);
  });
};

const blockedLoop: ServerFault = async (stage) => {
  const node = stage.random.pick(stage.fleet.names);
  await told(stage, { name: 'blocked-loop', node }, async () => {
    for (let burst = 0; burst < 15; burst++) {
      stage.fleet.freeze(node, true);
      await delay(100 + stage.random.int(1_200));
      stage.fleet.freeze(node, false);
      await delay(100 + stage.random.int(500));
    }
  });
};

const collectorAway: ServerFault = (stage) =>
  told(stage, 'collector-away', async () => {
    for (const mode of ['hang', 'refuse', 'gone'] as const) {
      stage.collector.answer(mode);
      await delay(5_000);
    }
    stage.collector.answer('take');
  });

/** Nodes that know the keys go on with them, so one is restarted meanwhile that does not. */
const keysAway: ServerFault = (stage) =>
  told(stage, 'keys-away', async () => {
    stage.issuer.away(true);
    await drainAndStart(stage, stage.random.pick(stage.fleet.names));
    await delay(8_000);
    stage.issuer.away(false);
  });

const leaderOf = async (stage: Stage): Promise<number> => {
  const { topics } = await stage.cluster.hands.admin.fetchTopicMetadata({ topics: [stage.topic] });
  return topics[0]?.partitions.find(({ partitionId }) => partitionId === 0)?.leader ?? 1;
};

const brokerKill: ServerFault = async (stage) => {
  const leader = await leaderOf(stage).catch(() => 1);
  const node = stage.cluster.kafka.nodes.find(({ id }) => id === leader);
  await told(stage, 'broker-kill', async () => {
    await node?.kill('SIGKILL');
    await delay(4_000 + stage.random.int(4_000));
    node?.start();
    await node?.ready();
  });
  await delay(4_000);
};

const brokersDown: ServerFault = (stage) =>
  told(stage, 'brokers-down', async () => {
    const { nodes } = stage.cluster.kafka;
    await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
    await delay(60_000);
    for (const node of nodes) node.start();
    await Promise.all(nodes.map((node) => node.ready()));
  });

/** Another order of the same replicas makes another the preferred leader, which takes over within a second or two. Rejects when it does not. */
const moveLeaders = async ({ cluster, topic }: Stage): Promise<void> => {
  const { admin } = cluster.hands;
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const wanted = (topics[0]?.partitions ?? []).map(({ partitionId, replicas }) => ({
    partition: partitionId,
    replicas: [...replicas.slice(1), ...replicas.slice(0, 1)],
  }));
  await again(() => admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: wanted }] }));
  await again(async () => {
    const now = await admin.fetchTopicMetadata({ topics: [topic] });
    const leads = (partition: number): number | undefined =>
      now.topics[0]?.partitions.find(({ partitionId }) => partitionId === partition)?.leader;
    if (wanted.some(({ partition, replicas }) => leads(partition) !== replicas[0]))
      throw new Error('not every partition has moved to its new leader');
  });
};

const leaderMove: ServerFault = (stage) =>
  told(stage, 'leader-move', async () => {
    for (let move = 0; move < 4; move++) {
      await again(() => moveLeaders(stage));
      await delay(1_500);
    }
  });

const onRelays = async (stage: Stage, mode: 'hold' | 'late', ms: number): Promise<void> => {
  const all = stage.cluster.relays;
  const victims = stage.random.once(3) ? [stage.random.pick(all)] : all;
  for (const relay of victims) relay.set(mode);
  await delay(ms);
  for (const relay of victims) relay.set('pass');
};

const networkPartition: ServerFault = (stage) =>
  told(stage, 'network-partition', () => onRelays(stage, 'hold', 8_000 + stage.random.int(8_000)));

const slowBrokers: ServerFault = (stage) => told(stage, 'slow-brokers', () => onRelays(stage, 'late', 14_000));

const deleteRecords: ServerFault = (stage) =>
  told(stage, 'delete-records', async () => {
    const { admin } = stage.cluster.hands;
    for (let round = 0; round < 4; round++) {
      await delay(3_000);
      await again(async () => {
        const ends = await admin.fetchTopicOffsets(stage.topic);
        const partitions = ends.map(({ partition, high }) => ({
          partition,
          offset: String(Math.max(0, Number(high) - 5)),
        }));
        await admin.deleteTopicRecords({ topic: stage.topic, partitions });
      });
    }
  });

/** 2 = topic (Kafka's ConfigResource.Type). */
const configure = (stage: Stage, settings: Readonly<Record<string, string>>): Promise<void> =>
  again(() =>
    stage.cluster.hands.admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: 2,
          name: stage.topic,
          configEntries: Object.entries({ 'min.insync.replicas': '2', ...settings }).map(([name, value]) => ({
            name,
            value,
          })),
        },
      ],
    }),
  );

const retention: ServerFault = (stage) =>
  told(stage, 'retention', async () => {
    await configure(stage, { 'retention.ms': '1500', 'segment.ms': '1000', 'file.delete.delay.ms': '1000' });
    await delay(14_000);
    await configure(stage, {});
    // A deletion that was decided under the old settings may come a little later.
    await delay(2_500);
  });

/** It may have been deleted though that was not answered. */
const remove = ({ admin }: KafkaHands, topic: string): Promise<void> =>
  admin.deleteTopics({ topics: [topic] }).catch(async (cause: unknown) => {
    if ((await admin.listTopics()).includes(topic)) throw cause;
  });

const topicRecreated: ServerFault = (stage) =>
  told(stage, 'topic-recreated', async () => {
    await delay(2_000);
    // New hands: those of the cluster remember what was asked of the topic, and ask for it before anything else; once it is gone, in vain.
    const hands = await kafkaHands(stage.cluster.direct);
    try {
      await stage.recreate(async () => {
        await again(() => remove(hands, stage.topic));
        await again(() => hands.create(stage.topic, 6, { 'min.insync.replicas': '2' }));
      });
    } finally {
      await hands.close();
    }
    await delay(6_000);
  });

const partitionsDoubled: ServerFault = (stage) =>
  told(stage, 'partitions-doubled', async () => {
    await delay(2_000);
    await again(() => stage.cluster.hands.grow(stage.topic, 12));
    await delay(8_000);
  });

const abortedTransactions: ServerFault = (stage) =>
  told(stage, 'aborted-transactions', async () => {
    stage.abort(0.8);
    await delay(15_000);
    stage.abort(0.3);
  });

/** Every server-side fault by name. A bug thrown inside of an actor cannot be made from outside a process: tests in test/actors do that. */
export const serverFaults: Readonly<Record<string, ServerFault>> = {
  'gateway-kill': gatewayKill,
  'gateway-rolling': gatewayRolling,
  'gateway-freeze': gatewayFreeze,
  'blocked-loop': blockedLoop,
  'collector-away': collectorAway,
  'keys-away': keysAway,
  'broker-kill': brokerKill,
  'brokers-down': brokersDown,
  'leader-move': leaderMove,
  'network-partition': networkPartition,
  'slow-brokers': slowBrokers,
  'delete-records': deleteRecords,
  retention,
  'topic-recreated': topicRecreated,
  'partitions-doubled': partitionsDoubled,
  'aborted-transactions': abortedTransactions,
};
