import type { Done } from './campaign.ts';
import { lineOf } from './violation.ts';

/** What a campaign comes to, as Markdown. */

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const gapsOf = (runs: readonly Done[]): string => {
  const counts = new Map<string, number>();
  for (const { verdict } of runs)
    for (const [reason, count] of Object.entries(verdict?.gaps ?? {}))
      counts.set(reason, (counts.get(reason) ?? 0) + count);
  return [...counts].map(([reason, count]) => `${count} ${reason}`).join(', ') || 'none';
};

const rowOf = (fault: string, runs: readonly Done[]): string => {
  const verdicts = runs.flatMap(({ verdict }) => verdict ?? []);
  const of = (pick: (verdict: (typeof verdicts)[number]) => number): number => sum(verdicts.map(pick));
  const cells = [
    fault,
    verdicts.length === runs.length ? runs.length : `${runs.length}, ${runs.length - verdicts.length} not judged`,
    of(({ events }) => events),
    of(({ deliveries }) => deliveries),
    gapsOf(runs),
    of(({ repeats }) => repeats),
    of(({ lostToKill }) => lostToKill),
    of(({ violations }) => violations.length),
    of(({ violations }) => violations.filter(({ excuse }) => excuse !== undefined).length),
    Math.max(0, ...verdicts.map(({ slowestCatchUpMs }) => slowestCatchUpMs)),
  ];
  return `| ${cells.join(' | ')} |`;
};

/** A table with one row per fault, and below it every violation. */
export const reportOf = (done: readonly Done[]): string => {
  const byFault = Map.groupBy(done, ({ name, faults }) => (name.startsWith('mix-') ? 'mixes' : faults.join('+')));
  const violations = done.flatMap(({ name, seed, verdict }) =>
    (verdict?.violations ?? []).map((violation) => `- ${name}, seed ${seed}: ${lineOf(violation)}`),
  );
  const problems = done.flatMap(({ name, seed, problem }) =>
    problem === null ? [] : [`- ${name}, seed ${seed}: ${problem}`],
  );
  return [
    '| fault | runs | events | deliveries | gaps | repeats | lost to `kill -9` | violations | of these known | slowest catch-up, ms |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...[...byFault].map(([fault, runs]) => rowOf(fault, runs)),
    '',
    ...(violations.length > 0 ? ['## Violations', '', ...violations, ''] : []),
    ...(problems.length > 0 ? ['## Not judged', '', ...problems, ''] : []),
  ].join('\n');
};
