import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { GatewayUrls } from '../../src/gateway.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createSupervisor, type Supervisor } from '../../src/workers/supervisor.ts';
import { createSimulatedClock, type SimulatedClock } from '../support/simulated-clock.ts';
import { createFleet, type Fleet, workersConfig } from './fleet.ts';

const cleanUp: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0)) await task();
});

type SetUp = {
  readonly clock: SimulatedClock;
  readonly fleet: Fleet;
  readonly supervisor: Supervisor;
  readonly started: Promise<GatewayUrls | null>;
  readonly lines: readonly Record<string, unknown>[];
};

/** Starts a supervisor and waits until it has started its workers; they are not ready yet. */
const start = async (env: Readonly<Record<string, string>> = {}): Promise<SetUp> => {
  const clock = createSimulatedClock();
  const fleet = createFleet();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ stream: { write: (line) => lines.push(JSON.parse(line)) }, clock });
  const config = workersConfig(env);
  const { promise: allThere, resolve } = Promise.withResolvers<void>();
  const supervisor = createSupervisor(config, {
    clock,
    logger,
    spawn(index, events) {
      const made = fleet.spawn(index, events);
      if (fleet.processes.length === config.workers) resolve();
      return made;
    },
  });
  const started = supervisor.start();
  started.catch(() => {});
  await allThere;
  cleanUp.push(() => {
    const drained = supervisor.drain();
    for (const { end } of fleet.processes.map((each) => ({ end: () => each.end(0) }))) end();
    return drained;
  });
  return { clock, fleet, supervisor, started, lines };
};

const serving = async (env: Readonly<Record<string, string>> = {}): Promise<SetUp & { adminUrl: string }> => {
  const setUp = await start(env);
  for (const each of setUp.fleet.processes) each.serve();
  const urls = await setUp.started;
  return { ...setUp, adminUrl: urls?.admin ?? '' };
};

const get = async (url: string): Promise<{ status: number; body: string }> => {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
};

const well = { notReady: null, degraded: null };

