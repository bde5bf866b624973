import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Lot, LotReport } from './player.ts';
import { simulate } from './simulation.ts';

/**
 * `npm run simulate [seeds] [first] ['first']`: plays that many seeds, on all processors; prints what each one broke. One seed alone is told step by
 * step. With `first` they are played here, one after another, until one breaks something.
 */

const playerFile = fileURLToPath(new URL('./player.ts', import.meta.url));
/** Seeds that a player is given at once. */
const lotSize = 100;
const reportEvery = 1_000;

const count = Number(process.argv[2] ?? 2_000);
const first = Number(process.argv[3] ?? 1);
const endsAtFirst = process.argv[4] === 'first';
const startedAt = performance.now();
const sum = { seeds: 0, events: 0, received: 0, broken: 0 };
let next = first;

const take = (lot: Lot, { events, received, broken }: LotReport): void => {
  for (const { seed, violations } of broken)
    console.log(`seed ${seed}:\n${violations.map((each) => `  ${each}`).join('\n')}`);
  const before = sum.seeds;
  sum.seeds += lot.count;
  sum.events += events;
  sum.received += received;
  sum.broken += broken.length;
  if (Math.floor(before / reportEvery) === Math.floor(sum.seeds / reportEvery)) return;
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  console.log(`${sum.seeds} seeds, ${sum.events} events, ${sum.received} received, ${sum.broken} broken, ${seconds} s`);
};

const nextLot = (): Lot | null => {
  const lot = { first: next, count: Math.min(lotSize, first + count - next) };
  next += lot.count;
  return lot.count > 0 ? lot : null;
};

/** One player, until there is nothing left to play. A player that ends by itself is a failure of the whole. */
const runPlayer = async (): Promise<void> => {
  const player = fork(playerFile);
  const ended = once(player, 'exit').then(([code]) => Promise.reject(new Error(`a player ended with ${code}`)));
  for (let lot = nextLot(); lot !== null; lot = nextLot()) {
    player.send(lot);
    const [report] = await Promise.race([once(player, 'message'), ended]);
    take(lot, report as LotReport);
  }
  ended.catch(() => undefined);
  player.kill();
};

const playHere = async (seed: number): Promise<void> => {
  const { steps, violations, events, received } = await simulate(seed);
  if (count === 1) console.log(steps.join(' '));
  take({ first: seed, count: 1 }, { events, received, broken: violations.length > 0 ? [{ seed, violations }] : [] });
};

if (count > 1 && !endsAtFirst) await Promise.all(Array.from({ length: availableParallelism() }, runPlayer));
else for (let seed = first; seed < first + count && sum.broken === 0; seed++) await playHere(seed);
console.log(
  `simulation: ${sum.seeds} seeds from ${first}, ${sum.events} events, ${sum.received} payloads, ${sum.broken} with violations`,
);
process.exitCode = sum.broken === 0 ? 0 : 1;
