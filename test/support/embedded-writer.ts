import { systemClock } from '../../src/clock.ts';
import { createEmbeddedStore } from '../../src/log/embedded.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

/** A process that appends to the embedded log until it is killed, and prints `partition/offset value` of each acknowledged record. */

const [dataDir = '', round = ''] = process.argv.slice(2);
const options = { dataDir, partitionCount: 4, retentionMs: 86_400_000, retentionBytes: 2 ** 40 };
const store = await createEmbeddedStore(options, { clock: systemClock, logger: silentLogger });
const log = store.log(['notifications']);
await log.open();

const write = async (writer: number): Promise<void> => {
  for (let i = 0; ; i++) {
    const values = Array.from({ length: 10 }, (_, k) => `${round}-${writer}-${i}-${k}`);
    const records = values.map((value) => ({ key: Buffer.from(value), value: Buffer.from(value), headers: [] }));
    const results = await log.append(records);
    const lines = results.flatMap((result, k) =>
      result.ok ? [`${result.position.partition}@${result.position.offset} ${values[k]}\n`] : [],
    );
    process.stdout.write(lines.join(''));
  }
};
await Promise.all([0, 1, 2, 3].map((writer) => write(writer)));
