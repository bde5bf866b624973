import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createEmbeddedStore } from '../../src/log/embedded.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { readAll, recordsOf } from '../support/log-collector.ts';

const writer = fileURLToPath(new URL('../support/embedded-writer.ts', import.meta.url));

/** Lets a writer acknowledge `count` records, kills it, and adds what it printed to `acknowledged`. */
const writeAndKill = async (dataDir: string, round: number, acknowledged: Map<string, string>): Promise<void> => {
  const child = spawn(process.execPath, [writer, dataDir, `${round}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const before = acknowledged.size;
  // A line that the kill cut short names no whole value; it was printed after its acknowledgement all the same, but cannot be compared.
  for await (const line of createInterface({ input: child.stdout })) {
    const [at, value] = line.split(' ');
    if (at !== undefined && /^\d+-\d+-\d+-\d$/.test(value ?? '')) acknowledged.set(at, value ?? '');
    if (acknowledged.size >= before + 200 + round * 40) child.kill('SIGKILL');
  }
  await exited;
};

const storedIn = async (dataDir: string): Promise<{ values: Map<string, string>; isDense: boolean }> => {
  const options = { dataDir, partitionCount: 4, retentionMs: 86_400_000, retentionBytes: 2 ** 40 };
  const store = await createEmbeddedStore(options, { clock: systemClock, logger: silentLogger });
  const log = store.log(['notifications']);
  await log.open();
  const values = new Map<string, string>();
  let isDense = true;
  for (const [id, { start, end }] of await log.offsets()) {
    const records = recordsOf(await readAll(log, id, [start, end]));
    isDense &&= records.every(({ offset }, i) => offset === BigInt(i)) && BigInt(records.length) === end;
    for (const { offset, value } of records) values.set(`${id}@${offset}`, value?.toString() ?? '');
  }
  await store.close();
  return { values, isDense };
};

describe('the embedded log under kill -9', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'carillon-log-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  it('has every acknowledged record afterwards, with dense offsets, ten times over', async () => {
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < 10; round++) {
      await writeAndKill(dataDir, round, acknowledged);
      const { values, isDense } = await storedIn(dataDir);
      const missing = [...acknowledged].filter(([at, value]) => values.get(at) !== value);
      expect({ round, missing, isDense }).toEqual({ round, missing: [], isDense: true });
    }
    expect(acknowledged.size).toBeGreaterThan(2_000);
  }, 120_000);

  it('is refused to a second process while the first lives', async () => {
    const child = spawn(process.execPath, [writer, dataDir, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.stdout.resume();
    await expect(storedIn(dataDir)).rejects.toMatchObject({
      code: 'ALREADY_LOCKED',
      message: expect.stringContaining(dataDir),
    });
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    await expect(storedIn(dataDir)).resolves.toMatchObject({ isDense: true });
  });

  it('can be opened by the next process at once: no lock outlives its owner', async () => {
    await writeAndKill(dataDir, 0, new Map());
    await expect(storedIn(dataDir)).resolves.toMatchObject({ isDense: true });
  });
});
