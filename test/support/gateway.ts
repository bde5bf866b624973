import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A gateway in its own process, as a user would start it. */
export type GatewayProcess = {
  readonly httpUrl: string;
  readonly wsUrl: string;
  readonly adminUrl: string;
  readonly pid: number;
  /** Everything printed so far, both streams. */
  readonly output: readonly string[];
  readonly process: ChildProcess;
  /** Sends the signal and resolves with the exit code, or null where a signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
};

/** What a gateway holds at this moment, as its admin port shows it. */
export const snapshotOf = async ({
  adminUrl,
}: Pick<GatewayProcess, 'adminUrl'>): Promise<{
  readonly sessions: number;
  readonly subscriptions: number;
  readonly outboxBytes: number;
}> => (await (await fetch(`${adminUrl}/snapshot`)).json()) as Awaited<ReturnType<typeof snapshotOf>>;

/** The secret that gateways in tests share; at least 32 bytes. */
export const testSecret = 'carillon-tests-share-this-secret-0123456789';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** What `npm start` gives Node. */
export const startFlags: readonly string[] = (() => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { scripts } = JSON.parse(manifest) as { readonly scripts: Readonly<Record<string, string>> };
  return (scripts['start'] ?? '').split(' ').filter((word) => word.startsWith('--'));
})();

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A folder of the test's own, removed by the returned function. */
export const scratchFolder = async (): Promise<{ path: string; remove(): Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), 'carillon-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};

const readyUrls = (line: string): { httpUrl: string; wsUrl: string; adminUrl: string } | null => {
  const http = /graphql (http\S+)/.exec(line)?.[1];
  const admin = /admin (http\S+)/.exec(line)?.[1];
  if (http === undefined || admin === undefined) return null;
  return { httpUrl: http, wsUrl: http.replace(/^http/, 'ws'), adminUrl: admin };
};

/** What a gateway in tests gets unless said otherwise: free ports, no trace export; the shared secret comes on top. */
const baseEnvironment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  CARILLON_PORT: '0',
  CARILLON_ADMIN_PORT: '0',
  CARILLON_HOST: '127.0.0.1',
  OTEL_TRACES_EXPORTER: 'none',
});

/** A gateway that was started and need not be ready yet. `ready` rejects when it exits before. */
export type SpawnedGateway = {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly output: readonly string[];
  readonly ready: Promise<GatewayProcess>;
};

/** Starts a gateway and returns at once; `ready` resolves once it printed its ready line. `dev`: without authentication; `ownGroup`: in a process group of its own. */
export const spawnGateway = (
  env: Readonly<Record<string, string>>,
  nodeArguments: readonly string[] = [],
  { dev = false, ownGroup = false }: { readonly dev?: boolean; readonly ownGroup?: boolean } = {},
): SpawnedGateway => {
  const child = spawn(process.execPath, [...startFlags, ...nodeArguments, main], {
    env: { ...baseEnvironment(), ...(dev ? {} : { CARILLON_JWT_SECRET: testSecret }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
  });
  running.add(child);
  const exited = once(child, 'exit').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  const output: string[] = [];
  const ready = new Promise<GatewayProcess>((resolve, reject) => {
    const take = (line: string): void => {
      output.push(line);
      const urls = readyUrls(line);
      if (urls === null) return;
      const end = (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
        child.kill(signal);
        return exited;
      };
      resolve({ ...urls, pid: child.pid ?? 0, output, process: child, end });
    };
    createInterface({ input: child.stdout }).on('line', take);
    createInterface({ input: child.stderr }).on('line', (line) => output.push(line));
    exited.then((code) => reject(new Error(`gateway exited with ${code} before it was ready:\n${output.join('\n')}`)));
  });
  ready.catch(() => {});
  return { child, exited, output, ready };
};

/** Starts a gateway and waits until it is ready. Rejects with all that it printed when it exits before. */
export const startGateway = (env: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> =>
  spawnGateway({ CARILLON_LOG: 'embedded', ...env }).ready;
