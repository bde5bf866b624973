import { behind } from './behind.ts';
import { resumes } from './resume.ts';
import { stalls } from './stalled.ts';
import { storm } from './storm.ts';

/** `npm run bench [name…]`: ratios from one run on one machine. */

const benchmarks: Readonly<Record<string, () => Promise<void>>> = { storm, resume: resumes, behind, stalled: stalls };

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(benchmarks, name));
if (unknown.length > 0) {
  console.error(`no benchmark is called ${unknown.join(', ')}: there are ${Object.keys(benchmarks).join(', ')}`);
  process.exit(1);
}
for (const [name, run] of Object.entries(benchmarks)) if (asked.length === 0 || asked.includes(name)) await run();
process.exit(0);
