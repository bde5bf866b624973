import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How one run of the command line ended. */
export type CliResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const bin = fileURLToPath(new URL('../../bin/carillon.js', import.meta.url));

/** A run of the command line that goes on until it ends by itself or is ended. */
export type CliRun = {
  readonly result: Promise<CliResult>;
  /** Resolves once stdout or stderr holds `text`; rejects when the run ends before. */
  untilPrinted(text: string): Promise<void>;
  end(): void;
};

/** Starts `carillon` with arguments, in an environment that holds nothing of ours but `env`. */
export const startCli = (args: readonly string[], env: Readonly<Record<string, string>> = {}): CliRun => {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const look = new Set<() => void>();
  const changed = (): void => {
    for (const each of [...look]) each();
  };
  child.stdout.on('data', (part) => {
    stdout += part;
    changed();
  });
  child.stderr.on('data', (part) => {
    stderr += part;
    changed();
  });
  const result = new Promise<CliResult>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  const untilPrinted = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      look.add(() => {
        if (stdout.includes(text) || stderr.includes(text)) resolve();
      });
      changed();
      result.then(() => reject(new Error(`carillon ended before it printed ${text}:\n${stdout}${stderr}`)));
    });
  return { result, untilPrinted, end: () => child.kill('SIGINT') };
};

/** Runs `carillon` to its end. */
export const runCli = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> =>
  startCli(args, env).result;
