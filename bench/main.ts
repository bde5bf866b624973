import { behind } from './behind.ts';
import { compression } from './compression/compression-report.ts';
import { churn } from './fanout/churn.ts';
import { fanout } from './fanout/fanout-report.ts';
import { idle } from './fanout/idle.ts';
import { scale } from './fanout/scale.ts';
import { latency } from './kafka/latency.ts';
import { publish } from './publish/publish.ts';
import { resumes } from './resume.ts';
import { stalls } from './stalled.ts';
import { storm } from './storm.ts';
import { suite } from './suite-report.ts';

/**
 * `npm run bench -- [name] [options]`: ratios from one run on one machine. Without a name, all that has a budget. What each measures is said at the
 * head of its file. Ends with 1 when a side loses an event.
 */

const benchmarks: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  suite,
  fanout,
  publish,
  scale,
  idle,
  churn,
  compression,
  latency,
  storm,
  resume: resumes,
  behind,
  stalled: stalls,
};

const given = process.argv.slice(2);
const [name, args] = given[0]?.startsWith('-') === false ? [given[0], given.slice(1)] : ['suite', given];
const benchmark = benchmarks[name];
if (benchmark === undefined) {
  console.error(`no benchmark is called ${name}: there are ${Object.keys(benchmarks).join(', ')}`);
  process.exit(1);
}
try {
  await benchmark(args);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
// What a benchmark leaves running has been written to its end.
process.stdout.write('', () => process.exit(0));
