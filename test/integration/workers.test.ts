import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { resuming } from '../../examples/resume.ts';
import { type Follower, follow } from '../support/follower.ts';
import { type GatewayProcess, type SpawnedGateway, scratchFolder, spawnGateway } from '../support/gateway.ts';
import { kafkaForTests, uniqueTopic } from '../support/kafka.ts';
import { createTopics, type ForeignProducer, foreignProducer } from '../support/kafka-producer.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const cleanUp: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

type WorkerState = {
  readonly worker: number;
  readonly pid: number | null;
  readonly state: string;
  readonly restarts: number;
  readonly snapshot?: { readonly sessions: number };
  readonly problem?: string;
};

const workersOf = async ({ adminUrl }: GatewayProcess): Promise<readonly WorkerState[]> =>
  ((await (await fetch(`${adminUrl}/snapshot`)).json()) as { workers: WorkerState[] }).workers;

const sessionsOf = async (gateway: GatewayProcess): Promise<readonly number[]> =>
  (await workersOf(gateway)).map(({ snapshot }) => snapshot?.sessions ?? -1);

/** Waits until the sessions of all workers are as many as that: those of a test before may not have ended yet. */
const untilSessions = (gateway: GatewayProcess, count: number): Promise<void> =>
  expect.poll(async () => (await sessionsOf(gateway)).reduce((sum, each) => sum + each, 0)).toBe(count);

const readiness = async ({ adminUrl }: GatewayProcess): Promise<{ status: number; reason: string }> => {
  const response = await fetch(`${adminUrl}/readyz`);
  const { reason = '' } = (await response.json()) as { reason?: string };
  return { status: response.status, reason };
};

const metricsOf = async ({ adminUrl }: GatewayProcess): Promise<string> => (await fetch(`${adminUrl}/metrics`)).text();

const sampleOf = (metrics: string, series: string): number =>
  Number(
    metrics
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length),
  );

const isReady = async (gateway: GatewayProcess): Promise<boolean> => (await readiness(gateway)).status === 200;

/** Enough that all of them on one of two workers has odds of 1 in 2^39. */
const crowd = Array.from({ length: 40 }, (_, n) => `visitor-${n}`);

const latecomers = Array.from({ length: 20 }, (_, n) => `latecomer-${n}`);

const kafka = await kafkaForTests();

describe('workers on the embedded log', () => {
  it('are refused with the reason, exit 78', async () => {
    const gateway = spawnGateway({ CARILLON_LOG: 'embedded', CARILLON_WORKERS: '2' });
    expect(await gateway.exited).toBe(78);
    expect(gateway.output.join('\n')).toContain('CARILLON_WORKERS is 2 but the log is embedded');
  });
});

