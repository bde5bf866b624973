import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startFlags } from '../../test/support/gateway.ts';

/** What is compared: each side is a server in a process of its own, told what to do over IPC. This is the benchmark's end; `serve.ts` is the other. */

export type SideName = 'carillon' | 'stock' | 'naive' | 'centrifugo' | 'plain';

/** Whom an event is for: everyone who is connected; or whoever is in group `n`, or user `n`. */
export type Target = 'everyone' | { readonly group: number } | { readonly user: number };

/** One event. Its title is the number that it has for each of its recipients, its body begins with the number that it has in all. */
export type EventSpec = {
  readonly event: number;
  readonly sequence: number;
  readonly bytes: number;
  /** Its body is of words that no event near it has; otherwise of letters. */
  readonly hasWords?: boolean;
  readonly target: Target;
};

/** Publishes what stands in each of `ticks` at once, one tick each `intervalMs`; not before the server gets round to it. */
export type RoundOrder = {
  readonly ticks: readonly (readonly EventSpec[])[];
  readonly intervalMs: number;
  /** Look at each turn of the event loop; costs processor, hence in rounds of its own. */
  readonly watchTurns?: boolean;
  /** With which each tick is published. Only where the side was started with `hasTraceSwitch`. */
  readonly traces?: readonly Traces[];
};

/** When a tick was published (CLOCK_MONOTONIC, microseconds) and the processor time of the whole process until then, microseconds. */
export type TickMark = { readonly atUs: number; readonly cpuUs: number };

export type Usage = TickMark & { readonly rssBytes: number; readonly heapBytes: number };

/** Lengths of the turns of the event loop in which something was done, milliseconds: by the clock, and of processor. */
export type Turns = { readonly wallMs: readonly number[]; readonly cpuMs: readonly number[] };

export type RoundMarks = { readonly ticks: readonly TickMark[]; readonly turns: Turns | null };

/** What the C loop is to write: per tick frames as this payload, on these connections. */
export type LoopOrder = RoundOrder & {
  readonly sample: string;
  readonly ports: readonly (readonly [address: number, port: number])[];
};

export type LoopMarks = {
  /** Processor time of each tick's loop, microseconds. */
  readonly ticks: readonly { readonly atUs: number; readonly cpuUs: number }[];
};

/** `unsampled`: an exporter is set, and no trace is sampled. `none`: there is no tracing. */
export type Traces = 'unsampled' | 'none';

export type StartedSide = {
  readonly port: number;
  readonly path: string;
  readonly version: string;
};

type Answer = { readonly id: number; readonly result?: unknown; readonly error?: string };

export type Side = StartedSide & {
  readonly name: SideName;
  readonly pid: number;
  round(order: RoundOrder): Promise<RoundMarks>;
  /** Only where the side was started with `loop`. */
  loop(order: LoopOrder): Promise<LoopMarks>;
  usage(): Promise<Usage>;
  /** The same after two full garbage collections. */
  settled(): Promise<Usage>;
  stop(): Promise<void>;
};

const files: Readonly<Record<SideName, string>> = {
  carillon: 'carillon.ts',
  stock: 'stock.ts',
  naive: 'naive.ts',
  centrifugo: 'centrifugo.ts',
  plain: 'plain.ts',
};

const flags: Partial<Record<SideName, readonly string[]>> = { carillon: startFlags };

const connect = (child: ChildProcess, name: SideName): ((verb: string, argument?: unknown) => Promise<unknown>) => {
  let next = 0;
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const fail = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.on('message', ({ id, result, error }: Answer) => {
    const asker = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asker?.resolve(result);
    else asker?.reject(new Error(`${name}: ${error}`));
  });
  child.once('exit', (code, signal) => fail(new Error(`${name} ended with ${code ?? signal}`)));
  return (verb, argument) =>
    new Promise((resolve, reject) => {
      waiting.set(next, { resolve, reject });
      child.send({ id: next++, verb, argument });
    });
};

/** Starts a side. What it prints goes to stderr. `settings` are the side's own. */
export const startSide = async (name: SideName, settings: Readonly<Record<string, unknown>> = {}): Promise<Side> => {
  const child = fork(fileURLToPath(new URL(files[name], import.meta.url)), [], {
    // kafkajs computes a negative time-out where there is nothing to wait for.
    execArgv: ['--expose-gc', '--disable-warning=TimeoutNegativeWarning', ...(flags[name] ?? [])],
    stdio: ['ignore', 2, 'inherit', 'ipc'],
  });
  const ask = connect(child, name);
  const started = (await ask('start', settings)) as StartedSide;
  return {
    ...started,
    name,
    pid: child.pid ?? 0,
    round: (order) => ask('round', order) as Promise<RoundMarks>,
    loop: (order) => ask('loop', order) as Promise<LoopMarks>,
    usage: () => ask('usage') as Promise<Usage>,
    settled: () => ask('settled') as Promise<Usage>,
    async stop() {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      await Promise.race([ask('stop').catch(() => {}), exited]);
      child.kill('SIGKILL');
      await exited;
    },
  };
};
