import { fileURLToPath } from 'node:url';
import { scratchFolder, startGateway } from '../test/support/gateway.ts';
import { startChild } from './child.ts';
import type { CrowdOrder, CrowdReport } from './crowd.ts';
import { startEstablished } from './established.ts';
import { quantile, report, rest, two } from './figures.ts';

/**
 * Everybody comes back at once: sockets of as many users connect in one moment, while others that are there go on receiving. Measured is what those
 * who are there notice of it: p99 from publish to receipt, in the storm over before it.
 */

const crowdFile = fileURLToPath(new URL('./crowd.ts', import.meta.url));

const crowd = Number(process.env['CARILLON_BENCH_STORM'] ?? 5_000);

export const storm = async (): Promise<void> => {
  const folder = await scratchFolder();
  const gateway = await startGateway({ CARILLON_DATA_DIR: folder.path, CARILLON_LOG_LEVEL: 'error' });
  const established = await startEstablished(gateway, { count: 500, perSecond: 100 });
  // A node that has been up for a while: its code is compiled.
  const warmUp = await startChild<CrowdOrder, CrowdReport>(crowdFile);
  await warmUp.ask({ wsUrl: gateway.wsUrl, count: 1_000, prefix: 'early' });
  warmUp.end();
  await rest(5_000);
  established.take();
  await rest(10_000);
  const before = established.take();
  const crowdOfUsers = await startChild<CrowdOrder, CrowdReport>(crowdFile);
  const crowdReport = await crowdOfUsers.ask({ wsUrl: gateway.wsUrl, count: crowd, prefix: 'storm' });
  const during = established.take();
  await rest(5_000);
  const after = established.take();
  const p99 = [before, during, after].map((values) => quantile(values, 0.99)) as [number, number, number];
  report(`storm: ${crowd} users connect at once, 500 are there and get 100 events a second in all`, [
    ['all in', `${two(crowdReport.inMs / 1_000)} s, ${crowdReport.acknowledged} of ${crowd}`],
    ['handshakes made again', `${crowdReport.refused}`],
    ['close codes on the way', JSON.stringify(crowdReport.codes)],
    ['close codes of those there', JSON.stringify(established.closes)],
    [
      'p99 publish to receipt, before / during / after',
      `${p99.map(two).join(' / ')} ms (${before.length} / ${during.length} / ${after.length} events)`,
    ],
    ['ratio during : before', two(p99[1] / p99[0])],
  ]);
  await established.stop();
  crowdOfUsers.end();
  await gateway.end();
  await folder.remove();
};
