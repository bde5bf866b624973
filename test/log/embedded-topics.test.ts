import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { partitionId } from '../../src/event.ts';
import {
  type ControlTopic,
  controlTopic,
  createControlTopic,
  createDeadLetters,
  createEmbeddedStore,
  deadLetterTopicOf,
  type EmbeddedStore,
  readDeadLetters,
} from '../../src/log/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { collect } from '../support/log-collector.ts';

/** The topics of our own on a real store, over restarts. */
describe('on the embedded log', () => {
  let dataDir: string;
  let store: EmbeddedStore;
  const deps = { clock: systemClock, logger: silentLogger };
  const open = async (): Promise<void> => {
    const options = { dataDir, partitionCount: 4, retentionMs: 86_400_000, retentionBytes: 2 ** 40 };
    store = await createEmbeddedStore(options, deps);
  };
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'carillon-log-'));
    await open();
  });
  afterEach(async () => {
    await store.close();
    await rm(dataDir, { recursive: true });
  });

  it('each of a hundred poison records becomes one letter, over a restart that reports all again', async () => {
    const letterTopic = deadLetterTopicOf('notifications');
    const reportAll = async (): Promise<void> => {
      const source = store.log(['notifications']);
      const { topics } = await source.open();
      const letters = store.log([letterTopic]);
      const dead = createDeadLetters(
        { source, letters, schemaDigest: 'd', maxDelayMs: 0 },
        { ...deps, random: () => 0, telemetry: { count: () => undefined, recordFailure: () => undefined } },
      );
      await dead.ready;
      const first = partitionId('notifications', 0);
      for (let offset = 0n; offset < 100n; offset++) {
        const position = { partition: first, offset, epoch: 0 };
        dead.report(position, topics[0]?.fingerprint ?? '', { code: 'not_json', detail: 'value' });
      }
      const feed = collect(letters, new Map([[partitionId(letterTopic, 0), { next: 0n, epoch: -1 }]]));
      await feed.until(({ records }) => records.length >= 100);
      expect(dead.size).toBe(0);
      await dead.close();
    };
    const source = store.log(['notifications']);
    await source.open();
    await source.append(
      Array.from({ length: 100 }, (_, i) => ({ key: null, value: Buffer.from(`${i}`), headers: [], partition: 0 })),
    );
    await reportAll();
    await store.close();
    await open();
    await reportAll();
    const letters = store.log([letterTopic]);
    await letters.open();
    expect((await letters.offsets()).get(partitionId(letterTopic, 0))).toEqual({ start: 0n, end: 100n });
    const folded = [...(await readDeadLetters(letters, new AbortController().signal)).values()];
    expect(folded.every(({ offset, value }) => value?.toString() === `${offset}`)).toBe(true);
  });

  it('the control topic keeps what holds over a restart, and one record per key', async () => {
    const follow = async (): Promise<ControlTopic> => {
      const control = createControlTopic({ log: store.log([controlTopic]) }, deps);
      await control.ready;
      return control;
    };
    const before = await follow();
    for (let i = 0; i < 50; i++) await before.put(`parked/${i % 5}`, { at: i });
    await before.put('parked/0', undefined);
    await before.close();
    await store.close();
    await open();
    const after = await follow();
    expect([...after.entries()]).toEqual([1, 2, 3, 4].map((i) => [`parked/${i}`, { at: 45 + i }]));
    await after.close();
    const log = store.log([controlTopic]);
    await log.open();
    let records = 0;
    for await (const chunk of log.read(partitionId(controlTopic, 0), 0n, 100n, {
      signal: new AbortController().signal,
    }))
      records += chunk.kind === 'records' ? chunk.records.length : 0;
    expect(records).toBe(5);
  });
});
