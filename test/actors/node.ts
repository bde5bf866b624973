import type { BlockStore } from '../../src/actors/blocks.ts';
import { type Core, type CoreOptions, createCore, type PolicyGuard } from '../../src/actors/index.ts';
import type { ParkingStore } from '../../src/actors/operation-records.ts';
import type { Scheduler } from '../../src/actors/scheduler.ts';
import type { Clock } from '../../src/clock.ts';
import { createCursorCodec } from '../../src/cursor.ts';
import {
  type Audience,
  type DeadLetterReason,
  isUserId,
  type NewRecord,
  type Position,
  type UserId,
} from '../../src/event.ts';
import type { EventLog, LogChunk } from '../../src/log/event-log.ts';
import { createRecordCodec } from '../../src/log/record-codec.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import type { Viewer } from '../../src/viewer.ts';
import { createMemoryStore, type MemoryStore } from '../support/memory-log.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { createSimulatedClock, type SimulatedClock } from '../support/simulated-clock.ts';

/** Nodes on a simulated clock over one log in memory, moved on by the test. */

export const topic = 'notifications';

export const userId = (text: string): UserId => {
  if (!isUserId(text)) throw new Error(`${text} is no user id`);
  return text;
};

export const viewer = (name: string, more: Partial<Viewer> = {}): Viewer => ({
  userId: userId(name),
  scopes: new Set(['notifications:publish']),
  topics: ['news.**'],
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  issuer: 'test',
  tokenId: null,
  sessionId: null,
  issuedAtMs: null,
  ...more,
});

/** Runs what was put off when the test says so. */
export class ManualScheduler implements Scheduler {
  #tasks: (() => void)[] = [];

  soon(task: () => void): void {
    this.#tasks.push(task);
  }

  /** Runs what is there now; says how many. */
  run(): number {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
    return tasks.length;
  }
}

export const afterIo = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export type TestNode = {
  readonly core: Core;
  readonly scheduler: ManualScheduler;
  readonly telemetry: ReturnType<typeof silentTelemetry>;
  readonly deadLetters: { position: Position; reason: DeadLetterReason }[];
  /** Holds the feed back: what is appended does not reach this node until it is let go. */
  hold(): void;
  release(): void;
};

export type World = {
  readonly store: MemoryStore;
  readonly log: EventLog;
  readonly clock: SimulatedClock;
  node(options?: NodeOptions): Promise<TestNode>;
  /** Nothing of `node` runs any more, as after kill -9. */
  kill(node: TestNode): void;
  /** Runs every node until nothing happens any more. */
  settle(): Promise<void>;
};

export type NodeOptions = Partial<CoreOptions> & {
  /** How much time every look at the clock takes, so that turns end in the middle of work. @default 0 */
  readonly tickMs?: number;
  readonly topics?: readonly string[];
  readonly policy?: PolicyGuard;
  readonly isRevoked?: (viewer: Viewer) => boolean;
  readonly parkingStore?: ParkingStore;
  readonly hasOtherNodes?: boolean;
  readonly random?: () => number;
  readonly blockStore?: BlockStore;
  /** What stands between the node and its log. */
  readonly throughLog?: (log: EventLog) => EventLog;
};

export const createWorld = async (options: { partitionCount?: number; autoCreate?: boolean } = {}): Promise<World> => {
  const clock = createSimulatedClock();
  const store = createMemoryStore({
    clock,
    partitionCount: options.partitionCount ?? 3,
    autoCreate: options.autoCreate ?? true,
  });
  const nodes: TestNode[] = [];
  const log = store.log([topic]);
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 4; ) {
      await afterIo();
      const ran = nodes.reduce((sum, node) => sum + node.scheduler.run(), 0);
      quiet = ran === 0 ? quiet + 1 : 0;
    }
  };
  return {
    store,
    log,
    clock,
    settle,
    kill(node) {
      node.hold();
      nodes.splice(nodes.indexOf(node), 1);
    },
    async node(nodeOptions = {}) {
      const node = createNode({ store, clock, nodeOptions });
      nodes.push(node);
      const starting = node.core.start();
      await settle();
      await starting;
      return node;
    },
  };
};

const gated = (log: EventLog, gate: { open: Promise<void> | null }): EventLog =>
  Object.create(log, {
    follow: {
      value: (...[from, handler]: Parameters<EventLog['follow']>) =>
        log.follow(from, {
          stalled: (ms) => handler.stalled(ms),
          async chunk(chunk: LogChunk) {
            while (gate.open !== null) await gate.open;
            await handler.chunk(chunk);
          },
        }),
    },
  });

