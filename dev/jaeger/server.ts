import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../kafka/ports.ts';
import { killWithMe } from '../kafka/watchdog.ts';

/** A running Jaeger. */
export type Jaeger = {
  /** Base of OTLP over HTTP: OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlpUrl: string;
  /** Base of the query API. */
  readonly queryUrl: string;
  /** Resolves when it has ended, however. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
};

/** Ports to listen on; what is missing is any free one. */
export type JaegerPorts = { readonly otlp?: number; readonly query?: number };

/** Traces in memory, on loopback only, silent about itself. JSON is YAML, which is what the program reads. */
const configuration = (ports: { otlp: number; query: number; grpc: number }): string =>
  JSON.stringify({
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], processors: [], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { resource: { 'service.name': 'jaeger' }, metrics: { level: 'none' }, logs: { level: 'warn' } },
    },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: 20_000 } } } },
      jaeger_query: {
        storage: { traces: 'memory' },
        http: { endpoint: `127.0.0.1:${ports.query}` },
        grpc: { endpoint: `127.0.0.1:${ports.grpc}` },
      },
    },
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${ports.otlp}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  });

/** Resolves once `url` answers 200; rejects after 30 s. */
export const untilAnswers = async (url: string): Promise<void> => {
  const giveUpAt = performance.now() + 30_000;
  while (
    !(await fetch(url).then(
      (response) => response.ok,
      () => false,
    ))
  ) {
    if (performance.now() > giveUpAt) throw new Error(`${url} did not answer within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Starts the program at `binary` and resolves once its query API answers. Rejects with its last words when it ends before. */
export const startJaeger = async (binary: string, ports: JaegerPorts = {}): Promise<Jaeger> => {
  const [otlp = 0, query = 0, grpc = 0] = await freePorts(3);
  const used = { otlp: ports.otlp ?? otlp, query: ports.query ?? query, grpc };
  const folder = await mkdtemp(join(tmpdir(), 'carillon-jaeger-'));
  const config = join(folder, 'config.yaml');
  await writeFile(config, configuration(used));
  // Else it would trace its own requests, to a collector that is not there.
  const env = { ...process.env, OTEL_TRACES_SAMPLER: 'always_off' };
  const child = spawn(binary, ['--config', config], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      words = `${words}${chunk.toString()}`.slice(-2_000);
    });
  const unwatch = child.pid === undefined ? () => {} : killWithMe(child.pid);
  const exited = once(child, 'exit').then(async () => {
    unwatch();
    await rm(folder, { recursive: true, force: true });
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await exited;
    clearTimeout(kill);
  };
  const queryUrl = `http://127.0.0.1:${used.query}`;
  const early = exited.then(() => Promise.reject(new Error(`jaeger ended before it was ready:\n${words}`)));
  early.catch(() => {});
  await Promise.race([untilAnswers(`${queryUrl}/api/v3/services`), early]).catch(async (error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return { otlpUrl: `http://127.0.0.1:${used.otlp}`, queryUrl, exited, stop };
};