describe.skipIf(kafka === null || process.platform !== 'linux')('two workers on one port, on Kafka', () => {
  const brokers = kafka?.brokers ?? [];
  const topic = uniqueTopic('workers');
  let producer: ForeignProducer;
  let folder: Awaited<ReturnType<typeof scratchFolder>>;

  const spawnWorkers = (env: Readonly<Record<string, string>> = {}, ownGroup = false): SpawnedGateway =>
    spawnGateway(
      {
        CARILLON_LOG: 'kafka',
        CARILLON_KAFKA_BROKERS: brokers.join(','),
        CARILLON_KAFKA_TOPICS: topic,
        CARILLON_DATA_DIR: folder.path,
        CARILLON_WORKERS: '2',
        ...env,
      },
      [],
      { ownGroup },
    );

  const followAll = async (gateway: GatewayProcess, users: readonly string[]): Promise<readonly Follower[]> => {
    const followers = await Promise.all(
      users.map(async (user) => follow(gateway.wsUrl, { token: await testToken(user) })),
    );
    cleanUp.push(() => Promise.all(followers.map((each) => each.close())));
    return followers;
  };

  const allSentAway = async (followers: readonly Follower[]): Promise<void> => {
    await Promise.all(followers.map((each) => each.until(({ closes }) => closes.length > 0)));
    expect(followers.map(({ closes }) => closes)).toEqual(crowd.map(() => [1012]));
  };

  /** The output of a process ends when all who have it are gone: the workers write to their supervisor's. */
  const allGone = ({ process: supervisor }: Pick<GatewayProcess, 'process'>): Promise<unknown> =>
    once(supervisor, 'close');

  beforeAll(async () => {
    folder = await scratchFolder();
    await createTopics(brokers, [
      { topic, partitions: 6 },
      { topic: `${topic}.dlq`, partitions: 1 },
    ]);
    producer = await foreignProducer(brokers);
  });
  afterAll(async () => {
    await producer?.close();
    await folder?.remove();
  });

  describe('that go on', () => {
    let gateway: GatewayProcess;
    beforeAll(async () => {
      gateway = await spawnWorkers().ready;
    });
    afterAll(() => gateway?.end());

    it('share the clients between them, and an event reaches those on both, once', async () => {
      const followers = await followAll(gateway, crowd);
      await untilSessions(gateway, crowd.length);
      const sessions = await sessionsOf(gateway);
      expect(Math.min(...sessions)).toBeGreaterThan(0);
      const token = await testToken('service', { scopes: ['notifications:publish', 'notifications:publish:everyone'] });
      for (const title of ['one', 'two']) {
        const input = { audience: { everyone: true }, content: { message: { title } } };
        expect((await publish(gateway.httpUrl, { token, input })).errors).toBeUndefined();
      }
      await Promise.all(followers.map((each) => each.until(({ events }) => events.length === 2)));
      for (const { events } of followers) expect(events.map(({ title }) => title)).toEqual(['one', 'two']);
      const metrics = await metricsOf(gateway);
      for (const [worker, count] of sessions.entries()) {
        expect(sampleOf(metrics, `carillon_worker_up{worker="${worker}"}`)).toBe(1);
        expect(sampleOf(metrics, `carillon_connections{worker="${worker}",state="active"}`)).toBe(count);
        expect(sampleOf(metrics, `carillon_deliveries_total{worker="${worker}"}`)).toBe(count * 2);
        // Each has a reader of its own.
        expect(sampleOf(metrics, `carillon_records_read_total{worker="${worker}"}`)).toBe(2);
      }
      const instances = [...metrics.matchAll(/service_instance_id="([^"]+)"/g)].map((match) => match[1] ?? '');
      expect(instances).toEqual([expect.stringMatching(/-worker-0$/), expect.stringMatching(/-worker-1$/)]);
    });

    it('say one ready line, name the worker in each line of the log, and keep what is theirs apart', () => {
      expect(gateway.output.filter((line) => line.includes('carillon ready'))).toEqual([
        expect.stringContaining('2 workers'),
      ]);
      const lines = gateway.output.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect([0, 1]).toContain(line.worker);
      for (const worker of [0, 1]) expect(existsSync(join(folder.path, `worker-${worker}`, 'blocks'))).toBe(true);
      expect(gateway.output.join('\n')).not.toContain('not kept');
    });

    it('lose nothing of a client that comes back with its cursor when one is killed, and that one is replaced', async () => {
      const pages = await Promise.all(crowd.map((user) => openPage(gateway.wsUrl, user)));
      cleanUp.push(() => {
        for (const page of pages) page.close();
      });
      const write = async (from: number, count: number): Promise<void> => {
        for (let n = from; n < from + count; n++)
          await producer.send(
            topic,
            crowd.map((key) => ({ key, value: JSON.stringify({ title: `${key} ${n}` }) })),
          );
      };
      await write(0, 3);
      await untilSessions(gateway, crowd.length);
      const [before] = await workersOf(gateway);
      expect(before?.snapshot?.sessions).toBeGreaterThan(0);
      process.kill(before?.pid ?? 0, 'SIGKILL');
      await write(3, 3);
      await Promise.all(pages.map((page) => page.until(({ titles }) => titles.length >= 6)));
      for (const [n, page] of pages.entries()) {
        expect(page.titles).toEqual([0, 1, 2, 3, 4, 5].map((each) => `${crowd[n]} ${each}`));
        expect(page.gaps).toEqual([]);
      }
      expect(pages.filter(({ connections }) => connections > 1)).toHaveLength(before?.snapshot?.sessions ?? -1);
      await expect.poll(() => isReady(gateway), { timeout: 20_000 }).toBe(true);
      const [after] = await workersOf(gateway);
      expect(after).toMatchObject({ worker: 0, state: 'ready', restarts: 1 });
      expect(after?.pid).not.toBe(before?.pid);
      const metrics = await metricsOf(gateway);
      expect(sampleOf(metrics, 'carillon_worker_restarts_total{worker="0"}')).toBe(1);
      expect(sampleOf(metrics, 'carillon_worker_restarts_total{worker="1"}')).toBe(0);
      expect(gateway.output.join('\n')).toContain('a worker ended: another takes its place');
      await followAll(gateway, crowd);
      expect((await sessionsOf(gateway))[0]).toBeGreaterThan(0);
    }, 60_000);

    it('let one be told to end by itself: its clients go on with the other, and it is replaced', async () => {
      const followers = await followAll(gateway, crowd);
      await untilSessions(gateway, crowd.length);
      const [, before] = await workersOf(gateway);
      process.kill(before?.pid ?? 0, 'SIGTERM');
      const left = (each: Follower): boolean => each.closes.length > 0;
      await Promise.race(followers.map((each) => each.until(left)));
      // The port is the other's by now, though most of its clients are still here.
      await followAll(gateway, latecomers);
      await expect.poll(() => followers.filter(left).length).toBe(before?.snapshot?.sessions);
      for (const { closes } of followers.filter(left)) expect(closes).toEqual([1012]);
      await expect.poll(async () => (await workersOf(gateway))[1]?.restarts).toBe(1);
      await expect.poll(() => isReady(gateway), { timeout: 20_000 }).toBe(true);
    }, 60_000);

    it('do not let one that hangs hold up the admin port, which says which one it is', async () => {
      const [, { pid } = { pid: null }] = await workersOf(gateway);
      process.kill(pid ?? 0, 'SIGSTOP');
      try {
        expect(await readiness(gateway)).toEqual({ status: 503, reason: 'worker 1 did not answer within 800 ms' });
        const metrics = await metricsOf(gateway);
        expect(sampleOf(metrics, 'carillon_worker_up{worker="0"}')).toBe(1);
        expect(sampleOf(metrics, 'carillon_worker_up{worker="1"}')).toBe(0);
        expect((await workersOf(gateway))[1]).toMatchObject({ problem: 'did not answer within 3000 ms' });
        expect((await fetch(`${gateway.adminUrl}/livez`)).status).toBe(200);
      } finally {
        process.kill(pid ?? 0, 'SIGCONT');
      }
      await expect.poll(() => isReady(gateway)).toBe(true);
    });

    it('print the machines of all of them at one SIGUSR2', async () => {
      gateway.process.kill('SIGUSR2');
      const printed = (): string | undefined => gateway.output.find((line) => line.startsWith('{"workers"'));
      await expect.poll(printed).toBeDefined();
      expect(JSON.parse(printed() ?? '').workers).toHaveLength(2);
    });
  });

  describe('that end', () => {
    it.each(['SIGTERM', 'SIGINT'] as const)('drain on one %s to all of the group, exit 0', async (signal) => {
      const gateway = await spawnWorkers({}, true).ready;
      const followers = await followAll(gateway, crowd);
      const gone = allGone(gateway);
      process.kill(-gateway.pid, signal);
      const [code] = (await gone) as [number | null];
      expect(code).toBe(0);
      await allSentAway(followers);
    });

    it('drain on SIGTERM to the supervisor alone, without an error in the log, exit 0', async () => {
      const gateway = await spawnWorkers().ready;
      const followers = await followAll(gateway, crowd);
      const token = await testToken('service', { scopes: ['notifications:publish'] });
      const answers = crowd.map((user) => publish(gateway.httpUrl, { token, input: messageTo(user, 'last words') }));
      await Promise.all(answers);
      const gone = allGone(gateway);
      expect(await gateway.end('SIGTERM')).toBe(0);
      await gone;
      await allSentAway(followers);
      expect(gateway.output.join('\n')).not.toContain('"level":"error"');
    });

    it('end at once on a second signal', async () => {
      const gateway = await spawnWorkers({ CARILLON_DRAIN_SECONDS: '600' }).ready;
      await followAll(gateway, crowd);
      const gone = allGone(gateway);
      gateway.process.kill('SIGTERM');
      // Which of two signals sent at once comes second is the system's choice.
      expect([130, 143]).toContain(await gateway.end('SIGINT'));
      await gone;
    });

    it('drain by themselves where their supervisor is killed, and leave nobody behind', async () => {
      const gateway = await spawnWorkers().ready;
      const followers = await followAll(gateway, crowd);
      const gone = allGone(gateway);
      await gateway.end('SIGKILL');
      await gone;
      await allSentAway(followers);
    });

    it('end with 78 where a worker cannot use its configuration, and say so once', async () => {
      const events = await scratchFolder();
      cleanUp.push(() => events.remove());
      await writeFile(join(events.path, 'broken.graphql'), 'type Broken @event(type: "broken") { x: Nowhere }\n');
      const gateway = spawnWorkers({ CARILLON_EVENTS_DIR: events.path });
      expect(await gateway.exited).toBe(78);
      expect(gateway.output.filter((line) => line.includes('Nowhere'))).toHaveLength(1);
    });
  });
});

