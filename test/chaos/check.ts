import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readHistories } from './history.ts';
import { judge } from './verdict.ts';
import { lineOf } from './violation.ts';

/**
 * `node test/chaos/check.ts <folder>`: judges the histories of one run. One line per violation; exit code 1 where there is one, 2 where there is nothing to
 * judge. Leaves `verdict.json` in the folder. It shares no code with the program under test.
 */

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('name the folder of a run: node test/chaos/check.ts <folder>');
  process.exit(2);
}
try {
  const verdict = judge(await readHistories(folder));
  for (const violation of verdict.violations) console.log(lineOf(violation));
  await writeFile(join(folder, 'verdict.json'), JSON.stringify(verdict, null, 1));
  const { events, deliveries, repeats, violations } = verdict;
  console.log(`${events} events, ${deliveries} deliveries, ${repeats} repeats, ${violations.length} violations`);
  process.exitCode = violations.length > 0 ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
