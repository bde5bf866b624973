import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../fuzz/random.ts';
import { uniqueTopic } from '../support/kafka.ts';
import { createTopics } from '../support/kafka-producer.ts';
import type { ChaosCluster } from './cluster.ts';
import { startCollector } from './collector.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { openGraphqlClient } from './graphql-client.ts';
import { createRecorder, nowMs, type Recorder } from './history.ts';
import { disturb, type Line, storm } from './line-faults.ts';
import { type LogReader, startLogReader } from './log-reader.ts';
import { startProducer, writeFinals } from './producers.ts';
import { type Running, startPublisher } from './publishers.ts';
import { startRelay } from './relay.ts';
import { isHasty, isHeavy, type Member, roster, topics, topicsOf } from './roster.ts';
import { type Client, haveAllBeenHere, type Seat } from './seat.ts';
import { type Stage, serverFaults } from './server-faults.ts';
import { openSocketClient } from './socket-client.ts';
import { openStreamClient } from './stream-client.ts';
import { type Issuer, startIssuer } from './tokens.ts';

/** One run: a whole system under load, all faults of clients and the named ones of servers, then peace, then everything is written down. */

/** What is to be run. */
export type RunPlan = {
  /** Where its histories go. */
  readonly folder: string;
  /** Names of server faults; several begin one after another and overlap. */
  readonly faults: readonly string[];
  readonly seed: number;
};

/** Who has not caught up by then never will. */
const deadlineMs = 60_000;
/** Who is not here again by then, long after the longest pause between two attempts, is waited for no more. */
const returnMs = 30_000;
/** What a gateway may grow over what it had at its first look, under this load and with all these clients gone wrong. */
const memoryBoundMiB = 256;
const partitions = 6;
const gateways = ['g1', 'g2', 'g3'];
const warmUpMs = 3_000;

const open = (member: Member, seat: Seat): Client => {
  switch (member.kind) {
    case 'graphql-ws':
      return openGraphqlClient(seat);
    case 'event-stream':
      return openStreamClient(seat);
    default:
      return openSocketClient(seat, member.kind);
  }
};

/** What everybody in a run has. */
type Scene = {
  readonly plan: RunPlan;
  readonly cluster: ChaosCluster;
  readonly topic: string;
  readonly recorder: Recorder;
  readonly fleet: Fleet;
  readonly issuer: Issuer;
  /** Ended in the opposite order at the end of the run, whatever became of it. */
  readonly cleanUp: (() => unknown)[];
};

type Player = Line & { readonly member: Member };

const enter = async (scene: Scene, member: Member, index: number): Promise<Player> => {
  const { fleet, recorder, issuer, plan } = scene;
  const scribe = recorder.scribe(member.name);
  let home = index;
  const relay = await startRelay(
    () => fleet.route(gateways[home % gateways.length] ?? '')(),
    (node) => scribe({ kind: 'connected', node }),
  );
  const followed = topicsOf(index);
  const seat: Seat = {
    user: member.user,
    topics: followed,
    style: member.style,
    isHasty: isHasty(member),
    port: relay.port,
    scribe,
    token: () => issuer.token(member.user, index % 2 === 0 ? 'secret' : 'published', { topics: ['news.*'] }),
  };
  const client = open(member, seat);
  scene.cleanUp.push(async () => {
    // A client whose connect is never answered cannot be waited for.
    await Promise.race([client.close(), delay(2_000)]);
    relay.close();
  });
  const moveOn = (): void => {
    home++;
  };
  return { member, relay, client, scribe, moveOn, random: createRandom(plan.seed * 1_000 + index) };
};

const until = async (condition: () => boolean, giveUpAfterMs: number): Promise<boolean> => {
  for (const giveUpAt = nowMs() + giveUpAfterMs; nowMs() < giveUpAt; await delay(50)) if (condition()) return true;
  return condition();
};

