import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { CursorCodec } from '../cursor.ts';
import type { DeadLetterReason, DecodeRecord, EncodeEvent, NewRecord, OpenRecord, Position } from '../event.ts';
import { partitionId } from '../event.ts';
import type { EventLog, Feed } from '../log/event-log.ts';
import type { Telemetry } from '../telemetry/facade.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Viewer } from '../viewer.ts';
import { Admission } from './admission.ts';
import { adoptKeptBlocks, type BlockWarmerDeps, warmBlocks } from './block-warmer.ts';
import { type BlockStore, Blocks } from './blocks.ts';
import { CatchUpPool } from './catch-up-pool.ts';
import { Checkpoints } from './checkpoints.ts';
import { Directory } from './directory.ts';
import { EntryReader } from './entry-reader.ts';
import { FlushQueue } from './flush-queue.ts';
import { Intake } from './intake.ts';
import { createMachineRunner } from './machine-runner.ts';
import { OperationRecords, type ParkingStore } from './operation-records.ts';
import { type CoreOptions, defaultCoreOptions } from './options.ts';
import { Parking } from './parking.ts';
import { noPolicy, type PolicyGuard } from './policy-guard.ts';
import { LogPublisher } from './publisher.ts';
import type { Publisher } from './publishing.ts';
import { Resumption } from './resumption.ts';
import { Ring } from './ring.ts';
import { Router } from './router.ts';
import { type Scheduler, systemScheduler } from './scheduler.ts';
import type { Sessions } from './session.ts';
import { wireSessionMachine } from './session-effects.ts';
import { type DrainOptions, SessionTable } from './sessions.ts';
import { type CoreStats, countBy, readStats, registerGauges } from './stats.ts';
import type { Subscription, SubscriptionPort } from './subscription.ts';
import { Tail } from './tail.ts';
import { createTimerWheel, type TimerWheel } from './timer-wheel.ts';
import { Turn } from './turn.ts';
import { Users } from './users.ts';
import { warmUp } from './warm-up.ts';

/** Joins the parts of this room: one feed, one tail, one directory, all sessions. */

export type CoreDeps = {
  /** Over the notification topics; opened here, closed by its owner. */
  readonly log: EventLog;
  readonly open: OpenRecord;
  readonly decode: DecodeRecord;
  readonly encode: EncodeEvent;
  readonly cursors: CursorCodec;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  /** What differs from the defaults. */
  readonly options?: Partial<CoreOptions>;
  /** Whether a viewer's token counts no more. @default none is */
  readonly isRevoked?: (viewer: Viewer) => boolean;
  /** The deployer's policy. @default noPolicy */
  readonly policy?: PolicyGuard;
  /** Where positions are parked for other nodes, and for this one after a restart. @default in memory */
  readonly parkingStore?: ParkingStore;
  /** Whether other nodes may share the store. @default false */
  readonly hasOtherNodes?: boolean;
  /** Where is kept whom stretches of the log are for. @default it is found out again after each start */
  readonly blockStore?: BlockStore;
  /** Hears of every record that could not be read, again after each start for those near the end of the log. Must be cheap. */
  deadLetter(position: Position, reason: DeadLetterReason): void;
  /** @default systemScheduler */
  readonly scheduler?: Scheduler;
  /** 0 (inclusive) to 1 (exclusive). @default Math.random */
  readonly random?: () => number;
};

/** States of machines with how many are in each, for a person. */
export type CoreSnapshot = {
  readonly sessions: Readonly<Record<string, number>>;
  readonly users: Readonly<Record<string, number>>;
};

export type Core = {
  readonly sessions: Sessions;
  readonly publisher: Publisher;
  /** Opens the log, warms up and follows. Resolves when live; retries for ever; after `stop` it resolves without. Rejects as `log.open` does. */
  start(): Promise<void>;
  /** Tokens were revoked: closes every session whose token is among them, with reason `revoked`; returns how many. */
  closeRevoked(): number;
  /** Closes all sessions in waves and lets publishes finish. */
  drain(options?: DrainOptions): Promise<void>;
  /** Ends everything at once; idempotent. The log stays open. */
  stop(): Promise<void>;
  /** Who is in which state. */
  snapshot(): CoreSnapshot;
  /** Of the topic that this node's records of a partition are of; the log may know a newer one. */
  readonly fingerprintOf: Tail['fingerprintOf'];
  readonly stats: CoreStats;
};

/** Creates the core; nothing is contacted before `start`. */
export const createCore = (deps: CoreDeps): Core => new ActorCore(deps);

