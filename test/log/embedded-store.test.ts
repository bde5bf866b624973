import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { Worker as Thread } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { type NewRecord, partitionId } from '../../src/event.ts';
import {
  createEmbeddedStore,
  type EmbeddedDeps,
  type EmbeddedOptions,
  type EmbeddedStore,
} from '../../src/log/embedded.ts';
import { startWorkerThread } from '../../src/log/embedded-link.ts';
import type { AppendResult } from '../../src/log/event-log.ts';
import { controlTopic } from '../../src/log/topics.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { collect, readAll, recordsOf } from '../support/log-collector.ts';
import { createSimulatedClock } from '../support/simulated-clock.ts';

const dayMs = 86_400_000;
const first = partitionId('notifications', 0);
const fromStart = new Map([[first, { next: 0n, epoch: -1 }]]);

const valued = (value: string | Buffer): NewRecord => ({
  key: null,
  value: Buffer.from(value),
  headers: [],
  partition: 0,
});

const outcomes = (results: readonly AppendResult[]): (string | undefined)[] =>
  results.map((result) => (result.ok ? 'written' : result.error.outcome));

describe('the embedded store', () => {
  let dataDir: string;
  const stores: EmbeddedStore[] = [];
  const openStore = async (
    options: Partial<EmbeddedOptions> = {},
    deps: Partial<EmbeddedDeps> = {},
  ): Promise<EmbeddedStore> => {
    const all = { dataDir, partitionCount: 4, retentionMs: dayMs, retentionBytes: 2 ** 40, ...options };
    const store = await createEmbeddedStore(all, { clock: systemClock, logger: silentLogger, ...deps });
    stores.push(store);
    return store;
  };
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'carillon-log-'));
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    await rm(dataDir, { recursive: true });
  });

  it('does not let what is written stand in line behind all who read what was', async () => {
    const store = await openStore();
    const log = store.log(['notifications']);
    await log.open();
    await log.append([valued('old')]);
    const settled: string[] = [];
    const { signal } = new AbortController();
    const reads = Array.from({ length: 10 }, async () => {
      for await (const _ of log.read(first, 0n, 1n, { signal })) settled.push('read');
    });
    const append = log.append([valued('new')]).then(() => settled.push('written'));
    await Promise.all([...reads, append]);
    expect(settled).toHaveLength(11);
    expect(settled.indexOf('written')).toBeLessThan(5);
  });

  describe('the data folder', () => {
    it('is taken by one store at a time, and the refusal names it and what to do', async () => {
      await openStore();
      const error = await openStore().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'ALREADY_LOCKED' });
      expect(String(error)).toContain(dataDir);
      expect(String(error)).toContain('CARILLON_DATA_DIR');
    });

    it('is free again after close', async () => {
      const store = await openStore();
      await store.close();
      await expect(openStore()).resolves.toBeDefined();
    });

    it('that cannot be created is CONFIG_INVALID, named', async () => {
      await writeFile(join(dataDir, 'file'), '');
      const refused = openStore({ dataDir: join(dataDir, 'file', 'below') });
      await expect(refused).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(dataDir),
      });
    });

    it('with a file that is no log is CONFIG_INVALID, and stays as it is', async () => {
      await writeFile(join(dataDir, 'log.db'), 'not a database, by any means'.repeat(1000));
      await expect(openStore()).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('move it away'),
      });
    });

    it('keeps fingerprints and records over a restart', async () => {
      const before = (await openStore()).log(['notifications']);
      const { topics } = await before.open();
      await before.append([valued('kept')]);
      await stores[0]?.close();
      const after = (await openStore()).log(['notifications']);
      expect((await after.open()).topics).toEqual(topics);
      const [record] = recordsOf(await readAll(after, first, [0n, 10n]));
      expect(record?.value?.toString()).toBe('kept');
    });

    it('grows a topic when more partitions are asked for, and never shrinks it', async () => {
      const counts: (number | undefined)[] = [];
      for (const partitionCount of [2, 6, 3]) {
        const store = await openStore({ partitionCount });
        counts.push((await store.log(['notifications']).open()).topics[0]?.partitionCount);
        await store.close();
      }
      expect(counts).toEqual([2, 6, 6]);
    });

    it('serves several logs, with one partition for dead letters and control', async () => {
      const store = await openStore();
      const { topics } = await store.log(['notifications', 'notifications.dlq', controlTopic]).open();
      expect(topics.map(({ name, partitionCount }) => [name, partitionCount])).toEqual([
        ['notifications', 4],
        ['notifications.dlq', 1],
        [controlTopic, 1],
      ]);
      expect(new Set(topics.map(({ fingerprint }) => fingerprint)).size).toBe(3);
    });
  });

  describe('retention', () => {
    const openAt = async (clock: Clock, options: Partial<EmbeddedOptions>) => {
      const store = await openStore(options, { clock });
      const log = store.log(['notifications']);
      await log.open();
      return { store, log };
    };

    it('deletes by age since the append, whatever timestamp the producer gave', async () => {
      const clock = createSimulatedClock();
      const { store, log } = await openAt(clock, { retentionMs: 60_000 });
      await log.append([{ ...valued('old'), timestampMs: clock.now() + dayMs }, valued('old too')]);
      clock.advance(50_000);
      await log.append([{ ...valued('young'), timestampMs: 0 }]);
      clock.advance(20_000);
      await store.retain();
      expect((await log.offsets()).get(first)).toEqual({ start: 2n, end: 3n });
      const feed = collect(log, fromStart);
      await feed.until(({ records }) => records.length === 1);
      expect(feed.gaps).toEqual([{ kind: 'gap', partition: first, from: 0n, to: 2n, reason: 'EXPIRED' }]);
      expect(feed.values()).toEqual(['young']);
    });

    it('runs by itself each minute', async () => {
      const clock = createSimulatedClock();
      const { log } = await openAt(clock, { retentionMs: 30_000 });
      await log.append([valued('old')]);
      clock.advance(60_000);
      // The worker answers in order: this append is behind the retention that the clock set off.
      await log.append([valued('new')]);
      await expect.poll(async () => (await log.offsets()).get(first)?.start).toBe(1n);
    });

    it('deletes the oldest over the bytes of a topic, across its partitions', async () => {
      const clock = createSimulatedClock();
      const { store, log } = await openAt(clock, { retentionBytes: 100_000 });
      for (let i = 0; i < 40; i++) {
        await log.append([{ ...valued(Buffer.alloc(10_000, 'v')), partition: i % 4 }]);
        clock.advance(1);
      }
      await store.retain();
      const ranges = [...(await log.offsets()).values()];
      const kept = ranges.reduce((sum, { start, end }) => sum + Number(end - start), 0);
      expect(kept).toBe(9);
      expect(ranges.every(({ start }) => start >= 7n)).toBe(true);
    });

    it('that overtakes a slow feed is a gap for it, not a silence', async () => {
      const clock = createSimulatedClock();
      const { store, log } = await openAt(clock, { retentionMs: 60_000 });
      const held = Promise.withResolvers<void>();
      const feed = collect(log, new Map(), { onChunk: () => held.promise });
      for (let i = 0; i < 5; i++) await log.append([valued(`${i}`)]);
      clock.advance(120_000);
      await store.retain();
      await log.append([valued('5')]);
      held.resolve();
      await feed.until(({ values }) => values().includes('5'));
      expect(feed.gaps).toEqual([{ kind: 'gap', partition: first, from: 1n, to: 5n, reason: 'EXPIRED' }]);
      expect(feed.values()).toEqual(['0', '5']);
    });

    it('goes on from the old end when it took everything', async () => {
      const clock = createSimulatedClock();
      const { store, log } = await openAt(clock, { retentionMs: 1_000 });
      await log.append(Array.from({ length: 1_200 }, () => valued('old')));
      clock.advance(2_000);
      await store.retain();
      await store.close();
      const again = await openAt(clock, { retentionMs: 1_000 });
      expect((await again.log.offsets()).get(first)).toEqual({ start: 1_200n, end: 1_200n });
      const [result] = await again.log.append([valued('new')]);
      expect(result).toMatchObject({ ok: true, position: { offset: 1_200n } });
    });
  });

  describe('a compacted topic', () => {
    const keyed = (key: string, value: string | null): NewRecord => ({
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: [],
    });

    it('keeps the newest record of each key, and offsets go on', async () => {
      const store = await openStore();
      const log = store.log([controlTopic]);
      await log.open();
      await log.append([keyed('a', '1'), keyed('b', '1'), keyed('a', '2')]);
      await log.append([keyed('a', '3'), keyed('b', null)]);
      const chunks = await readAll(log, partitionId(controlTopic, 0), [0n, 100n]);
      expect(recordsOf(chunks).map(({ offset, value }) => [offset, value?.toString() ?? null])).toEqual([
        [3n, '3'],
        [4n, null],
      ]);
      expect((await log.offsets()).get(partitionId(controlTopic, 0))).toEqual({ start: 0n, end: 5n });
    });

    it('forgets a tombstone after the retention, and no value', async () => {
      const clock = createSimulatedClock();
      const store = await openStore({ retentionMs: 1_000 }, { clock });
      const log = store.log([controlTopic]);
      await log.open();
      await log.append([keyed('a', '1'), keyed('b', '1'), keyed('b', null)]);
      clock.advance(5_000);
      await store.retain();
      const chunks = await readAll(log, partitionId(controlTopic, 0), [0n, 100n]);
      expect(recordsOf(chunks).map(({ value }) => value?.toString())).toEqual(['1']);
    });

    it('refuses a record without a key', async () => {
      const log = (await openStore()).log([controlTopic]);
      await log.open();
      expect(outcomes(await log.append([valued('v')]))).toEqual(['not_written']);
    });
  });

  describe('trouble', () => {
    it('of a full disk refuses the append as not written, says so, and keeps what was there', async () => {
      const startWorker = (file: string): Worker =>
        new Thread(new URL('../../src/log/embedded-worker.ts', import.meta.url), {
          workerData: { file, maxPages: 60 },
        });
      const log = (await openStore({}, { startWorker })).log(['notifications']);
      await log.open();
      expect(outcomes(await log.append([valued('fits')]))).toEqual(['written']);
      const [refused] = await log.append([valued(Buffer.alloc(1_000_000))]);
      expect(refused).toMatchObject({ ok: false, error: { code: 'LOG_UNAVAILABLE', outcome: 'not_written' } });
      expect(refused?.ok === false && refused.error.message).toContain('the disk is full: free space');
      expect(outcomes(await log.append([valued('fits too')]))).toEqual(['written']);
      expect(recordsOf(await readAll(log, first, [0n, 9n])).map(({ value }) => value?.toString())).toEqual([
        'fits',
        'fits too',
      ]);
    });

    it('of a worker that ends: what is in flight is unknown, the rest goes on with the next worker', async () => {
      const workers: Worker[] = [];
      let isHeld = false;
      const startWorker = (file: string): Worker => {
        const worker = startWorkerThread(file);
        const post = worker.postMessage.bind(worker);
        // What it is told last does not reach it: it could be done with it before it ends.
        worker.postMessage = (...message: Parameters<Worker['postMessage']>) => {
          if (!isHeld || worker !== workers[0]) post(...message);
        };
        workers.push(worker);
        return worker;
      };
      const log = (await openStore({}, { startWorker })).log(['notifications']);
      await log.open();
      const feed = collect(log, fromStart);
      const before = log.append([valued('before')]);
      expect(outcomes(await before)).toEqual(['written']);
      isHeld = true;
      const inFlight = log.append([valued('in flight')]);
      await Promise.resolve();
      await workers[0]?.terminate();
      expect(outcomes(await inFlight)).toEqual(['unknown']);
      const after = log.append([valued('after')]);
      expect(outcomes(await after)).toEqual(['written']);
      await feed.until(({ values, stalls }) => values().includes('after') && stalls.includes(0));
      expect(feed.values().filter((value) => value !== 'in flight')).toEqual(['before', 'after']);
      expect(workers).toHaveLength(2);
    });

    it('of a disk that does not answer: an append is given up after 5 s, unknown in flight and not written in the queue', async () => {
      const clock = createSimulatedClock();
      const held: (() => void)[] = [];
      let isHolding = false;
      const startWorker = (file: string): Worker => {
        const worker = startWorkerThread(file);
        const post = worker.postMessage.bind(worker);
        worker.postMessage = (...args: Parameters<Worker['postMessage']>): void => {
          if (isHolding) held.push(() => post(...args));
          else post(...args);
        };
        return worker;
      };
      const log = (await openStore({}, { clock, startWorker })).log(['notifications']);
      await log.open();
      const feed = collect(log, fromStart);
      isHolding = true;
      const inFlight = log.append([valued('in flight')]);
      await expect.poll(() => held.length).toBe(1);
      const queued = log.append([valued('queued')]);
      clock.advance(5_000);
      expect(outcomes(await inFlight)).toEqual(['unknown']);
      expect(outcomes(await queued)).toEqual(['not_written']);
      expect(feed.stalls).toEqual([5_000]);
      isHolding = false;
      for (const release of held) release();
      await feed.until(({ stalls }) => stalls.includes(0));
      await feed.until(({ records }) => records.length === 1);
      expect(feed.values()).toEqual(['in flight']);
    });

    it('of a throwing handler ends that feed and no other', async () => {
      const log = (await openStore()).log(['notifications']);
      await log.open();
      const bad = collect(log, new Map(), {
        onChunk: () => {
          throw new Error('a bug');
        },
      });
      const good = collect(log, new Map());
      for (const value of ['1', '2', '3']) await log.append([valued(value)]);
      await good.until(({ records }) => records.length === 3);
      expect(bad.records).toHaveLength(1);
    });

    it('of a folder put back from an older copy shows as TRUNCATED', async () => {
      const log = (await openStore()).log(['notifications']);
      await log.open();
      await log.append([valued('0'), valued('1')]);
      const beyond = new Map([[first, { next: 9n, epoch: 0 }]]);
      expect((await log.check(beyond)).get(first)).toEqual({ cutAt: { next: 2n, epoch: 0 } });
      const feed = collect(log, beyond);
      await log.append([valued('2')]);
      await feed.until(({ records }) => records.length === 1);
      expect(feed.gaps).toEqual([{ kind: 'gap', partition: first, from: 2n, to: 9n, reason: 'TRUNCATED', epoch: 0 }]);
      expect(feed.values()).toEqual(['2']);
    });
  });
});