describe.skipIf(process.platform !== 'linux')('a supervisor of workers', () => {
  describe('at the start', () => {
    it('gives each worker its number and one port, and is ready when all are', async () => {
      const { fleet, started } = await start({ CARILLON_WORKERS: '3' });
      expect(fleet.processes.map(({ config }) => config.worker)).toEqual([0, 1, 2]);
      const ports = new Set(fleet.processes.map(({ config }) => config.http.port));
      expect(ports.size).toBe(1);
      expect([...ports][0]).toBeGreaterThan(0);
      fleet.at(0).serve();
      fleet.at(2).serve();
      const first = await Promise.race([started, Promise.resolve('not yet')]);
      expect(first).toBe('not yet');
      fleet.at(1).serve();
      expect(await started).toEqual({
        graphql: `http://127.0.0.1:${[...ports][0]}/graphql`,
        console: null,
        admin: expect.stringMatching(/^http:\/\/localhost:\d+$|^http:\/\/127\.0\.0\.1:\d+$/),
      });
    });

    it('ends with what a worker refuses, once, however many refuse it', async () => {
      const { fleet, started } = await start();
      for (const each of fleet.processes) {
        each.say({ kind: 'refused', message: 'CARILLON_POLICY is /p.js, which exports nothing' });
        each.end(78);
      }
      await expect(started).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: 'CARILLON_POLICY is /p.js, which exports nothing',
      });
      expect(fleet.processes).toHaveLength(2);
    });

    it('refuses a port that somebody else has, before any worker is started', async () => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen({ port: 0, host: '127.0.0.1', reusePort: true }, resolve));
      cleanUp.push(() => other.close());
      const port = (other.address() as { port: number }).port;
      const fleet = createFleet();
      const clock = createSimulatedClock();
      const supervisor = createSupervisor(workersConfig({ CARILLON_PORT: String(port) }), {
        clock,
        logger: createLogger({ stream: { write() {} }, clock }),
        spawn: fleet.spawn,
      });
      await expect(supervisor.start()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`CARILLON_PORT 127.0.0.1:${port}`),
      });
      expect(fleet.processes).toEqual([]);
      expect(await supervisor.drain()).toBe(true);
    });
  });

  describe('a worker that ends', () => {
    it('is replaced after a wait that doubles up to 10 s, is counted, and the others go on', async () => {
      const { fleet, clock, adminUrl, lines } = await serving();
      const waits = [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000];
      for (const [n, wait] of waits.entries()) {
        fleet.at(0).end(null, 'SIGKILL');
        clock.advance(wait - 1);
        expect(fleet.processes).toHaveLength(2 + n);
        clock.advance(1);
        expect(fleet.processes).toHaveLength(3 + n);
      }
      expect(fleet.processes.filter(({ index }) => index === 1)).toHaveLength(1);
      expect(fleet.at(0).config).toEqual(fleet.processes[0]?.config);
      expect(lines.find(({ level }) => level === 'error')).toMatchObject({
        worker: 0,
        pid: 100,
        signal: 'SIGKILL',
        delayMs: 100,
      });
      const [metrics] = await Promise.all([get(`${adminUrl}/metrics`), fleet.at(1).answer('metrics', 'a 1\n')]);
      expect(metrics.body).toContain(`carillon_worker_restarts_total{worker="0"} ${waits.length}\n`);
      expect(metrics.body).toContain('carillon_worker_restarts_total{worker="1"} 0\n');
    });

    it('is replaced at once again after it has served a while', async () => {
      const { fleet, clock } = await serving();
      for (const wait of [100, 200]) {
        fleet.at(0).end(1);
        clock.advance(wait);
      }
      fleet.at(0).serve();
      for (let n = 0; n < 6; n++) {
        clock.advance(5_000);
        await Promise.all([fleet.at(0).answer('alive', null), fleet.at(1).answer('alive', null)]);
      }
      fleet.at(0).end(1);
      clock.advance(100);
      expect(fleet.processes.filter(({ index }) => index === 0)).toHaveLength(4);
    });

    it('does not end the others where its replacement refuses the configuration', async () => {
      const { fleet, clock, lines } = await serving();
      fleet.at(0).end(1);
      clock.advance(100);
      fleet.at(0).say({ kind: 'refused', message: 'orders.graphql: no such type' });
      fleet.at(0).end(78);
      clock.advance(200);
      expect(fleet.processes.filter(({ index }) => index === 0)).toHaveLength(3);
      expect(lines).toContainEqual(expect.objectContaining({ code: 78, error: 'orders.graphql: no such type' }));
    });

    it('is ended first where it answers nothing for half a minute', async () => {
      const { fleet, clock } = await serving();
      for (let n = 0; n < 6; n++) {
        clock.advance(5_000);
        await fleet.at(1).answer('alive', null);
      }
      expect(fleet.at(0).isKilled).toBe(false);
      clock.advance(5_000);
      expect(fleet.at(0).isKilled).toBe(true);
      expect(fleet.at(1).isKilled).toBe(false);
      fleet.at(0).end(null, 'SIGKILL');
      clock.advance(100);
      expect(fleet.at(0).isKilled).toBe(false);
    });
  });

  describe('the admin port', () => {
    it('is ready when all workers are', async () => {
      const { fleet, adminUrl } = await serving();
      const [ready] = await Promise.all([
        get(`${adminUrl}/readyz`),
        ...fleet.processes.map((each) => each.answer('readiness', well)),
      ]);
      expect(ready).toEqual({ status: 200, body: '{"status":"ready"}\n' });
    });

    it('says which workers are not ready, and why', async () => {
      const { fleet, adminUrl } = await serving({ CARILLON_WORKERS: '3' });
      fleet.at(2).end(9);
      const [{ status, body }] = await Promise.all([
        get(`${adminUrl}/readyz`),
        fleet.at(0).answer('readiness', well),
        fleet.at(1).answer('readiness', { notReady: 'waiting for the log (kafka)', degraded: null }),
      ]);
      expect(status).toBe(503);
      expect(JSON.parse(body)).toEqual({
        status: 'not_ready',
        reason: 'worker 2 ended with exit code 9; worker 1: waiting for the log (kafka)',
      });
    });

    it('says which worker is degraded, and stays ready', async () => {
      const { fleet, adminUrl } = await serving();
      const [{ status, body }] = await Promise.all([
        get(`${adminUrl}/readyz`),
        fleet.at(0).answer('readiness', well),
        fleet.at(1).answer('readiness', { notReady: null, degraded: 'the log has not answered for 3 s' }),
      ]);
      expect(status).toBe(200);
      expect(JSON.parse(body)).toEqual({ status: 'degraded', reason: 'worker 1: the log has not answered for 3 s' });
    });

    it('does not wait for a worker that hangs: the others are shown, and it is named', async () => {
      const { fleet, clock, adminUrl } = await serving();
      const metrics = get(`${adminUrl}/metrics`);
      await fleet.at(1).answer('metrics', '# TYPE a counter\na 4\n');
      await fleet.at(0).asked('metrics');
      clock.advance(3_000);
      const { body } = await metrics;
      expect(body).toContain('carillon_worker_up{worker="0"} 0\ncarillon_worker_up{worker="1"} 1\n');
      expect(body).toContain('a{worker="1"} 4\n');
      const ready = get(`${adminUrl}/readyz`);
      await fleet.at(1).answer('readiness', well);
      await fleet.at(0).asked('readiness');
      clock.advance(800);
      expect(JSON.parse((await ready).body)).toMatchObject({ reason: 'worker 0 did not answer within 800 ms' });
      expect((await get(`${adminUrl}/livez`)).status).toBe(200);
    });

    it('shows each worker with its process and machines, and why one is missing', async () => {
      const { fleet, adminUrl } = await serving();
      fleet.at(0).end(null, 'SIGSEGV');
      const [{ body }] = await Promise.all([
        get(`${adminUrl}/snapshot`),
        fleet.at(1).answer('snapshot', { sessions: 4 }),
      ]);
      expect(JSON.parse(body)).toEqual({
        workers: [
          { worker: 0, pid: null, state: 'waiting', restarts: 0, problem: 'was ended by SIGSEGV' },
          { worker: 1, pid: 101, state: 'ready', restarts: 0, snapshot: { sessions: 4 } },
        ],
      });
    });

    it('shows a worker that failed to answer as one without metrics', async () => {
      const { fleet, adminUrl } = await serving();
      const metrics = get(`${adminUrl}/metrics`);
      fleet.at(0).say({ kind: 'failed', id: await fleet.at(0).asked('metrics'), error: 'no' });
      await fleet.at(1).answer('metrics', 'a 1\n');
      expect((await metrics).body).toContain('carillon_worker_up{worker="0"} 0\n');
    });

    it('is not ready while a worker has not taken up its channel, and does not ask it', async () => {
      const { fleet, clock, adminUrl } = await serving();
      fleet.at(0).end(1);
      clock.advance(100);
      const [{ body }] = await Promise.all([get(`${adminUrl}/readyz`), fleet.at(1).answer('readiness', well)]);
      expect(JSON.parse(body)).toMatchObject({ reason: 'worker 0 is starting' });
      expect(fleet.at(0).received.map(({ kind }) => kind)).toEqual(['start']);
    });
  });

  describe('a drain', () => {
    it('tells all workers at once, is not ready meanwhile, and ends clean when all have', async () => {
      const { fleet, supervisor, adminUrl } = await serving();
      const drained = supervisor.drain();
      for (const each of fleet.processes) expect(each.received.at(-1)).toEqual({ kind: 'drain' });
      expect(JSON.parse((await get(`${adminUrl}/readyz`)).body)).toMatchObject({ reason: 'draining' });
      fleet.at(0).end(0);
      const first = await Promise.race([drained, Promise.resolve('not yet')]);
      expect(first).toBe('not yet');
      fleet.at(1).end(0);
      expect(await drained).toBe(true);
      expect(fleet.processes).toHaveLength(2);
      await expect(fetch(`${adminUrl}/livez`)).rejects.toThrow();
    });

    it.each([
      [1, null],
      [null, 'SIGKILL'],
    ])('is not clean where a worker ends with %s %s, and that one is not replaced', async (code, signal) => {
      const { fleet, supervisor, clock } = await serving();
      const drained = supervisor.drain();
      fleet.at(0).end(code, signal ?? undefined);
      fleet.at(1).end(0);
      expect(await drained).toBe(false);
      clock.advance(20_000);
      expect(fleet.processes).toHaveLength(2);
    });

    it('kills who is there still two seconds past the deadline', async () => {
      const { fleet, supervisor, clock } = await serving({ CARILLON_DRAIN_SECONDS: '5' });
      const drained = supervisor.drain();
      fleet.at(0).end(0);
      clock.advance(6_999);
      expect(fleet.at(1).isKilled).toBe(false);
      clock.advance(1);
      await Promise.resolve();
      await expect.poll(() => fleet.at(1).isKilled).toBe(true);
      expect(fleet.at(0).isKilled).toBe(false);
      fleet.at(1).end(null, 'SIGKILL');
      expect(await drained).toBe(false);
    });

    it('does not start the next process of a worker that has ended', async () => {
      const { fleet, supervisor, clock } = await serving();
      fleet.at(0).end(1);
      const drained = supervisor.drain();
      clock.advance(1_000);
      fleet.at(1).end(0);
      expect(await drained).toBe(true);
      expect(fleet.processes).toHaveLength(2);
    });

    it('before the start is over ends it with null', async () => {
      const { fleet, supervisor, started } = await start();
      const drained = supervisor.drain();
      expect(await started).toBeNull();
      // A signal to the whole group comes before a process knows what to do with it.
      fleet.at(0).end(null, 'SIGINT');
      fleet.at(1).end(0);
      expect(await drained).toBe(true);
    });

    it('is ended at once by kill', async () => {
      const { fleet, supervisor } = await serving();
      supervisor.kill();
      expect(fleet.processes.map(({ isKilled }) => isKilled)).toEqual([true, true]);
    });
  });
});
