import { fileURLToPath } from 'node:url';
import { judge } from './judge.ts';
import { readSources } from './source-file.ts';

/** Checks the walls between rooms, file names and sizes, and import cycles; prints what is broken and what to do instead. */
const findings = judge(readSources(fileURLToPath(new URL('../..', import.meta.url))));
for (const finding of findings) console.log(finding);
process.exitCode = findings.length > 0 ? 1 : 0;
