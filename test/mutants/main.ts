import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../dev/run.ts';
import { judgeMutant, mutants, type Outcome } from './run.ts';

/** `npm run mutants [name…]`: prints what notices each seeded bug; without names all of them, and the table in `test/mutants/killed.md` is made anew. */

const names = process.argv.slice(2);
const outcomes: Outcome[] = [];
for (const mutant of names.length > 0 ? names : await mutants()) {
  const outcome = await judgeMutant(mutant);
  outcomes.push(outcome);
  console.log(`${outcome.by === null ? 'SURVIVES' : 'killed  '}  ${mutant}  ${outcome.by ?? ''}`);
}
const survivors = outcomes.filter(({ by }) => by === null).length;
if (names.length === 0) {
  const rows = outcomes.map(({ mutant, by }) => `| ${mutant} | ${(by ?? 'nothing').replaceAll('|', '\\|')} |`);
  const text = [
    '# Seeded bugs, and what noticed them first',
    '',
    '| bug | noticed by |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n');
  await writeFile(join(projectRoot, 'test', 'mutants', 'killed.md'), text);
}
console.log(`mutants: ${outcomes.length - survivors} of ${outcomes.length} killed`);
process.exitCode = survivors === 0 ? 0 : 1;
