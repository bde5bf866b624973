import { fileURLToPath } from 'node:url';
import { scratchFolder, startGateway } from '../test/support/gateway.ts';
import { startChild } from './child.ts';
import type { CrowdOrder, CrowdReport } from './crowd.ts';
import { type Established, startEstablished } from './established.ts';
import { median, quantile, report, rest, two } from './figures.ts';

/**
 * Everybody comes back at once: sockets of as many users connect in one moment, while others that are there go on receiving. Measured is what those
 * who are there notice of it: p99 from publish to receipt, in the storm over before it.
 */

const crowdFile = fileURLToPath(new URL('./crowd.ts', import.meta.url));

const crowd = Number(process.env['CARILLON_BENCH_STORM'] ?? 5_000);
/** Each with users of its own, on a node that is quiet again. One is as good as the machine was in its half minute. */
const rounds = 5;

type Round = CrowdReport & {
  /** p99 before, during and after, milliseconds, and of how many events. */
  readonly p99: readonly [before: number, during: number, after: number];
  readonly events: readonly number[];
};

const playRound = async (wsUrl: string, established: Established, prefix: string): Promise<Round> => {
  await rest(5_000);
  established.take();
  await rest(10_000);
  const before = established.take();
  const users = await startChild<CrowdOrder, CrowdReport>(crowdFile);
  const report = await users.ask({ wsUrl, count: crowd, prefix });
  const during = established.take();
  await rest(5_000);
  const after = established.take();
  users.end();
  const all = [before, during, after] as const;
  const p99 = [quantile(before, 0.99), quantile(during, 0.99), quantile(after, 0.99)] as const;
  return { ...report, p99, events: all.map(({ length }) => length) };
};

const rowsOf = (round: Round, n: number): [string, string][] => [
  [
    `storm ${n + 1}: all in, made again, close codes on the way`,
    `${two(round.inMs / 1_000)} s, ${round.acknowledged} of ${crowd}; ${round.refused}; ${JSON.stringify(round.codes)}`,
  ],
  [
    'p99 publish to receipt, before / during / after',
    `${round.p99.map(two).join(' / ')} ms (${round.events.join(' / ')} events)`,
  ],
  ['ratio during : before', two(round.p99[1] / round.p99[0])],
];

export const storm = async (): Promise<void> => {
  const folder = await scratchFolder();
  const gateway = await startGateway({ CARILLON_DATA_DIR: folder.path, CARILLON_LOG_LEVEL: 'error' });
  const established = await startEstablished(gateway, { count: 500, perSecond: 100 });
  // A node that has been up for a while: its code is compiled.
  const warmUp = await startChild<CrowdOrder, CrowdReport>(crowdFile);
  await warmUp.ask({ wsUrl: gateway.wsUrl, count: 1_000, prefix: 'early' });
  warmUp.end();
  const played: Round[] = [];
  for (let n = 0; n < rounds; n++) played.push(await playRound(gateway.wsUrl, established, `storm-${n}`));
  report(`storm: ${crowd} users connect at once, 500 are there and get 100 events a second in all`, [
    ...played.flatMap(rowsOf),
    ['close codes of those there', JSON.stringify(established.closes)],
    ['ratio, the middle of all', two(median(played.map(({ p99: [before, during] }) => during / before)))],
  ]);
  await established.stop();
  await gateway.end();
  await folder.remove();
};
