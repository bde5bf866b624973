import { type AdminServer, type Readiness, startAdmin } from '../admin.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { type HeldPort, holdPort } from '../gateway/held-port.ts';
import type { GatewayUrls } from '../gateway.ts';
import type { Logger } from '../telemetry/logger.ts';
import { mergeMetrics, type OwnFamily } from './merged-metrics.ts';
import type { Answers, Question } from './protocol.ts';
import { type Reply, Seat } from './seat.ts';
import type { SpawnWorker } from './worker-process.ts';

/**
 * Several processes on one port, seen from outside as one gateway: one ready line, one admin port, one drain. It holds the port and serves no client;
 * what passes between workers goes over Kafka, as between nodes.
 */

export type SupervisorDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly spawn: SpawnWorker;
};

export type Supervisor = {
  /**
   * Resolves when every worker has been ready; with null when `drain` came first.
   * Rejects with CONFIG_INVALID where a person has to change something: a port that is taken, or what a worker refused at its first start.
   */
  start(): Promise<GatewayUrls | null>;
  /** Drains all workers at once within `drainMs` and resolves when they are gone, with whether each ended as it should. Idempotent. */
  drain(): Promise<boolean>;
  /** Ends all workers at once. */
  kill(): void;
  /** Each worker with its process and its machines by state. */
  snapshot(): Promise<unknown>;
};

/** Below the second that Kubernetes gives a probe by default: a worker that hangs shows as a reason, not as a probe without an answer. */
const readinessPatienceMs = 800;
/** Below the ten seconds that Prometheus gives a scrape by default. */
const patienceMs = 3_000;

/** What a worker may take beyond `drainMs`: it sends its last spans. Who is there still is killed. */
const drainGraceMs = 2_000;
/** How long the system may take to end what was killed. */
const killGraceMs = 1_000;

type Told<Name extends Question> = { readonly seat: Seat; readonly reply: Reply<Answers[Name]> };

const join = (reasons: readonly string[]): string | null => (reasons.length === 0 ? null : reasons.join('; '));

const family = (
  metric: Omit<OwnFamily, 'values'>,
  seats: readonly Seat[],
  value: (seat: Seat) => number,
): OwnFamily => ({ ...metric, values: seats.map((seat) => ({ worker: seat.index, value: value(seat) })) });

/** `up` says who answered this scrape. */
const ownFamilies = (seats: readonly Seat[], up: ReadonlySet<Seat>): readonly OwnFamily[] => [
  family(
    { name: 'carillon_worker_up', type: 'gauge', help: 'Whether the worker answered this scrape' },
    seats,
    (seat) => (up.has(seat) ? 1 : 0),
  ),
  family(
    {
      name: 'carillon_worker_restarts_total',
      type: 'counter',
      help: 'Processes started in place of one that ended unexpectedly',
    },
    seats,
    ({ restarts }) => restarts,
  ),
];

class SeatedSupervisor implements Supervisor {
  readonly #config: Config;
  readonly #deps: SupervisorDeps;
  readonly #started = Promise.withResolvers<GatewayUrls | null>();
  readonly #waitedFor = new Set<number>();
  #seats: readonly Seat[] = [];
  #port: HeldPort | null = null;
  #admin: AdminServer | null = null;
  #draining: Promise<boolean> | null = null;