const light = roster.filter((member) => !isHeavy(member)).map(({ user }) => user);
const heavy = roster.filter(isHeavy).map(({ user }) => user);
const crowd = { users: [...new Set([...light, ...heavy, 'nobody'])], topics };

const startLoad = async (scene: Scene, abortShare: () => number): Promise<readonly Running[]> => {
  const { plan, topic, fleet, issuer, cluster, recorder } = scene;
  const scopes = ['notifications:publish', 'notifications:publish:everyone'];
  const publishers = await Promise.all(
    gateways.map(async (home, n) => {
      const name = `publisher-${home}`;
      const token = await issuer.token(name, 'secret', { scopes });
      const scribe = recorder.scribe(name);
      const httpUrl = (): string | null => fleet.httpUrl(home);
      return startPublisher({ name, crowd, seed: plan.seed + n, scribe, token, rate: 15, isCareful: n > 0, httpUrl });
    }),
  );
  const produce = (name: string, rest: Partial<Parameters<typeof startProducer>[0]>): Running =>
    startProducer({
      ...{ name, kind: 'plain', brokers: cluster.direct, topic, crowd, seed: plan.seed + name.length, rate: 30 },
      ...{ scribe: recorder.scribe(name), abortShare },
      ...rest,
    });
  return [
    ...publishers,
    produce('plain', { unfitShare: 0.03 }),
    produce('bulky', { crowd: { users: heavy, topics: ['news.nobody'] }, rate: 25, bodyBytes: 48_000 }),
    produce('idempotent', { kind: 'idempotent', rate: 25 }),
    produce('transactional', { kind: 'transactional', rate: 20 }),
  ];
};

