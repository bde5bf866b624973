import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { projectEnvironment, projectRoot } from '../../dev/run.ts';

/**
 * Seeded bugs: each patch in this folder breaks a promise, and something must notice. First the simulation plays seeds until one is broken, then the
 * suites run that know the parts. What is left standing is a hole in the tests.
 */

/** `by`: the seed or the test that noticed; null: nothing did. */
export type Outcome = { readonly mutant: string; readonly by: string | null; readonly isBySimulation: boolean };

const folder = join(projectRoot, 'test', 'mutants');
const copied = [
  'src',
  'schema',
  'test',
  'dev',
  'docs',
  'web',
  'examples',
  'package.json',
  'vitest.config.ts',
  'tsconfig.json',
];
/** Suites without a broker, nearest to what the patches touch first. */
const suites = [
  ['test/actors', 'test/cursor.test.ts'],
  ['test/log', 'test/kafka/positions.test.ts', 'test/kafka/record-set.test.ts', 'test/event.test.ts'],
  ['test/graphql', 'test/contract/clients.test.ts', 'test/contract/graphql-transport-ws.test.ts'],
];
const seeds = 1_500;

/** Names of all mutants. */
export const mutants = async (): Promise<readonly string[]> =>
  (await readdir(folder))
    .filter((name) => name.endsWith('.patch'))
    .map((name) => basename(name, '.patch'))
    .sort();

type Result = { readonly code: number; readonly output: string };
/** A bug may be that something never ends. */
const patienceMs = 180_000;

const run = (cwd: string, command: readonly [string, ...string[]]): Promise<Result> =>
  new Promise((resolve, reject) => {
    const [file, ...args] = command;
    const env = { ...projectEnvironment(), NO_COLOR: '1' };
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += String(bytes)));
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, output });
    });
  });

/** Why a patch does not apply to the sources as they are; null where it does. */
export const patchProblem = async (mutant: string): Promise<string | null> => {
  const { code, output } = await run(projectRoot, ['git', 'apply', '--check', join(folder, `${mutant}.patch`)]);
  return code === 0 ? null : output;
};

/** A copy of the project with the bug in it. Rejects where the patch does not apply any more. */
const withBug = async (mutant: string): Promise<string> => {
  const copy = await mkdtemp(join(tmpdir(), 'carillon-mutant-'));
  for (const name of copied) await cp(join(projectRoot, name), join(copy, name), { recursive: true });
  await symlink(join(projectRoot, 'node_modules'), join(copy, 'node_modules'));
  const { code, output } = await run(copy, ['git', 'apply', join(folder, `${mutant}.patch`)]);
  if (code !== 0) throw new Error(`${mutant}.patch does not apply: make it anew against src (${output.trim()})`);
  return copy;
};

const bySimulation = async (copy: string): Promise<string | null> => {
  const { code, output } = await run(copy, [process.execPath, 'test/simulation/main.ts', String(seeds), '1', 'first']);
  if (code === 0) return null;
  const seed = /^seed (\d+):\n {2}(.*)$/m.exec(output);
  return seed === null ? 'simulation: it does not run, or never ends' : `simulation, seed ${seed[1]}: ${seed[2]}`;
};

type Report = {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
};

const bySuite = async (copy: string, files: readonly string[]): Promise<string | null> => {
  const report = join(copy, 'report.json');
  const args = ['run', '--bail=1', '--reporter=json', `--outputFile=${report}`, ...files] as const;
  const { code } = await run(copy, [join(projectRoot, 'node_modules', '.bin', 'vitest'), ...args]);
  if (code === 0) return null;
  const text = await readFile(report, 'utf8').catch(() => '{"testResults":[]}');
  const { testResults } = JSON.parse(text) as Report;
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined) return `${name.slice(name.indexOf('/test/') + 1)}: ${failed.fullName}`;
  }
  return `${files[0]}: it does not run, or never ends`;
};

/** Looks for what notices the bug. */
export const judgeMutant = async (mutant: string, only: 'simulation' | 'all' = 'all'): Promise<Outcome> => {
  const copy = await withBug(mutant);
  try {
    const seed = await bySimulation(copy);
    if (seed !== null || only === 'simulation') return { mutant, by: seed, isBySimulation: seed !== null };
    for (const files of suites) {
      const test = await bySuite(copy, files);
      if (test !== null) return { mutant, by: test, isBySimulation: false };
    }
    return { mutant, by: null, isBySimulation: false };
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
};
