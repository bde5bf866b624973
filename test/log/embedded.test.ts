import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { createEmbeddedStore } from '../../src/log/embedded.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { describeEventLog } from '../contract/event-log.ts';

describeEventLog('the embedded log', {
  can: { expire: true, grow: false, recreate: false },
  create: async (partitionCount) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'carillon-log-'));
    const options = { dataDir, partitionCount, retentionMs: 86_400_000, retentionBytes: 2 ** 40 };
    const store = await createEmbeddedStore(options, { clock: systemClock, logger: silentLogger });
    return {
      topic: 'notifications',
      log: store.log(['notifications']),
      expire: (partition, to) => store.trim(partition, to),
      close: async () => {
        await store.close();
        await rm(dataDir, { recursive: true });
      },
    };
  },
});