class ActorCore implements Core {
  readonly sessions: SessionTable;
  readonly publisher: LogPublisher;
  readonly fingerprintOf: Core['fingerprintOf'] = (partition) => this.#tail.fingerprintOf(partition);
  readonly #deps: CoreDeps;
  readonly #options: CoreOptions;
  readonly #wheel: TimerWheel;
  readonly #scheduler: Scheduler;
  readonly #directory = new Directory();
  readonly #tail: Tail;
  readonly #ring: Ring;
  readonly #blocks: Blocks;
  readonly #intake: Intake;
  readonly #catchUps: CatchUpPool;
  readonly #checkpoints: Checkpoints;
  readonly #users: Users;
  readonly #parking: Parking;
  readonly #resumption: Resumption;
  readonly #abort = new AbortController();
  #feed: Feed | null = null;
  #unlisten: (() => void) | null = null;
  #stalledMs = 0;
  #isLive = false;

  constructor(deps: CoreDeps) {
    this.#deps = deps;
    this.#options = { ...defaultCoreOptions, ...deps.options };
    this.#scheduler = deps.scheduler ?? systemScheduler;
    const { clock, log, telemetry, open, cursors, encode } = deps;
    const reader = new EntryReader({ decode: deps.decode, counts: telemetry.counts });
    this.#wheel = createTimerWheel({ clock, onThrow: (thrown) => this.#taskThrew(thrown) });
    this.#tail = new Tail(cursors);
    this.#ring = new Ring(this.#options.ringBytesPerPartition, reader);
    this.#blocks = new Blocks({
      size: this.#options.blockOffsets,
      maxBytes: this.#options.blocksBytes,
      store: deps.blockStore ?? null,
      fingerprintOf: this.fingerprintOf,
    });
    this.#catchUps = new CatchUpPool({
      log,
      open,
      reader,
      cursors,
      tail: this.#tail,
      ring: this.#ring,
      blocks: this.#blocks,
      turn: this.#newTurn(this.#options.maxCatchUpTurnMs),
      clock,
      wheel: this.#wheel,
      scheduler: this.#scheduler,
      telemetry,
      options: this.#options,
    });
    this.#intake = this.#createIntake();
    this.#checkpoints = new Checkpoints({
      directory: this.#directory,
      tail: this.#tail,
      checkpointMs: this.#options.checkpointMs,
      ...this.#time(),
    });
    this.#parking = this.#createParking();
    this.#resumption = new Resumption(this.#parking, (thrown) => this.#taskThrew(thrown));
    const runner = createMachineRunner(this.#wheel);
    this.#users = new Users({ runner, options: this.#options, monotonic: () => clock.monotonic() });
    this.sessions = this.#createSessions(runner);
    this.publisher = new LogPublisher({
      log,
      encode,
      clock,
      telemetry,
      options: this.#options,
      hasRead: (record) => this.#hasRead(record),
      isDraining: () => this.sessions.isDraining,
    });
    registerGauges(telemetry, () => this.stats);
  }

  get stats(): CoreStats {
    const { sessions } = this;
    return readStats({
      sessions: sessions.all,
      users: this.#users.size,
      directory: this.#directory,
      catchingUp: this.#catchUps.size,
      knownBlocks: this.#blocks.count,
      stalledMs: this.#stalledMs,
      isLive: this.#isLive,
    });
  }

  async start(): Promise<void> {
    const { log } = this.#deps;
    const { signal } = this.#abort;
    this.#intake.adopt(await log.open());
    if (signal.aborted) return;
    await adoptKeptBlocks(this.#blockWarmerDeps());
    await warmUp(this.#intake, log, { signal, pause: () => this.#pause() });
    if (signal.aborted) return;
    this.#unlisten = log.onTopologyChange((topology) => this.#intake.adopt(topology));
    this.#feed = log.follow(this.#tail.snapshot(), this.#intake);
    this.#intake.adopt(log.topology());
    this.#checkpoints.start();
    this.#sweepParking();
    this.#isLive = true;
    void warmBlocks(this.#blockWarmerDeps());
  }

  closeRevoked(): number {
    return this.sessions.closeRevoked();
  }

  async drain(options?: DrainOptions): Promise<void> {
    await this.sessions.drain(options);
    await this.publisher.settled();
  }

  async stop(): Promise<void> {
    this.#isLive = false;
    this.#abort.abort();
    this.sessions.stop();
    this.#users.stop();
    this.#checkpoints.stop();
    this.#parking.close();
    this.#catchUps.stop();
    this.#unlisten?.();
    await this.#feed?.stop();
    this.#wheel.stop();
  }

  snapshot(): CoreSnapshot {
    return {
      sessions: countBy(this.sessions.all, (session) => session.describe()),
      users: countBy(this.#users.all, (user) => user.describe()),
    };
  }

  #blockWarmerDeps(): BlockWarmerDeps {
    const { log, open } = this.#deps;
    return {
      ...this.#time(),
      log,
      open,
      blocks: this.#blocks,
      maxAgeMs: this.#options.replayMaxAgeMs,
      pause: (delayMs) => this.#pause(delayMs),
      signal: this.#abort.signal,
    };
  }

  #createParking(): Parking {
    const { parkingStore: store = null, hasOtherNodes = false, logger } = this.#deps;
    const { awayWindowMs: windowMs, maxParked } = this.#options;
    return new Parking({
      ...this.#time(),
      records: new OperationRecords({ store, node: randomUUID().slice(0, 8), logger }),
      isAlone: !hasOtherNodes,
      windowMs,
      maxParked,
      lost: (key, isClaimed) => this.#resumption.lost(key, isClaimed),
      guessOf: (key) => this.#resumption.guessOf(key),
      placed: (key, position) => this.#resumption.placed(key, position),
    });
  }

  #sweepParking(count: number = 1): void {
    this.#wheel.after(parkingSweepMs, () => {
      this.#parking.sweep();
      if (count % heldSweepEvery === 0) this.#parking.sweepHeld();
      this.#sweepParking(count + 1);
    });
  }

  #createIntake(): Intake {
    const { log, decode, telemetry, logger } = this.#deps;
    return new Intake({
      ...this.#time(),
      decode,
      tail: this.#tail,
      ring: this.#ring,
      blocks: this.#blocks,
      router: new Router({ directory: this.#directory, tail: this.#tail, telemetry }),
      turn: this.#newTurn(),
      telemetry,
      logger,
      topology: () => log.topology(),
      deadLetter: (position, reason) => this.#deps.deadLetter(position, reason),
      moved: () => this.#catchUps.moved(),
      gap: (gap) => this.#catchUps.gap(gap),
      stalled: (ms) => {
        this.#stalledMs = ms;
      },
    });
  }

  #createSessions(runner: ReturnType<typeof createMachineRunner>): SessionTable {
    const { clock, telemetry, logger } = this.#deps;
    const options = this.#options;
    const time = this.#time();
    return new SessionTable({
      clock,
      runner,
      machine: wireSessionMachine(options, clock),
      users: this.#users,
      admission: new Admission({
        perSecond: options.admissionsPerSecond,
        burst: options.admissionBurst,
        maxWaiting: options.maxWaitingAdmissions,
        ...time,
      }),
      flushes: new FlushQueue({ scheduler: this.#scheduler, turn: this.#newTurn() }),
      telemetry,
      logger,
      options,
      tail: this.#tail,
      policy: this.#deps.policy ?? noPolicy,
      isRevoked: this.#deps.isRevoked ?? (() => false),
      port: this.#subscriptionPort(),
      resumption: this.#resumption,
      placeOf: (subscription) => (subscription.isLive ? this.#tail.cursor() : this.#catchUps.placeOf(subscription)),
      attach: (subscription, after) => this.#attach(subscription, after),
      relieved: (subscription) => this.#catchUps.relieved(subscription),
      ...time,
    });
  }

  #subscriptionPort(): SubscriptionPort {
    return {
      ...this.#time(),
      unreadableFoldMs: this.#options.unreadableFoldMs,
      canReceive: (this.#deps.policy ?? noPolicy).canReceive,
      count: (name, label) => this.#deps.telemetry.count(name, label),
      startCatchUp: (subscription) => this.#catchUps.startAtTail(subscription),
      forget: (subscription) => {
        this.#directory.remove(subscription);
        this.#catchUps.remove(subscription);
      },
    };
  }

  /** In one turn: what is dispatched after this call is delivered, or lies beyond the position that catching up begins at. */
  #attach(subscription: Subscription, after: string | null): void {
    this.#directory.add(subscription);
    if (after !== null) {
      this.#catchUps.startAt(subscription, after);
      return;
    }
    subscription.isLive = true;
    subscription.offerCheckpoint(this.#tail.cursor());
  }

  /** The duplicate key is the codec's business: it is read from the record as any node would read it. */
  #hasRead(record: NewRecord): boolean {
    const topic = this.#tail.topics[0]?.name ?? '';
    const timestampMs = this.#deps.clock.now();
    const position = { partition: partitionId(topic, 0), offset: 0n, epoch: -1, timestampMs };
    const opened = this.#deps.open({ ...position, key: record.key, value: record.value, headers: record.headers });
    return opened.kind === 'addressed' && this.#intake.hasSeen(opened.dedupeKey);
  }

  #time() {
    return {
      now: () => this.#deps.clock.now(),
      monotonic: () => this.#deps.clock.monotonic(),
      after: (delayMs: number, task: () => void) => this.#wheel.after(delayMs, task),
      random: this.#deps.random ?? Math.random,
    };
  }

  #newTurn(maxTurnMs: number = this.#options.maxTurnMs): Turn {
    return new Turn({ clock: this.#deps.clock, scheduler: this.#scheduler, maxTurnMs });
  }

  #pause(delayMs: number = this.#options.retryMs): Promise<void> {
    const { signal } = this.#abort;
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#wheel.after(delayMs, done);
      signal.addEventListener('abort', done);
    });
  }

  #taskThrew(thrown: unknown): void {
    this.#deps.telemetry.counts.actorFailures += 1;
    this.#deps.logger.error('a task of the actors threw', { error: String(thrown) });
  }
}

const parkingSweepMs = 10_000;
const heldSweepEvery = 60;