/** The log as it is read while the run goes on, one reader per creation of the topic. */
class LogWatch {
  /** How often the topic was created; none while it is being deleted. */
  #era = 1;
  readonly #readers: LogReader[] = [];
  readonly #scene: Scene;
  readonly #scribe: ReturnType<Recorder['scribe']>;
  #isOver = false;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#scribe = scene.recorder.scribe('log');
    void this.#starts();
    scene.cleanUp.push(() => {
      this.#isOver = true;
      return this.#closeReaders();
    });
  }

  async follow(): Promise<LogReader> {
    const { cluster, topic } = this.#scene;
    const reader = await startLogReader({ brokers: cluster.direct, topic, era: this.#era }, this.#scribe);
    this.#readers.push(reader);
    return reader;
  }

  /** A reader that lives through it would take records of the new topic for those of the old one. */
  async recreate(work: () => Promise<void>): Promise<void> {
    await this.#closeReaders();
    const old = this.#era;
    this.#era = Number.NaN;
    await work();
    this.#era = old + 1;
    await this.follow();
  }

  async #closeReaders(): Promise<void> {
    await Promise.all(this.#readers.splice(0).map((reader) => reader.close()));
  }

  /** Log starts, twice a second: what retention and DeleteRecords took. */
  async #starts(): Promise<void> {
    const { cluster, topic } = this.#scene;
    for (; !this.#isOver; await delay(500)) {
      const era = this.#era;
      const offsets = await cluster.hands.admin.fetchTopicOffsets(topic).catch(() => []);
      if (era !== this.#era) continue;
      for (const { partition, low } of offsets) this.#scribe({ kind: 'start', era, partition, offset: Number(low) });
    }
  }
}

const torment = async (scene: Scene, players: readonly Player[], stage: Stage): Promise<void> => {
  let isOver = false;
  const lines = Promise.all([
    ...players.map((player) => disturb(player, player.member.fault, () => isOver)),
    storm(
      players.filter(({ member }) => member.fault === 'storm'),
      () => isOver,
    ),
  ]);
  try {
    await Promise.all(
      scene.plan.faults.map(async (name, n) => {
        await delay(n * 2_500);
        await serverFaults[name]?.(stage);
      }),
    );
  } finally {
    isOver = true;
    await lines;
  }
};

const measureAlways = (scene: Scene): void => {
  const scribe = scene.recorder.scribe('memory');
  const timer = setInterval(() => void scene.fleet.measure(scribe), 1_000);
  scene.cleanUp.push(() => clearInterval(timer));
};

const play = async (scene: Scene, stage: Omit<Stage, 'recreate' | 'abort'>): Promise<void> => {
  const { recorder, cluster, topic, plan } = scene;
  const watch = new LogWatch(scene);
  await watch.follow();
  const players = await Promise.all(roster.map((member, index) => enter(scene, member, index)));
  if (!(await until(() => players.every(({ client }) => client.cursors.length > 0), 30_000)))
    throw new Error(`not every client was live after 30 s:\n${scene.fleet.output()}`);
  let abortShare = 0.3;
  const load = await startLoad(scene, () => abortShare);
  await delay(warmUpMs);
  await torment(scene, players, {
    ...stage,
    abort: (share) => {
      abortShare = share;
    },
    recreate: (work) => watch.recreate(work),
  });
  const healedAt = nowMs();
  await delay(2_000);
  await Promise.all(load.map((each) => each.end()));
  // Whose node was killed begins anew when it comes back (docs/protocol.md), and is not owed what was written before that.
  await until(haveAllBeenHere(players.map(({ client }) => client)), returnMs);
  const grown = (await cluster.hands.admin.fetchTopicOffsets(topic)).length;
  const settings = {
    name: 'final',
    kind: 'plain',
    brokers: cluster.direct,
    topic,
    crowd,
    seed: plan.seed,
    rate: 1,
  } as const;
  const titles = await writeFinals({ ...settings, scribe: recorder.scribe('final') }, grown);
  recorder.scribe('finals')({ kind: 'finals', titles, healedAt, deadlineMs });
  const hasAll = (known: ReadonlySet<string>): boolean => titles.every((title) => known.has(title));
  await until(() => players.every(({ client }) => hasAll(client.titles)), deadlineMs);
  const last = await watch.follow();
  if (!(await until(() => hasAll(last.titles), deadlineMs))) throw new Error('the log could not be read to its end');
};

/** Runs one plan and leaves its histories in `plan.folder`. Rejects where the harness itself failed: then there is nothing to judge. */
export const runOnce = async (plan: RunPlan, cluster: ChaosCluster): Promise<void> => {
  const recorder = await createRecorder(plan.folder);
  const cleanUp: (() => unknown)[] = [];
  const topic = uniqueTopic('chaos');
  const issuer = await startIssuer();
  const collector = await startCollector();
  const faultScribe = recorder.scribe('faults');
  faultScribe({ kind: 'run', fault: plan.faults.join('+'), seed: plan.seed, memoryBoundMiB });
  const fleet = await createFleet(gateways, {
    scribe: faultScribe,
    env: {
      CARILLON_LOG: 'kafka',
      CARILLON_KAFKA_BROKERS: cluster.brokers.join(','),
      CARILLON_KAFKA_TOPICS: topic,
      CARILLON_JWKS_URL: issuer.jwksUrl,
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.05',
    },
  });
  cleanUp.push(
    () => collector.close(),
    () => issuer.close(),
    () => fleet.stop(),
  );
  const scene: Scene = { plan, cluster, topic, recorder, fleet, issuer, cleanUp };
  try {
    await cluster.hands.create(topic, partitions, { 'min.insync.replicas': '2' });
    await createTopics(cluster.direct, [{ topic: `${topic}.dlq`, partitions: 1 }]);
    await Promise.all(gateways.map((name) => fleet.start(name)));
    measureAlways(scene);
    const random = createRandom(plan.seed);
    await play(scene, { cluster, fleet, collector, issuer, topic, random, scribe: faultScribe });
  } finally {
    for (const task of cleanUp.reverse()) await Promise.resolve(task()).catch(() => {});
    await recorder.close();
    await writeFile(join(plan.folder, 'gateways.txt'), fleet.output());
    await cluster.hands.admin.deleteTopics({ topics: [topic, `${topic}.dlq`] }).catch(() => {});
  }
};
