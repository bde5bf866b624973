import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { killWithMe } from '../../dev/kafka/watchdog.ts';
import { type GatewayProcess, scratchFolder, spawnGateway } from '../support/gateway.ts';
import type { Scribe } from './history.ts';
import type { Route } from './relay.ts';

/** The gateways of a run, by name, and the balancer's idea of which of them take new connections. */
export type Fleet = {
  readonly names: readonly string[];
  /** A way to `home` while that takes connections, else to the next that does. */
  route(home: string): Route;
  /** Base of HTTP at the node that `route` would take; null where there is none. */
  httpUrl(home: string): string | null;
  start(name: string): Promise<void>;
  /** Takes the node out of the balancer, lets it drain, and resolves when it has ended. */
  drain(name: string): Promise<void>;
  /** `SIGKILL`; resolves when the process is gone. */
  kill(name: string): Promise<void>;
  /** Freezes or thaws the process. The balancer goes on sending connections to it. */
  freeze(name: string, isFrozen: boolean): void;
  /** Writes one entry per node that runs. */
  measure(scribe: Scribe): Promise<void>;
  /** What the nodes printed. */
  output(): string;
  stop(): Promise<void>;
};

type Node = {
  readonly folder: string;
  process: GatewayProcess | null;
  isOpen: boolean;
  isEnding: boolean;
  pid: number;
};

const exec = promisify(execFile);

/** Resident memory of a process in MiB; null where the system does not tell. */
const residentMiB = async (pid: number): Promise<number | null> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => null);
  const kib =
    status === null
      ? await exec('ps', ['-o', 'rss=', '-p', String(pid)]).then(
          ({ stdout }) => stdout.trim(),
          () => '',
        )
      : /VmRSS:\s+(\d+)/.exec(status)?.[1];
  return kib ? Math.round(Number(kib) / 1024) : null;
};

/** Limits at which the edges of every mechanism are reached within a run of half a minute. */
const quickLimits = {
  CARILLON_LIMIT_HEARTBEAT_TIME: '4s',
  CARILLON_LIMIT_OUTBOX_BYTES: '32KiB',
  CARILLON_LIMIT_LAGGING_TIME: '2s',
  CARILLON_LIMIT_STALLED_TIME: '5s',
  CARILLON_DRAIN_SECONDS: '6',
  CARILLON_LOG_LEVEL: 'warn',
};

/** Gateways that are not started yet; `env` is what all of them get, `scribe` hears of those that end by themselves. */
export const createFleet = async (
  names: readonly string[],
  { env, scribe: tell }: { readonly env: Readonly<Record<string, string>>; readonly scribe: Scribe },
): Promise<Fleet> => {
  const scratch = await Promise.all(names.map(() => scratchFolder()));
  const removeFolders = (): void => {
    for (const { path } of scratch) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', removeFolders);
  const printed: string[] = [];
  const nodes = new Map<string, Node>(
    names.map((name, n) => [
      name,
      { folder: scratch[n]?.path ?? '', process: null, isOpen: false, isEnding: false, pid: 0 },
    ]),
  );
  const nodeOf = (name: string): Node => nodes.get(name) as Node;
  const openNode = (home: string): { name: string; process: GatewayProcess } | null => {
    const first = Math.max(0, names.indexOf(home));
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const { process, isOpen } = nodeOf(name);
      if (process !== null && isOpen) return { name, process };
    }
    return null;
  };
  const ended = async (name: string, signal: NodeJS.Signals): Promise<void> => {
    const node = nodeOf(name);
    node.isOpen = false;
    node.isEnding = true;
    const { process } = node;
    if (process === null) return;
    await process.end(signal);
    printed.push(...process.output.map((line) => `${name} ${line}`));
    node.process = null;
  };
  const fleet: Fleet = {
    names,
    route: (home) => () => {
      const node = openNode(home);
      return node === null ? null : { port: Number(new URL(node.process.wsUrl).port), name: node.name };
    },
    httpUrl: (home) => openNode(home)?.process.httpUrl ?? null,
    async start(name) {
      const node = nodeOf(name);
      if (node.process !== null) return;
      const spawned = spawnGateway({ CARILLON_DATA_DIR: node.folder, ...quickLimits, ...env });
      node.pid = spawned.child.pid ?? 0;
      // Whatever ends the campaign, it leaves no gateway behind.
      const callOff = killWithMe(node.pid);
      node.isEnding = false;
      void spawned.exited.then((code) => {
        callOff();
        if (!node.isEnding) tell({ kind: 'crashed', node: name, code });
      });
      node.process = await spawned.ready;
      node.isOpen = true;
    },
    drain: (name) => ended(name, 'SIGTERM'),
    kill: (name) => ended(name, 'SIGKILL'),
    freeze: (name, isFrozen) => void nodeOf(name).process?.process.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT'),
    async measure(scribe) {
      for (const name of names) {
        const { process, pid } = nodeOf(name);
        const rssMiB = process === null ? null : await residentMiB(pid);
        if (rssMiB !== null) scribe({ kind: 'memory', node: name, pid, rssMiB });
      }
    },
    output: () =>
      [
        ...printed,
        ...names.flatMap((name) => nodeOf(name).process?.output.map((line) => `${name} ${line}`) ?? []),
      ].join('\n'),
    async stop() {
      for (const name of names) fleet.freeze(name, false);
      await Promise.all(names.map((name) => ended(name, 'SIGTERM')));
      process.removeListener('exit', removeFolders);
      removeFolders();
    },
  };
  return fleet;
};
