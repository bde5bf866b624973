import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemClock } from './clock.ts';
import { type Config, describeProblems, readConfig } from './config.ts';
import { GatewayError } from './errors.ts';
import { createGateway, type Gateway, type GatewayUrls } from './gateway.ts';
import { createLogger, createTelemetry } from './telemetry/index.ts';

/** Environment -> config -> gateway -> signals. The only reader of `process`. */

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
  return `carillon ready · ${start}graphql ${urls.graphql} · admin ${urls.admin} · log ${config.log.kind}`;
};

const devNotice =
  'DEV MODE: no authentication is configured, so this gateway answers on loopback only and signs its own tokens. ' +
  'Set CARILLON_JWT_SECRET or CARILLON_JWKS_URL to serve others.';

const isForPerson = (thrown: unknown): thrown is GatewayError =>
  thrown instanceof GatewayError && (thrown.code === 'CONFIG_INVALID' || thrown.code === 'ALREADY_LOCKED');

const run = async (config: Config): Promise<void> => {
  const clock = systemClock;
  const logger = createLogger({ stream: process.stderr, clock, ...config.logging });
  const telemetry = createTelemetry(
    {
      env: config.otel,
      defaultSampler: config.dev ? 'always' : 'ratio',
      serviceVersion: version(),
      nodeId: `${hostname()}-${process.pid}`,
      ...(config.log.kind === 'kafka' ? { system: 'kafka' } : {}),
    },
    { clock, logger },
  );
  const gateway = createGateway(config, { clock, logger, telemetry });
  obeySignals(gateway, (state) => process.stderr.write(`${JSON.stringify(state)}\n`));
  if (config.dev) logger.warn(devNotice);
  try {
    const urls = await gateway.start();
    if (urls !== null) process.stdout.write(`${readyLine(config, urls)}\n`);
  } catch (thrown) {
    await gateway.drain();
    if (!isForPerson(thrown)) throw thrown;
    process.stderr.write(`carillon: ${thrown.message}\n`);
    process.exit(configExit);
  }
};

/** SIGTERM and SIGINT drain, the second of them ends at once; SIGUSR2 prints machines by state. */
const obeySignals = (gateway: Gateway, print: (state: unknown) => void): void => {
  let isDraining = false;
  const end = (signal: NodeJS.Signals): void => {
    if (isDraining) process.exit(signal === 'SIGINT' ? 130 : 143);
    isDraining = true;
    gateway.drain().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.on('SIGUSR2', () => print(gateway.snapshot()));
};

const outcome = readConfig(process.env, (path) => readFileSync(path, 'utf8'));
if (outcome.ok) await run(outcome.config);
else {
  process.stderr.write(`${describeProblems(outcome.problems)}\n`);
  process.exit(configExit);
}
