import { simulate } from './simulation.ts';

/**
 * `npm run simulate [seeds] [first] ['first']`: plays that many seeds; prints what each one broke. One seed alone is told step by step. With `first` it
 * ends at the first that broke something.
 */

const count = Number(process.argv[2] ?? 2_000);
const first = Number(process.argv[3] ?? 1);
const endsAtFirst = process.argv[4] === 'first';
const broken: number[] = [];
let events = 0;
let received = 0;
const startedAt = performance.now();
for (let seed = first; seed < first + count; seed++) {
  const outcome = await simulate(seed);
  events += outcome.events;
  received += outcome.received;
  if (count === 1) console.log(outcome.steps.join(' '));
  if (outcome.violations.length > 0) {
    broken.push(seed);
    console.log(`seed ${seed}:\n${outcome.violations.map((each) => `  ${each}`).join('\n')}`);
    if (endsAtFirst) break;
  }
  if ((seed - first + 1) % 1_000 === 0) {
    const seconds = (performance.now() - startedAt) / 1_000;
    console.log(
      `${seed - first + 1} seeds, ${events} events, ${received} received, ${broken.length} broken, ${seconds.toFixed(0)} s`,
    );
  }
}
console.log(
  `simulation: ${count} seeds from ${first}, ${events} events, ${received} payloads, ${broken.length} with violations`,
);
process.exitCode = broken.length === 0 ? 0 : 1;