/** Methods of a class with private members do not run on an object made from it. */
const bound = (log: EventLog): EventLog => ({
  open: () => log.open(),
  topology: () => log.topology(),
  append: (records) => log.append(records),
  follow: (from, handler) => log.follow(from, handler),
  read: (...args) => log.read(...args),
  offsets: () => log.offsets(),
  check: (positions) => log.check(positions),
  onTopologyChange: (listener) => log.onTopologyChange(listener),
  close: () => log.close(),
});

const createNode = (world: { store: MemoryStore; clock: SimulatedClock; nodeOptions: NodeOptions }): TestNode => {
  const {
    tickMs = 0,
    topics = [topic],
    throughLog = (each: EventLog) => each,
    policy,
    isRevoked,
    parkingStore,
    hasOtherNodes,
    random,
    blockStore,
    ...options
  } = world.nodeOptions;
  const log = world.store.log(topics);
  let lookMs = 0;
  const monotonic = (): number => {
    lookMs = Math.max(lookMs + tickMs, world.clock.monotonic());
    return lookMs;
  };
  const clock: Clock = { ...world.clock, monotonic };
  const scheduler = new ManualScheduler();
  const telemetry = silentTelemetry();
  const deadLetters: TestNode['deadLetters'] = [];
  const gate: { open: Promise<void> | null; let(): void } = { open: null, let() {} };
  const codec = createRecordCodec({
    content: {
      read: (type, value) => {
        if (value['title'] === 'trap') throw new Error('a bug in decoding');
        if (value['isUnfit'] === true) return { ok: false, code: 'invalid_content', detail: 'unfit' };
        const display = { title: String(value['title']), body: null, url: null };
        return { ok: true, content: { __typename: type, ...value }, display };
      },
    },
    defaultType: 'message',
    clock,
    fingerprintOf: (partition) => core.fingerprintOf(partition),
  });
  const core = createCore({
    log: gated(throughLog(bound(log)), gate),
    ...codec,
    cursors: createCursorCodec(),
    clock,
    telemetry,
    logger: silentLogger,
    options,
    ...(policy === undefined ? {} : { policy }),
    ...(isRevoked === undefined ? {} : { isRevoked }),
    ...(parkingStore === undefined ? {} : { parkingStore }),
    ...(hasOtherNodes === undefined ? {} : { hasOtherNodes }),
    ...(random === undefined ? {} : { random }),
    ...(blockStore === undefined ? {} : { blockStore }),
    scheduler,
    deadLetter: (position, reason) => deadLetters.push({ position, reason }),
  });
  return {
    core,
    scheduler,
    telemetry,
    deadLetters,
    hold() {
      if (gate.open !== null) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      gate.open = promise;
      gate.let = resolve;
    },
    release() {
      gate.open = null;
      gate.let();
    },
  };
};

export type RecordOptions = {
  readonly audience?: Audience;
  readonly partition?: number;
  readonly ceId?: string;
  readonly isUnfit?: boolean;
  readonly type?: string;
  readonly timestampMs?: number;
  readonly expiresAtMs?: number;
};

const textOf = (audience: Audience): string => {
  if (audience.kind === 'everyone') return '';
  return audience.kind === 'user' ? audience.userId : audience.topic;
};

/** A record as a service would write it; `title` is what tests look for. */
export const record = (title: string, options: RecordOptions = {}): NewRecord => {
  const {
    audience = { kind: 'user', userId: userId('u1') },
    ceId = title,
    isUnfit = false,
    type = 'message',
  } = options;
  const headers: [string, string][] = [
    ['ce_specversion', '1.0'],
    ['ce_id', ceId],
    ['ce_source', '/test'],
    ['ce_type', type],
    ['ce_audience', audience.kind],
  ];
  if (audience.kind !== 'everyone') headers.push(['ce_subject', textOf(audience)]);
  if (options.expiresAtMs !== undefined) headers.push(['ce_expirytime', new Date(options.expiresAtMs).toISOString()]);
  return {
    key: Buffer.from(title),
    value: Buffer.from(JSON.stringify({ title, isUnfit })),
    headers: headers.map(([name, value]) => [name, Buffer.from(value)] as const),
    ...(options.partition === undefined ? {} : { partition: options.partition }),
    ...(options.timestampMs === undefined ? {} : { timestampMs: options.timestampMs }),
  };
};
