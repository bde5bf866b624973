import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { jdk, log4jFile } from './jars.ts';
import { probe } from './probe.ts';
import { killWithMe } from './watchdog.ts';

/** Signals that a test may send: the last two freeze and thaw. */
export type NodeSignal = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT';

/** One broker. */
export type KafkaNode = {
  readonly id: number;
  /** `host:port` for clients. */
  readonly address: string;
  readonly logFile: string;
  /** Process id; undefined before the first start. */
  readonly pid: number | undefined;
  /** Starts the process; does not wait for it. */
  start(): void;
  /** Resolves when the node's metadata lists `nodes` brokers (default: the whole cluster). Rejects when it exits first, or after 60 s. */
  ready(nodes?: number): Promise<void>;
  /** Sends the signal, and waits for the exit where one follows; a node that ignores SIGTERM for 15 s is killed. */
  kill(signal?: NodeSignal): Promise<void>;
  /** Resolves when the process that runs now has ended. */
  exited(): Promise<void>;
};

/** How a node is run. */
export type NodeSettings = {
  readonly id: number;
  readonly address: string;
  readonly probeAt: { readonly host: string; readonly port: number };
  readonly clusterSize: number;
  readonly propertiesFile: string;
  readonly logFile: string;
  readonly classPath: string;
  readonly jvm: readonly string[];
};

/** JVM options of every start: small, quick to start, quiet. */
export const jvmOptions = (host: string): readonly string[] => [
  ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:ActiveProcessorCount=2', '-Xlog:disable'],
  ...['-Dlog4j2.shutdownHookEnabled=false', `-Dlog4j2.configurationFile=${log4jFile}`],
  ...(host.includes(':') ? [] : ['-Djava.net.preferIPv4Stack=true']),
];

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
const tail = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').slice(-1500) : '');

const spawnBroker = (settings: NodeSettings): ChildProcess => {
  const output = openSync(settings.logFile, 'a');
  const options = ['-Xms64m', '-Xmx256m', ...settings.jvm, '-cp', settings.classPath];
  const child = spawn(jdk('java'), [...options, 'kafka.Kafka', settings.propertiesFile], {
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  return child;
};

/** Resolves when no thread runs any more: the signal reaches them one by one, and a busy one may answer a request meanwhile. */
const stopped = async ({ pid }: ChildProcess): Promise<void> => {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads)) return;
  const runs = (thread: string): boolean => !/\) [TtXZ] /.test(readFileSync(`${threads}/${thread}/stat`, 'latin1'));
  while (readdirSync(threads).some(runs)) await delay(1);
};

/** A node that is not started yet. */
export const createNode = (settings: NodeSettings): KafkaNode => {
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  const killOnExit = (): void => {
    if (child !== undefined && !hasEnded(child)) child.kill('SIGKILL');
  };

  const start = (): void => {
    const started = spawnBroker(settings);
    child = started;
    const callOff = started.pid === undefined ? () => {} : killWithMe(started.pid);
    process.once('exit', killOnExit);
    ended = once(started, 'exit')
      .catch(() => {})
      .then(() => {
        callOff();
        process.removeListener('exit', killOnExit);
      });
  };

  const ready = async (nodes = settings.clusterSize): Promise<void> => {
    for (const giveUpAt = performance.now() + 60_000; performance.now() < giveUpAt; await delay(25)) {
      if (child === undefined || hasEnded(child)) {
        throw new Error(`kafka node ${settings.id} ended, see ${settings.logFile}: ${tail(settings.logFile)}`);
      }
      const known = await probe(settings.probeAt).catch(() => []);
      if (known.length >= nodes) return;
    }
    throw new Error(`kafka node ${settings.id} was not ready after 60 s, see ${settings.logFile}`);
  };

  const kill = async (signal: NodeSignal = 'SIGKILL'): Promise<void> => {
    if (child === undefined || hasEnded(child)) return;
    const victim = child;
    victim.kill(signal);
    if (signal === 'SIGSTOP') await stopped(victim);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
    // A frozen process does not see SIGTERM until it is thawed.
    if (signal === 'SIGTERM') victim.kill('SIGCONT');
    const patience = new AbortController();
    const force = delay(15_000, undefined, { signal: patience.signal }).then(
      () => victim.kill('SIGKILL'),
      () => {},
    );
    await ended;
    patience.abort();
    await force;
  };

  return {
    id: settings.id,
    address: settings.address,
    logFile: settings.logFile,
    get pid() {
      return child?.pid;
    },
    start,
    ready,
    kill,
    exited: () => ended,
  };
};
