import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { systemClock } from './clock.ts';
import { type Config, describeProblems, readConfig } from './config.ts';
import { GatewayError } from './errors.ts';
import type { Gateway, GatewayUrls } from './gateway.ts';
import type { NodeTelemetry } from './telemetry/index.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';
import { createSupervisor, createWorker, forkWorkers, type ToWorker, workerArgument } from './workers/index.ts';

/** Environment -> config -> gateway, or the supervisor of several -> signals. The only reader of `process`. */

/** EX_CONFIG of sysexits.h: a person has to change something. */
const configExit = 78;

const version = (): string => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
};

const readyLine = (config: Config, urls: GatewayUrls): string => {
  const start = urls.console === null ? '' : `console ${urls.console} · `;
  const end = config.workers === 1 ? '' : ` · ${config.workers} workers`;
  return `carillon ready · ${start}graphql ${urls.graphql} · admin ${urls.admin} · log ${config.log.kind}${end}`;
};

const devNotice =
  'DEV MODE: no authentication is configured, so this gateway answers on loopback only and signs its own tokens. ' +
  'Set CARILLON_JWT_SECRET or CARILLON_JWKS_URL to serve others.';

/** What one process of this program runs: a gateway, or a supervisor. */
type Running = {
  /** Null where `drain` came first. */
  start(): Promise<GatewayUrls | null>;
  /** Resolves when all has ended, with whether it did as it should. */
  drain(): Promise<boolean>;
  /** Ends at once what would outlive this process. */
  kill(): void;
  snapshot(): unknown;
};

const loggerOf = ({ logging, worker }: Config): Logger =>
  createLogger({
    stream: process.stderr,
    clock: systemClock,
    ...logging,
    ...(worker === null ? {} : { fields: { worker } }),
  });

type Node = { readonly gateway: Gateway; readonly telemetry: NodeTelemetry };

/** The gateway of this process. Its parts are loaded here and not above: who supervises has no use for them, and is half as large without. */
const createNode = async (config: Config, logger: Logger): Promise<Node> => {
  const [{ createGateway }, { createTelemetry }] = await Promise.all([
    import('./gateway.ts'),
    import('./telemetry/index.ts'),
  ]);
  const clock = systemClock;
  const telemetry = createTelemetry(
    {
      env: config.otel,
      defaultSampler: config.dev ? 'always' : 'ratio',
      serviceVersion: version(),
      nodeId: `${hostname()}-${process.pid}${config.worker === null ? '' : `-worker-${config.worker}`}`,
      ...(config.log.kind === 'kafka' ? { system: 'kafka' } : {}),
    },
    { clock, logger },
  );
  return { gateway: createGateway(config, { clock, logger, telemetry }), telemetry };
};

const alone = async (config: Config, logger: Logger): Promise<Running> => {
  const { gateway } = await createNode(config, logger);
  const drain = (): Promise<boolean> => gateway.drain().then(() => true);
  return { start: () => gateway.start(), drain, kill() {}, snapshot: () => gateway.snapshot() };
};

const supervised = (config: Config, logger: Logger): Running =>
  createSupervisor(config, { clock: systemClock, logger, spawn: forkWorkers(fileURLToPath(import.meta.url)) });

const printState = (state: unknown): void => void process.stderr.write(`${JSON.stringify(state)}\n`);

const run = async (config: Config): Promise<void> => {
  const logger = loggerOf(config);
  const running = config.workers === 1 ? await alone(config, logger) : supervised(config, logger);
  obeySignals(running);
  if (config.dev) logger.warn(devNotice);
  try {
    const urls = await running.start();
    if (urls !== null) process.stdout.write(`${readyLine(config, urls)}\n`);
  } catch (thrown) {
    await running.drain();
    if (!(thrown instanceof GatewayError && thrown.isForPerson)) throw thrown;
    process.stderr.write(`carillon: ${thrown.message}\n`);
    process.exit(configExit);
  }
};

/** SIGTERM and SIGINT drain, the second of them ends at once; SIGUSR2 prints machines by state. */
const obeySignals = (running: Running): void => {
  let isDraining = false;
  const end = (signal: NodeJS.Signals): void => {
    if (isDraining) {
      running.kill();
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
    isDraining = true;
    running.drain().then(
      (isClean) => process.exit(isClean ? 0 : 1),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('SIGUSR2', async () => printState(await running.snapshot()));
};

/**
 * One of several workers: it hears from its supervisor what to do, and drains when that is gone. A signal drains it too, however often it comes: at a
 * terminal's Ctrl-C and at a stop of the whole group it has the signal beside the supervisor, which alone counts signals.
 */
const work = (): void => {
  let gateway: Gateway | null = null;
  const worker = createWorker({
    send: (message) => new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve())),
    async create(config) {
      const node = await createNode(config, loggerOf(config));
      gateway = node.gateway;
      return { gateway, metrics: () => node.telemetry.metrics() };
    },
    exit: (code) => process.exit(code),
  });
  process.on('message', (message) => worker.heard(message as ToWorker));
  process.on('disconnect', () => worker.drain());
  process.on('SIGTERM', () => worker.drain());
  process.on('SIGINT', () => worker.drain());
  process.on('SIGUSR2', () => printState(gateway?.snapshot() ?? {}));
};

const start = async (): Promise<void> => {
  const outcome = readConfig(process.env, (path) => readFileSync(path, 'utf8'));
  if (outcome.ok) return run(outcome.config);
  process.stderr.write(`${describeProblems(outcome.problems)}\n`);
  process.exit(configExit);
};

if (process.send !== undefined && process.argv[2] === workerArgument) work();
else await start();
