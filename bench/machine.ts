import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';

/** What figures were measured on. `load`: of the last minute, before anything was measured: above 0.2 others were at work. */
export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly load: number;
};

/** This machine, now. */
export const thisMachine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release()}`,
  load: loadavg()[0] ?? 0,
});

const packages = ['graphql', 'graphql-ws', 'ws', 'graphql-yoga', 'kafkajs', 'graphql-kafkajs-subscriptions'];

type Manifest = {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

const output = async (program: string, args: readonly string[]): Promise<string | null> => {
  const { stdout } = await promisify(execFile)(program, [...args]).catch(() => ({ stdout: '' }));
  return stdout.split('\n')[0]?.trim() || null;
};

/** Versions of what takes part; null where it is not known. */
export const versions = async (): Promise<Readonly<Record<string, string | null>>> => {
  const file = new URL('../package.json', import.meta.url);
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest;
  const pinned = { ...manifest.dependencies, ...manifest.devDependencies };
  return {
    carillon: manifest.version,
    commit: await output('git', ['rev-parse', '--short', 'HEAD']),
    node: process.version,
    v8: process.versions.v8,
    compiler: await output(process.env['CC'] ?? 'cc', ['--version']),
    ...Object.fromEntries(packages.map((name) => [name, pinned[name] ?? null])),
  };
};
