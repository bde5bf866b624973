import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CampaignOptions, runCampaign } from './campaign.ts';
import { reportOf } from './report.ts';
import { serverFaults } from './server-faults.ts';

/**
 * `npm run chaos [-- --only <fault>[+<fault>…] --runs n --mixes n --seed n --minutes m --dir <folder>]`: the fault campaign. The same command with the same folder goes
 * on where it was interrupted. Exit code 0: no violation, and everything was judged.
 */

const usage = `faults: ${Object.keys(serverFaults).join(', ')}`;

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} ${text} is no number: give 0 or more`);
  return value;
};

const readOptions = (): CampaignOptions => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string', default: '10' },
      mixes: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string' },
      dir: { type: 'string', default: join(tmpdir(), 'carillon-chaos') },
    },
  });
  const unknown = values.only.flatMap((each) => each.split('+')).filter((name) => !Object.hasOwn(serverFaults, name));
  if (unknown.length > 0) throw new Error(`no fault is called ${unknown.join(', ')}: there are these ${usage}`);
  return {
    folder: values.dir,
    runs: whole('runs', values.runs),
    mixes: whole('mixes', values.mixes),
    seed: whole('seed', values.seed),
    only: values.only,
    minutes: values.minutes === undefined ? null : whole('minutes', values.minutes),
  };
};

// Gateways and brokers end with this process, however it ends: each has a watchdog that waits for that.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

try {
  const options = readOptions();
  console.log(`chaos: histories, state and report are in ${options.folder}`);
  const done = await runCampaign(options);
  console.log(`\n${reportOf(done)}`);
  process.exit(done.every(({ verdict }) => verdict !== null && verdict.violations.length === 0) ? 0 : 1);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}
