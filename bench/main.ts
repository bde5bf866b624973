import { behind } from './behind.ts';
import { fanout } from './fanout/fanout-report.ts';
import { resumes } from './resume.ts';
import { stalls } from './stalled.ts';
import { storm } from './storm.ts';

/** `npm run bench -- [name] [options]`: ratios from one run on one machine. What each measures is said at the head of its file. */

const benchmarks: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  storm,
  resume: resumes,
  behind,
  stalled: stalls,
  fanout,
};

const [name, ...args] = process.argv.slice(2);
const benchmark = name === undefined ? undefined : benchmarks[name];
if (benchmark === undefined) {
  console.error(`usage: npm run bench -- <name> [options]; the names are ${Object.keys(benchmarks).join(', ')}`);
  process.exit(1);
}
try {
  await benchmark(args);
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
