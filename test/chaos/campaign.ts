import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../fuzz/random.ts';
import { type ChaosCluster, startCluster } from './cluster.ts';
import { reportOf } from './report.ts';
import { runOnce } from './run.ts';
import { serverFaults } from './server-faults.ts';
import type { Verdict } from './verdict.ts';

/** Many runs one after another: which, with what seeds, and what is known of those that were done before. */

export type CampaignOptions = {
  /** Where histories, state and report go. A campaign that was interrupted goes on in the same folder. */
  readonly folder: string;
  /** Runs of each fault. */
  readonly runs: number;
  /** Runs with two or three faults at once. */
  readonly mixes: number;
  readonly seed: number;
  /** Names of faults; empty: all. */
  readonly only: readonly string[];
  /** No run begins later than this; null: all are done. */
  readonly minutes: number | null;
};

/** One run of a campaign and what came of it. */
export type Done = {
  readonly name: string;
  readonly faults: readonly string[];
  readonly seed: number;
  readonly seconds: number;
  /** Null where the harness failed and there is nothing to judge; `problem` says why. */
  readonly verdict: Verdict | null;
  readonly problem: string | null;
};

type Planned = Pick<Done, 'name' | 'faults' | 'seed'>;

const checker = fileURLToPath(new URL('./check.ts', import.meta.url));

const mixOf = (seed: number): readonly string[] => {
  const random = createRandom(seed);
  const names = Object.keys(serverFaults);
  const picked = new Set<string>();
  for (const count = 2 + random.int(2); picked.size < count; ) picked.add(random.pick(names));
  return [...picked];
};

/** The runs of a campaign, round after round, so that a short one has had each fault once before any twice. */
export const planOf = ({ runs, mixes, seed, only }: CampaignOptions): readonly Planned[] => {
  const names = only.length > 0 ? only : Object.keys(serverFaults);
  const rounds = Array.from({ length: runs }, (_, round) =>
    names.map((name) => ({ name: `${name}-${round + 1}`, faults: name.split('+'), seed: seed + round })),
  );
  const mixed = Array.from({ length: only.length > 0 ? 0 : mixes }, (_, n) => ({
    name: `mix-${n + 1}`,
    faults: mixOf(seed + n),
    seed: seed + n,
  }));
  return [...rounds.flat(), ...mixed];
};

/** The checker is a program of its own: it gets the folder, and nothing else. */
const check = (folder: string): Promise<Verdict> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [checker, folder], { maxBuffer: 2 ** 26 }, (error, _, complaints) => {
      // Violations are exit code 1 and no failure of the checker.
      if (error !== null && error.code !== 1) reject(new Error(`the checker failed: ${complaints}`));
      else readFile(join(folder, 'verdict.json'), 'utf8').then((text) => resolve(JSON.parse(text) as Verdict), reject);
    });
  });

const stateFile = (folder: string): string => join(folder, 'state.json');

const readState = async (folder: string): Promise<Done[]> =>
  JSON.parse(await readFile(stateFile(folder), 'utf8').catch(() => '[]')) as Done[];

/** Beside and into place: an interruption leaves the old state or the new one. */
const writeState = async (folder: string, done: readonly Done[]): Promise<void> => {
  await writeFile(`${stateFile(folder)}.new`, JSON.stringify(done, null, 1));
  await rename(`${stateFile(folder)}.new`, stateFile(folder));
};

/** Runs one plan and has it judged. Does not reject: a failure of the harness is an outcome too, and no success. */
export const runAndCheck = async (planned: Planned, folder: string, cluster: ChaosCluster): Promise<Done> => {
  const began = performance.now();
  const seconds = (): number => Math.round((performance.now() - began) / 1_000);
  try {
    await runOnce({ ...planned, folder }, cluster);
    return { ...planned, seconds: seconds(), verdict: await check(folder), problem: null };
  } catch (error) {
    return { ...planned, seconds: seconds(), verdict: null, problem: String((error as Error)?.stack ?? error) };
  }
};

/** One line about a run. */
export const lineOfRun = ({ name, seed, seconds, verdict, problem }: Done): string => {
  const head = `${name.padEnd(24)} seed ${seed}  ${seconds} s`;
  if (verdict === null) return `${head}  NOT JUDGED: ${problem?.split('\n')[0]}`;
  const { events, deliveries, repeats, violations, slowestCatchUpMs } = verdict;
  const rules = [...new Set(violations.map(({ rule }) => rule))].join('');
  const known = violations.filter(({ excuse }) => excuse !== undefined).length;
  const outcome =
    violations.length === 0 ? 'ok' : `${violations.length} VIOLATIONS of ${rules}, ${known} of them known`;
  return `${head}  ${events} events  ${deliveries} deliveries  ${repeats} repeats  caught up in ${slowestCatchUpMs} ms  ${outcome}`;
};

/** Runs what is not done yet. Resolves with everything that is done, also before. */
export const runCampaign = async (options: CampaignOptions): Promise<readonly Done[]> => {
  const { folder, minutes } = options;
  await mkdir(folder, { recursive: true });
  const done = await readState(folder);
  const isDone = ({ name, seed }: Planned): boolean => done.some((each) => each.name === name && each.seed === seed);
  const left = planOf(options).filter((planned) => !isDone(planned));
  const endAt = minutes === null ? Number.POSITIVE_INFINITY : performance.now() + minutes * 60_000;
  let cluster: ChaosCluster | null = null;
  for (const planned of left) {
    if (performance.now() > endAt) break;
    cluster ??= await startCluster();
    const result = await runAndCheck(planned, join(folder, `${planned.name}-seed-${planned.seed}`), cluster);
    console.log(lineOfRun(result));
    done.push(result);
    await writeState(folder, done);
    await writeFile(join(folder, 'report.md'), reportOf(done));
    if (result.verdict === null) {
      // Whatever went wrong, the next run gets brokers that are well.
      await cluster.stop();
      cluster = null;
    }
  }
  await cluster?.stop();
  return done;
};
