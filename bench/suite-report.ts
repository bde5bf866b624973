import { parseArgs } from 'node:util';
import { reportFanout } from './fanout/fanout-report.ts';
import { median, report, two } from './figures.ts';
import { asJson, runSuite, type SuiteResult } from './suite.ts';

/** Every budget, for a person or as JSON. */

const show = ({ machine, versions, ratios, raw }: SuiteResult): void => {
  reportFanout('fan-out', raw.fanout);
  reportFanout('fan-out, log read included', raw.fanoutLog);
  report(`memory: ${raw.memory.sockets} connections with one subscription`, [
    ...[...raw.memory.rssKiB].map(([name, kib]): readonly [string, string] => [name, `${two(kib)} KiB each`]),
  ]);
  report('connect, init and subscribe: processor', [
    ...[...raw.subscribe].map(([name, us]): readonly [string, string] => [name, `${two(median(us))} us each`]),
  ]);
  report('where figures are from', [
    [
      'machine',
      `${machine.cores} x ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, load ${two(machine.load)}`,
    ],
    ...Object.entries(versions).map(([name, version]): readonly [string, string] => [name, version ?? 'unknown']),
    ...Object.entries(raw.missing).map(([name, why]): readonly [string, string] => [`without ${name}`, why]),
  ]);
  report(
    'ratios',
    Object.entries(ratios).map(([name, value]): readonly [string, string] => [name, value === null ? '-' : `${value}`]),
  );
};

/** `npm run bench [-- --quick] [--json]`. With `--json`, stdout has one JSON object and nothing else. */
export const suite = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const startedAt = performance.now();
  const progress = (step: string): void =>
    console.error(`${Math.round((performance.now() - startedAt) / 1_000)} s  ${step}`);
  const result = await runSuite({ quick: values.quick, progress });
  if (values.json) process.stdout.write(`${asJson(result)}\n`);
  else show(result);
  progress('done');
};