  constructor(config: Config, deps: SupervisorDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  async start(): Promise<GatewayUrls | null> {
    const { http, admin } = this.#config;
    this.#port = await holdPort({ ...http, variable: 'CARILLON_PORT' });
    this.#admin = await startAdmin({
      ...admin,
      readiness: () => this.#readiness(),
      metrics: () => this.#metrics(),
      snapshot: () => this.snapshot(),
    });
    if (this.#draining !== null) return null;
    const { host, port } = this.#port;
    this.#seats = Array.from({ length: this.#config.workers }, (_, worker) =>
      this.#seat({ ...this.#config, http: { ...http, host, port }, worker }),
    );
    for (const seat of this.#seats) {
      this.#waitedFor.add(seat.index);
      seat.start();
    }
    return this.#started.promise;
  }

  drain(): Promise<boolean> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  kill(): void {
    for (const seat of this.#seats) seat.kill();
  }

  async snapshot(): Promise<unknown> {
    const told = await this.#askAll('snapshot', patienceMs);
    return {
      workers: told.map(({ seat: { index, pid, state, restarts }, reply }) => ({
        worker: index,
        pid,
        state,
        restarts,
        ...(reply.ok ? { snapshot: reply.value } : { problem: reply.why }),
      })),
    };
  }

  #seat(config: Config): Seat {
    const index = config.worker ?? 0;
    return new Seat(index, {
      ...this.#deps,
      config,
      ready: (urls) => this.#ready(index, urls),
      refused: (message) => this.#started.reject(new GatewayError('CONFIG_INVALID', message)),
    });
  }

  #ready(index: number, urls: GatewayUrls): void {
    this.#waitedFor.delete(index);
    if (this.#waitedFor.size === 0) this.#started.resolve({ ...urls, admin: this.#admin?.url ?? null });
  }

  #askAll<Name extends Question>(question: Name, withinMs: number): Promise<readonly Told<Name>[]> {
    return Promise.all(this.#seats.map(async (seat) => ({ seat, reply: await seat.ask(question, withinMs) })));
  }

  async #readiness(): Promise<Readiness> {
    if (this.#draining !== null) return { notReady: 'draining', degraded: null };
    if (this.#seats.length === 0) return { notReady: 'starting', degraded: null };
    const told = await this.#askAll('readiness', readinessPatienceMs);
    const reasons = (pick: (readiness: Readiness) => string | null) =>
      told.flatMap(({ seat: { index }, reply }) => {
        const reason = reply.ok ? pick(reply.value) : null;
        return reason === null ? [] : [`worker ${index}: ${reason}`];
      });
    const silent = told.flatMap(({ seat: { index }, reply }) => (reply.ok ? [] : [`worker ${index} ${reply.why}`]));
    return {
      notReady: join([...silent, ...reasons(({ notReady }) => notReady)]),
      degraded: join(reasons(({ degraded }) => degraded)),
    };
  }

  async #metrics(): Promise<string> {
    const told = await this.#askAll('metrics', patienceMs);
    const up = new Set(told.filter(({ reply }) => reply.ok).map(({ seat }) => seat));
    const nodes = told.flatMap(({ seat, reply }) => (reply.ok ? [{ worker: seat.index, text: reply.value }] : []));
    return mergeMetrics(ownFamilies(this.#seats, up), nodes);
  }

  async #drain(): Promise<boolean> {
    const all = Promise.all(this.#seats.map((seat) => seat.drain()));
    this.#started.resolve(null);
    const { drainMs } = this.#config;
    let outcome = await this.#within(all, drainMs + drainGraceMs);
    if (outcome === null) {
      const left = this.#seats.filter(({ state }) => state !== 'ended').map(({ index }) => index);
      this.#deps.logger.error('drain deadline passed: workers that are left are ended', {
        drainMs,
        workers: left.join(','),
      });
      this.kill();
      outcome = await this.#within(all, killGraceMs);
    }
    await this.#admin?.close();
    this.#port?.release();
    return outcome?.every((isClean) => isClean) ?? false;
  }

  /** Null where it is not there in time. */
  async #within<Value>(wanted: Promise<Value>, ms: number): Promise<Value | null> {
    const late = Promise.withResolvers<null>();
    const timer = this.#deps.clock.after(ms, () => late.resolve(null));
    const first = await Promise.race([wanted, late.promise]);
    timer.cancel();
    return first;
  }
}

/** Creates a supervisor of `config.workers` workers; nothing is opened or started before `start`. */
export const createSupervisor = (config: Config, deps: SupervisorDeps): Supervisor =>
  new SeatedSupervisor(config, deps);
