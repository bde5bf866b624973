import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectEnvironment, projectRoot } from './run.ts';
import { countResults, skipReason } from './test-summary.ts';

/**
 * `npm test`: every test, or those that the arguments name. At the end one line for each group that could not run, with its
 * reason; the last line is `N passed, N failed, N skipped`.
 */

const folder = await mkdtemp(join(tmpdir(), 'carillon-results-'));
const resultFile = join(folder, 'results.json');
const reasons = new Set<string>();

const runVitest = (): Promise<number> =>
  new Promise((resolve) => {
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile=${resultFile}`];
    const child = spawn('vitest', [...args, ...process.argv.slice(2)], {
      cwd: projectRoot,
      env: { ...projectEnvironment(), ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        const reason = skipReason(line);
        if (reason !== null) reasons.add(reason);
        if (!line.startsWith('JSON report written')) console.log(line);
      });
    // The child has the terminal's signals too: waiting for it lets it end its own brokers.
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', (error) => console.error(`vitest cannot be started (${error.message}): run npm install`));
    child.on('close', (code) => resolve(code ?? 1));
  });

const code = await runVitest();
const counts = countResults(await readFile(resultFile, 'utf8').catch(() => ''));
await rm(folder, { recursive: true, force: true });
for (const reason of reasons) console.log(reason);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = code === 0 && counts.failed > 0 ? 1 : code;
