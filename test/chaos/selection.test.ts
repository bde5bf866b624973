import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../support/gateway.ts';
import { lineOfRun, runAndCheck } from './campaign.ts';
import { type ChaosCluster, clusterForTests } from './cluster.ts';
import { lineOf, type Violation } from './violation.ts';

/** A short selection of the campaign, one run each; `npm run chaos` does all of it, many times over. */

const cluster = await clusterForTests();
const seed = Number(process.env['CARILLON_TEST_SEED'] ?? 7);

describe.skipIf(cluster === null)('three gateways on three brokers, with clients in all sorts of trouble', () => {
  const folders = scratchFolder();
  afterAll(async () => {
    await cluster?.stop();
    await (await folders).remove();
  });

  it.each(['gateway-kill', 'gateway-rolling', 'broker-kill', 'aborted-transactions'])(
    'keep their promises through %s',
    { timeout: 180_000 },
    async (fault) => {
      const folder = join((await folders).path, fault);
      const planned = { name: fault, faults: [fault], seed };
      const done = await runAndCheck(planned, folder, cluster as ChaosCluster);
      console.info(`chaos: ${lineOfRun(done)}`);
      expect(done.problem).toBeNull();
      // Whoever comes to another node within an election is not known there yet; nothing else is excused.
      const known = (violation: Violation): boolean => fault === 'broker-kill' && violation.excuse !== undefined;
      expect(done.verdict?.violations.filter((each) => !known(each)).map(lineOf)).toEqual([]);
      expect(done.verdict?.deliveries).toBeGreaterThan(1_000);
    },
  );
});
