import { setTimeout as rest } from 'node:timers/promises';
import type {
  EventSpec,
  LoopMarks,
  LoopOrder,
  RoundMarks,
  RoundOrder,
  StartedSide,
  TickMark,
  Traces,
  Usage,
} from './side.ts';
import { watchTurns } from './turns.ts';
import { wordsOf } from './words.ts';

/** A side's end of the talk with the benchmark: paces rounds and reads the clocks, the same way for every side. */

/** Publishes what was prepared, all of it in one go. */
export type Publish = () => void | Promise<void>;

export type ServedSide = {
  start(settings: Readonly<Record<string, unknown>>): Promise<StartedSide>;
  /** Makes the events ready, so that what it costs to make them up is not counted. */
  prepare?(events: readonly EventSpec[]): Publish;
  /** Writes with the C loop; the side that has it. */
  loop?(order: LoopOrder): Promise<LoopMarks>;
  /** Turns tracing off and on; the side that has the switch. */
  traces?(kind: Traces): void;
  /** Processor time and memory of what serves, where that is not this process. */
  usage?(): Promise<{ readonly cpuUs: number; readonly rssBytes: number }>;
  stop(): Promise<void>;
};

/** CLOCK_MONOTONIC in microseconds, as the load client has it. */
export const nowUs = (): number => Number(process.hrtime.bigint()) / 1_000;

/** Processor time of this process, all its threads, microseconds. */
export const cpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

const padded = (value: number): string => `${value}`.padStart(8, '0');

/** What the load client looks for: eight digits. */
export const titleOf = ({ sequence }: EventSpec): string => padded(sequence);

const lettersOf = (bytes: number): string =>
  Array.from({ length: bytes }, (_, n) => String.fromCharCode(97 + (n % 26))).join('');

/** Eight digits, the event's number, and letters or words, `bytes` in all. */
export const bodyOf = ({ event, bytes, hasWords = false }: EventSpec): string =>
  padded(event) + (hasWords ? wordsOf(event, bytes - 8) : lettersOf(bytes - 8));

const usageOf = async (side: ServedSide): Promise<Usage> => {
  const own = { cpuUs: cpuUs(), rssBytes: process.memoryUsage.rss(), heapBytes: process.memoryUsage().heapUsed };
  return { atUs: nowUs(), ...own, ...(await side.usage?.()) };
};

/** Waits until it is time for tick `n`, counted from `startUs`. */
export const untilTick = async (startUs: number, n: number, intervalMs: number): Promise<void> => {
  const leftMs = (startUs - nowUs()) / 1_000 + n * intervalMs;
  if (leftMs > 0) await rest(leftMs);
};

const runRound = async (
  side: ServedSide,
  { ticks, intervalMs, watchTurns: isWatched, traces = [] }: RoundOrder,
): Promise<RoundMarks> => {
  const prepared = ticks.map((events) => side.prepare?.(events) ?? (() => {}));
  const marks: TickMark[] = [];
  const turns = isWatched === true ? watchTurns() : null;
  const startUs = nowUs();
  for (const [n, publish] of prepared.entries()) {
    await untilTick(startUs, n, intervalMs);
    if (traces[n] !== undefined) side.traces?.(traces[n]);
    const used = side.usage === undefined ? cpuUs() : (await side.usage()).cpuUs;
    marks.push({ atUs: nowUs(), cpuUs: used });
    turns?.begin();
    await publish();
  }
  await untilTick(startUs, ticks.length, intervalMs);
  return { ticks: marks, turns: turns?.end() ?? null };
};

const settle = async (side: ServedSide): Promise<Usage> => {
  for (let n = 0; n < 4; n++) {
    await rest(50);
    globalThis.gc?.();
  }
  await rest(500);
  return usageOf(side);
};

/** Serves the benchmark's calls until it says stop. */
export const serveSide = (side: ServedSide): void => {
  const verbs: Readonly<Record<string, (argument: never) => Promise<unknown>>> = {
    start: (settings: Readonly<Record<string, unknown>>) => side.start(settings),
    round: (order: RoundOrder) => runRound(side, order),
    loop: async (order: LoopOrder) => side.loop?.(order),
    usage: () => usageOf(side),
    settled: () => settle(side),
    stop: () => side.stop(),
  };
  process.on('message', ({ id, verb, argument }: { id: number; verb: string; argument: never }) => {
    const answer = verbs[verb]?.(argument) ?? Promise.reject(new Error(`no verb ${verb}`));
    answer.then(
      (result) => process.send?.({ id, result }),
      (error: Error) => process.send?.({ id, error: error.stack ?? String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
};
