import { type Clock, systemClock } from '../../src/clock.ts';
import { readConfig } from '../../src/config.ts';
import type { Audience, NewRecord } from '../../src/event.ts';
import { createRecordCodec } from '../../src/log/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { scratchFolder, testSecret } from '../../test/support/gateway.ts';
import type { MemoryStore } from '../../test/support/memory-log.ts';
import { testToken } from '../../test/support/token.ts';
import { useMemoryLog } from './memory-store.ts';
import { bodyOf, type Publish, serveSide, titleOf } from './serve.ts';
import type { EventSpec, StartedSide, Target } from './side.ts';
import { switchedTelemetry, switchTraces, unsampledTelemetry } from './traces.ts';
import { createWriteLoop, type WriteLoop } from './write-loop.ts';

/**
 * The product, whole, in this process: HTTP server, session protocol, actors, flow accounting, markers, counters, telemetry. Only the log is chosen:
 * `memory`, so that the log costs nothing, or `embedded`, published to by the mutation.
 */

export type CarillonSettings = {
  readonly log?: 'memory' | 'embedded';
  /** Tracing can be turned off and on between rounds. Otherwise there is an exporter, and no trace is sampled. */
  readonly hasTraceSwitch?: boolean;
  readonly partitions?: number;
  /** Whether the C loop is wanted. */
  readonly loop?: boolean;
  /** More settings of the gateway. */
  readonly env?: Readonly<Record<string, string>>;
};

/** The benchmark opens thousands of sockets at once from one machine. */
const room = {
  CARILLON_LIMIT_UPGRADES_PER_SECOND: '100000',
  CARILLON_LIMIT_ACKS_PER_SECOND: '100000',
  CARILLON_LIMIT_OPENING_SOCKETS: '1000000',
  CARILLON_LIMIT_PUBLISHES_PER_SECOND: '100000',
  CARILLON_LIMIT_PUBLISH_BURST: '1000000',
  CARILLON_LIMIT_MESSAGES_PER_SECOND: '100',
};

const audienceOf = (target: Target): Audience => {
  if (target === 'everyone') return { kind: 'everyone' };
  if ('group' in target) return { kind: 'topic', topic: `g${target.group}` } as Audience;
  return { kind: 'user', userId: `user-${target.user}` } as Audience;
};

const inputOf = (event: EventSpec): unknown => {
  const { target } = event;
  const audience =
    target === 'everyone'
      ? { everyone: true }
      : 'group' in target
        ? { topic: `g${target.group}` }
        : { userId: `user-${target.user}` };
  return { audience, content: { message: { title: titleOf(event), body: bodyOf(event) } } };
};

const { encode } = createRecordCodec({
  content: { read: () => ({ ok: false, code: 'unknown_type', detail: '' }) },
  defaultType: 'message',
  clock: systemClock,
  fingerprintOf: () => '',
});

const recordOf = (event: EventSpec): NewRecord =>
  encode({
    source: '/bench',
    ceId: `${event.event}`,
    type: 'message',
    audience: audienceOf(event.target),
    createdAtMs: Date.now(),
    expiresAtMs: null,
    title: titleOf(event),
    value: { title: titleOf(event), body: bodyOf(event) },
    traceparent: null,
    tracestate: null,
  });

const mutation =
  'mutation P($input: [PublishNotificationInput!]!) { publishNotifications(input: $input) { results { userErrors { code } } } }';

const publishOver = async (url: string): Promise<(events: readonly EventSpec[]) => Publish> => {
  const token = await testToken('service', { scopes: ['notifications:publish', 'notifications:publish:everyone'] });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return (events) => {
    const body = JSON.stringify({ query: mutation, variables: { input: events.map(inputOf) } });
    return async () => {
      const text = await (await fetch(url, { method: 'POST', headers, body })).text();
      if (text.includes('"code"') || text.includes('"errors"')) throw new Error(text.slice(0, 300));
    };
  };
};

const publishTo = (store: MemoryStore): ((events: readonly EventSpec[]) => Publish) => {
  const log = store.log(['notifications']);
  return (events) => {
    const records = events.map(recordOf);
    return () => void log.append(records);
  };
};

let loop: WriteLoop | null = null;
let prepare: (events: readonly EventSpec[]) => Publish;
let stop: () => Promise<void>;

const start = async (settings: CarillonSettings): Promise<StartedSide> => {
  const { log = 'memory', hasTraceSwitch = false, partitions = 12 } = settings;
  if (settings.loop === true) loop = await createWriteLoop();
  const memoryStore = log === 'memory' ? useMemoryLog() : null;
  const { createGateway } = await import('../../src/gateway.ts');
  const folder = await scratchFolder();
  const outcome = readConfig(
    {
      CARILLON_JWT_SECRET: testSecret,
      CARILLON_LOG: 'embedded',
      CARILLON_HOST: '127.0.0.1',
      CARILLON_PORT: '0',
      CARILLON_ADMIN_PORT: '0',
      CARILLON_DATA_DIR: folder.path,
      CARILLON_PARTITIONS: `${partitions}`,
      ...room,
      ...settings.env,
    },
    () => '',
  );
  if (!outcome.ok) throw new Error(outcome.problems.join('\n'));
  const deps: { clock: Clock; logger: typeof silentLogger } = { clock: systemClock, logger: silentLogger };
  const telemetry = hasTraceSwitch ? switchedTelemetry(deps) : unsampledTelemetry(deps);
  const gateway = createGateway(outcome.config, { ...deps, telemetry });
  const urls = await gateway.start();
  if (urls === null) throw new Error('the gateway did not start');
  prepare = memoryStore === null ? await publishOver(urls.graphql) : publishTo(await memoryStore());
  stop = async () => {
    await folder.remove();
  };
  return { port: Number(new URL(urls.graphql).port), path: '/graphql', version: 'this checkout' };
};

serveSide({
  start: (settings) => start(settings as CarillonSettings),
  prepare: (events) => prepare(events),
  async loop(order) {
    if (loop === null) throw new Error('start this side with loop: true');
    return loop.run(order);
  },
  traces: (kind) => switchTraces(kind),
  stop: () => stop(),
});