const query = `subscription ($after: Cursor) {
  notificationReceived(after: $after) { cursor gap { reason } edge { node { title } } }
}`;
type Answer = {
  readonly notificationReceived: {
    readonly cursor: string;
    readonly gap: { readonly reason: string } | null;
    readonly edge: { readonly node: { readonly title: string } } | null;
  };
};

type Page = {
  readonly titles: readonly string[];
  readonly gaps: readonly string[];
  readonly connections: number;
  until(condition: (page: Page) => boolean): Promise<void>;
  close(): void;
};

/** A page with a stock client that reconnects for ever, and the cursor kept as `examples/resume.ts` does; resolves once it follows. */
const openPage = async (url: string, user: string): Promise<Page> => {
  const titles: string[] = [];
  const gaps: string[] = [];
  let connections = 0;
  let look = (): void => {};
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: () => new Promise((resolve) => setImmediate(resolve)),
    connectionParams: async () => ({ authorization: `Bearer ${await testToken(user)}` }),
    on: {
      connected: () => {
        connections += 1;
      },
    },
  });
  const { promise: begun, resolve: begin, reject: refuse } = Promise.withResolvers<void>();
  resuming(client).subscribe<Answer>(
    { query, variables: {} },
    {
      next({ data }) {
        begin();
        const { gap, edge } = data?.notificationReceived ?? {};
        if (gap) gaps.push(gap.reason);
        if (edge) titles.push(edge.node.title);
        look();
      },
      error: refuse,
      complete: () => {},
    },
  );
  await begun;
  const page: Page = {
    titles,
    gaps,
    get connections() {
      return connections;
    },
    until: (condition) =>
      new Promise((resolve) => {
        look = () => void (condition(page) && resolve());
        look();
      }),
    close: () => void client.dispose(),
  };
  return page;
};
