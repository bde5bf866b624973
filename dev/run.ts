import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const projectRoot: string = fileURLToPath(new URL('..', import.meta.url));

/** The environment with the installed commands first, so that `node`, `tsc` and the rest are the project's own. */
export const projectEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${projectRoot}node_modules/.bin${delimiter}${process.env['PATH'] ?? ''}`,
});

/** How a command ended and all that it printed, both streams in order of arrival. */
export type RunOutcome = { readonly code: number; readonly output: string; readonly ms: number };

/** Runs a command of the project to its end. A command that cannot be started counts as code 127. */
export const run = (command: string, args: readonly string[]): Promise<RunOutcome> =>
  new Promise((resolve) => {
    const startedAt = performance.now();
    const child = spawn(command, args, {
      cwd: projectRoot,
      env: projectEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    let output = '';
    const end = (code: number): void => resolve({ code, output, ms: performance.now() - startedAt });
    child.stdout.on('data', (part) => {
      output += part;
    });
    child.stderr.on('data', (part) => {
      output += part;
    });
    child.on('error', (error) => {
      output += `${command}: ${error.message}\n`;
      end(127);
    });
    child.on('close', (code) => end(code ?? 1));
  });
