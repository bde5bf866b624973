import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../src/clock.ts';
import { readConfig } from '../../src/config.ts';
import { createGateway } from '../../src/gateway.ts';
import { createTelemetry } from '../../src/telemetry/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { scratchFolder, testSecret } from './gateway.ts';

/** A whole gateway inside the test's process, so that a test can look at its memory. */
export type InProcessGateway = {
  readonly httpUrl: string;
  readonly wsUrl: string;
  readonly port: number;
  /** What the node holds. */
  stats(): { readonly sessions: number; readonly users: number; readonly subscriptions: number };
  close(): Promise<void>;
};

/** Starts one on the embedded log and a free port. */
export const startInProcess = async (env: Readonly<Record<string, string>> = {}): Promise<InProcessGateway> => {
  const folder = await scratchFolder();
  const outcome = readConfig(
    {
      CARILLON_JWT_SECRET: testSecret,
      CARILLON_LOG: 'embedded',
      CARILLON_HOST: '127.0.0.1',
      CARILLON_PORT: '0',
      CARILLON_ADMIN_PORT: '0',
      CARILLON_DATA_DIR: folder.path,
      ...env,
    },
    () => '',
  );
  if (!outcome.ok) throw new Error(outcome.problems.join('\n'));
  const deps = { clock: systemClock, logger: silentLogger };
  const telemetry = createTelemetry(
    { env: { OTEL_TRACES_EXPORTER: 'none' }, defaultSampler: 'ratio', serviceVersion: '0', nodeId: 'test' },
    deps,
  );
  const gateway = createGateway(outcome.config, { ...deps, telemetry });
  const urls = await gateway.start();
  if (urls === null) throw new Error('the gateway did not start');
  return {
    httpUrl: urls.graphql,
    wsUrl: urls.graphql.replace(/^http/, 'ws'),
    port: Number(new URL(urls.graphql).port),
    stats: () => gateway.snapshot() as ReturnType<InProcessGateway['stats']>,
    async close() {
      await gateway.drain();
      await folder.remove();
    },
  };
};

/** Bytes of live objects in this process, after full garbage collections in turns of their own. */
export const heapBytes = async (): Promise<number> => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let n = 0; n < 4; n++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed;
};
