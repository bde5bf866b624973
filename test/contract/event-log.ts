import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PartitionId, partitionId } from '../../src/event.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { collect, readAll, recordsOf } from '../support/log-collector.ts';
import { count, numbered, placements, positionOf, recordOf, startAt } from './log-records.ts';

/** One log over one fresh, empty topic, with the faults that its adapter can bring about. */
export type LogUnderTest = {
  readonly log: EventLog;
  readonly topic: string;
  /** Deletes the records below `to`, as retention does. */
  expire?(partition: PartitionId, to: bigint): Promise<void>;
  /** Raises the number of partitions. */
  grow?(partitionCount: number): Promise<void>;
  /** Deletes the topic and creates it anew. */
  recreate?(): Promise<void>;
  /** Ends the log and removes what it left. */
  close(): Promise<void>;
};

/** Which faults `create` brings; a test whose fault is missing is skipped under a title that says so. */
export type LogFactory = {
  readonly can: { readonly expire: boolean; readonly grow: boolean; readonly recreate: boolean };
  create(partitionCount: number): Promise<LogUnderTest>;
};

const partitions = 4;

/** The contract of the EventLog port. Each adapter runs it whole; so does the fake. */
export const describeEventLog = (name: string, factory: LogFactory): void => {
  describe(`${name} as an EventLog`, () => {
    let subject: LogUnderTest;
    let log: EventLog;
    let first: PartitionId;
    const openLog = async (partitionCount: number): Promise<void> => {
      subject = await factory.create(partitionCount);
      log = subject.log;
      await log.open();
      first = partitionId(subject.topic, 0);
    };
    beforeEach(() => openLog(partitions));
    afterEach(() => subject.close());

    const whereAble = (fault: 'expire' | 'grow' | 'recreate', title: string, run: () => Promise<void>): void => {
      if (factory.can[fault]) it(title, run);
      else it.skip(`${title} [skipped: ${name} has no way to ${fault} a topic while it is open]`, run);
    };

    describe('topology', () => {
      it('names the topic, its partitions and a fingerprint of 16 hex digits', () => {
        expect(log.topology().topics).toEqual([
          { name: subject.topic, partitionCount: partitions, fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) },
        ]);
      });

      it('gives offsets of every partition, 0 to 0 while empty', async () => {
        const offsets = await log.offsets();
        expect([...offsets.keys()].sort()).toEqual([0, 1, 2, 3].map((i) => partitionId(subject.topic, i)));
        expect([...offsets.values()]).toEqual(Array(partitions).fill({ start: 0n, end: 0n }));
      });

      whereAble('grow', 'announces new partitions, and a feed reads them from offset 0', async () => {
        const announced = Promise.withResolvers<number>();
        const feed = collect(log, new Map());
        log.onTopologyChange(({ topics }) => announced.resolve(topics[0]?.partitionCount ?? 0));
        await subject.grow?.(partitions + 2);
        expect(await announced.promise).toBe(partitions + 2);
        const added = partitionId(subject.topic, partitions + 1);
        await log.append([recordOf('early', { partition: partitions + 1 })]);
        await feed.until(({ records }) => records.length === 1);
        expect(feed.records[0]).toMatchObject({ partition: added, offset: 0n });
      });

      whereAble('recreate', 'announces another fingerprint, and a feed says RECREATED and goes on at 0', async () => {
        const before = log.topology().topics[0]?.fingerprint;
        await log.append(numbered(3, { partition: 0 }));
        const feed = collect(log, startAt({ [first]: 0n }));
        await feed.until(({ records }) => records.length === 3);
        await subject.recreate?.();
        await feed.until(({ gaps }) => gaps.some((gap) => gap.partition === first));
        expect(feed.gaps.find((gap) => gap.partition === first)).toMatchObject({
          reason: 'RECREATED',
          from: 0n,
          to: 3n,
        });
        expect(log.topology().topics[0]?.fingerprint).not.toBe(before);
        await log.append([recordOf('new', { partition: 0 })]);
        await feed.until(({ records }) => records.length === 4);
        expect(feed.records.at(-1)).toMatchObject({ partition: first, offset: 0n });
      });
    });

    describe('append', () => {
      it('answers 1,000 records by index, each with the position at which it can be read', async () => {
        const records = Array.from({ length: 1000 }, (_, i) => recordOf(`${i}`, { key: `user-${i % 50}` }));
        const results = await log.append(records);
        expect(results).toHaveLength(1000);
        const read = new Map<string, string>();
        for (const id of [0, 1, 2, 3].map((i) => partitionId(subject.topic, i))) {
          for (const record of recordsOf(await readAll(log, id, [0n, 1000n]))) {
            read.set(`${id}@${record.offset}`, record.value?.toString() ?? '');
          }
        }
        const positions = results.map((result) => positionOf(result));
        expect(positions.map(({ partition, offset }) => read.get(`${partition}@${offset}`))).toEqual(count(0, 1000));
      });

      it('answers an empty list with an empty list', async () => {
        expect(await log.append([])).toEqual([]);
      });

      it('keeps the order of appends awaited one after another and of one list', async () => {
        await log.append(numbered(50, { partition: 1 }));
        for (const value of count(50, 60)) await log.append([recordOf(value, { partition: 1 })]);
        const records = recordsOf(await readAll(log, partitionId(subject.topic, 1), [0n, 100n]));
        expect(records.map(({ value }) => value?.toString())).toEqual(count(0, 60));
      });

      it('takes concurrent appends without losing or repeating an offset', async () => {
        const lists = Array.from({ length: 40 }, (_, i) => log.append(numbered(5, { key: `user-${i}` })));
        const positions = (await Promise.all(lists)).flat().map((result) => positionOf(result));
        expect(new Set(positions.map(({ partition, offset }) => `${partition}@${offset}`)).size).toBe(200);
      });

      it('puts a keyed record where the Java producer puts it', async () => {
        await subject.close();
        await openLog(12);
        const results = await log.append(placements.map(([key]) => recordOf('v', { key })));
        const placed = results.map((result) => positionOf(result).partition);
        expect(placed).toEqual(placements.map(([, partition]) => partitionId(subject.topic, partition)));
      });

      it('obeys an explicit partition, whatever the key', async () => {
        const results = await log.append([0, 1, 2, 3].map((partition) => recordOf('v', { key: 'a', partition })));
        const placed = results.map((result) => positionOf(result).partition);
        expect(placed).toEqual([0, 1, 2, 3].map((i) => partitionId(subject.topic, i)));
      });

      it('refuses a partition that does not exist, and sinks no other record of the list', async () => {
        const results = await log.append([recordOf('a', { partition: 99 }), recordOf('b', { partition: 0 })]);
        expect(results[0]).toMatchObject({ ok: false, error: { outcome: 'not_written' } });
        expect(positionOf(results[1])).toMatchObject({ partition: first, offset: 0n });
      });

      it('keeps null and empty keys and values apart', async () => {
        await log.append([
          { key: null, value: null, headers: [], partition: 0 },
          { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [], partition: 0 },
        ]);
        const [nulls, empties] = recordsOf(await readAll(log, first, [0n, 2n]));
        expect([nulls?.key, nulls?.value]).toEqual([null, null]);
        expect([empties?.key?.length, empties?.value?.length]).toEqual([0, 0]);
      });

      it('keeps headers in order, with repeated names, empty and binary values and non-ASCII', async () => {
        const headers = [
          ['b', Buffer.from('1')],
          ['a', Buffer.alloc(0)],
          ['b', Buffer.from([0, 255, 128])],
          ['ключ', Buffer.from('значение 🔔')],
          ['__proto__', Buffer.from('x')],
        ] as const;
        await log.append([{ key: null, value: Buffer.from('v'), headers, partition: 0 }]);
        const [record] = recordsOf(await readAll(log, first, [0n, 1n]));
        expect(record?.headers.map(([name, value]) => [name, value.toString('hex')])).toEqual(
          headers.map(([name, value]) => [name, value.toString('hex')]),
        );
      });

      it('keeps the timestamp that a record brings', async () => {
        await log.append([{ ...recordOf('v', { partition: 0 }), timestampMs: 1_700_000_000_123 }]);
        const [record] = recordsOf(await readAll(log, first, [0n, 1n]));
        expect(record?.timestampMs).toBe(1_700_000_000_123);
      });

      it('owns its copy: what the caller does to a buffer after the answer changes nothing', async () => {
        const value = Buffer.from('before');
        await log.append([{ key: null, value, headers: [['h', value]], partition: 0 }]);
        value.fill('x');
        const [record] = recordsOf(await readAll(log, first, [0n, 1n]));
        expect(record?.value?.toString()).toBe('before');
        expect(record?.headers[0]?.[1].toString()).toBe('before');
      });
    });

    describe('follow', () => {
      it('hands over each partition in order and each offset once', async () => {
        const feed = collect(log, new Map());
        for (let i = 0; i < 20; i++) await log.append(numbered(10, { key: `user-${i}` }));
        await feed.until(({ records }) => records.length >= 200);
        for (const id of new Set(feed.records.map(({ partition }) => partition))) {
          const offsets = feed.records.filter(({ partition }) => partition === id).map(({ offset }) => offset);
          expect(offsets).toEqual(offsets.map((_, i) => BigInt(i)));
        }
        expect(feed.records).toHaveLength(200);
      });

      it('starts at a given position', async () => {
        await log.append(numbered(10, { partition: 0 }));
        const feed = collect(log, startAt({ [first]: 7n }));
        await feed.until(({ records }) => records.length === 3);
        expect(feed.records.map(({ offset }) => offset)).toEqual([7n, 8n, 9n]);
      });

      it('starts at the end of a partition that has no position, and sees what is appended after the call', async () => {
        await log.append(numbered(10, { partition: 0 }));
        const feed = collect(log, new Map());
        await log.append([recordOf('after', { partition: 0 })]);
        await feed.until(({ records }) => records.length > 0);
        expect(feed.values()).toEqual(['after']);
      });

      it('says where reading goes on after each chunk', async () => {
        await log.append(numbered(5, { partition: 0 }));
        const feed = collect(log, startAt({ [first]: 0n }));
        await feed.until(({ records }) => records.length === 5);
        const last = feed.chunks.at(-1);
        expect(last?.kind === 'records' && last.next.next).toBe(5n);
        expect(last?.kind === 'records' && last.next.epoch).toBe(feed.records.at(-1)?.epoch);
      });

      it('goes on at the `next` of a feed that was stopped, repeating and losing nothing', async () => {
        await log.append(numbered(10, { partition: 0 }));
        const before = collect(log, startAt({ [first]: 0n }));
        await before.until(({ records }) => records.length === 10);
        await before.stop();
        const last = before.chunks.at(-1);
        const next = last?.kind === 'records' ? last.next : { next: 0n, epoch: -1 };
        await log.append(numbered(5, { partition: 0 }));
        const after = collect(log, new Map([[first, next]]));
        await after.until(({ records }) => records.length === 5);
        expect(after.records.map(({ offset }) => offset)).toEqual([10n, 11n, 12n, 13n, 14n]);
      });

      it('joins a running stream from the past without a hole or a repeat', async () => {
        const feeds = [];
        for (let i = 0; i < 20; i++) {
          const pending = log.append(numbered(20, { partition: 0 }));
          feeds.push(collect(log, startAt({ [first]: 0n })));
          await pending;
        }
        for (const feed of feeds) {
          await feed.until(({ records }) => records.length >= 400);
          expect(feed.records.map(({ offset }) => offset)).toEqual(count(0, 400).map(BigInt));
        }
      });

      it('gives each feed buffers of its own', async () => {
        const one = collect(log, startAt({ [first]: 0n }));
        const other = collect(log, startAt({ [first]: 0n }));
        await log.append([recordOf('shared', { partition: 0 })]);
        await one.until(({ records }) => records.length === 1);
        one.records[0]?.value?.fill('x');
        await other.until(({ records }) => records.length === 1);
        expect(other.values()).toEqual(['shared']);
        const [read] = recordsOf(await readAll(log, first, [0n, 1n]));
        expect(read?.value?.toString()).toBe('shared');
      });

      it('waits for the promise of a slow handler, per partition, and loses nothing', async () => {
        const held = Promise.withResolvers<void>();
        const running = new Map<PartitionId, number>();
        let most = 0;
        const feed = collect(log, new Map(), {
          onChunk: async ({ partition }) => {
            running.set(partition, (running.get(partition) ?? 0) + 1);
            most = Math.max(most, running.get(partition) ?? 0);
            if (partition === first) await held.promise;
            running.set(partition, (running.get(partition) ?? 1) - 1);
          },
        });
        for (let i = 0; i < 10; i++) {
          await log.append([recordOf(`${i}`, { partition: 0 }), recordOf(`${i}`, { partition: 1 })]);
        }
        const second = partitionId(subject.topic, 1);
        await feed.until(({ values }) => values(second).length === 10);
        expect(feed.chunks.filter(({ partition }) => partition === first).length).toBeLessThanOrEqual(1);
        held.resolve();
        await feed.until(({ values }) => values(first).length === 10);
        expect(feed.values(first)).toEqual(count(0, 10));
        expect(most).toBe(1);
      });

      it('makes no call after stop', async () => {
        const feed = collect(log, new Map());
        const other = collect(log, new Map());
        await feed.stop();
        await log.append(numbered(3, { partition: 0 }));
        await other.until(({ records }) => records.length === 3);
        expect(feed.chunks).toEqual([]);
      });

      whereAble('expire', 'says EXPIRED for what retention took, and goes on at the start', async () => {
        await log.append(numbered(10, { partition: 0 }));
        await subject.expire?.(first, 6n);
        const feed = collect(log, startAt({ [first]: 2n }));
        await feed.until(({ records }) => records.length === 4);
        expect(feed.gaps).toEqual([{ kind: 'gap', partition: first, from: 2n, to: 6n, reason: 'EXPIRED' }]);
        expect(feed.values()).toEqual(count(6, 10));
        expect((await log.offsets()).get(first)).toEqual({ start: 6n, end: 10n });
      });
    });

    describe('read', () => {
      it('gives [from, to) and no more', async () => {
        await log.append(numbered(10, { partition: 0 }));
        const records = recordsOf(await readAll(log, first, [3n, 6n]));
        expect(records.map(({ offset }) => offset)).toEqual([3n, 4n, 5n]);
      });

      it('ends at the end of the log when that comes first', async () => {
        await log.append(numbered(4, { partition: 0 }));
        expect(recordsOf(await readAll(log, first, [2n, 100n]))).toHaveLength(2);
        expect(await readAll(log, first, [4n, 100n])).toEqual([]);
        expect(await readAll(log, partitionId(subject.topic, 3), [0n, 100n])).toEqual([]);
      });

      it('comes in chunks of bounded bytes', async () => {
        const big = Buffer.alloc(100_000, 'v');
        const records = Array.from({ length: 40 }, () => ({ key: null, value: big, headers: [], partition: 0 }));
        await log.append(records);
        const chunks = await readAll(log, first, [0n, 40n]);
        expect(recordsOf(chunks)).toHaveLength(40);
        expect(chunks.length).toBeGreaterThan(1);
      });

      it('ends early, without error, when it is aborted', async () => {
        const big = Buffer.alloc(100_000, 'v');
        await log.append(Array.from({ length: 40 }, () => ({ key: null, value: big, headers: [], partition: 0 })));
        const abort = new AbortController();
        let seen = 0;
        for await (const chunk of log.read(first, 0n, 40n, { signal: abort.signal })) {
          seen += chunk.kind === 'records' ? chunk.records.length : 0;
          abort.abort();
        }
        expect(seen).toBeGreaterThan(0);
        expect(seen).toBeLessThan(40);
      });

      whereAble('expire', 'says EXPIRED for the part below the start', async () => {
        await log.append(numbered(10, { partition: 0 }));
        await subject.expire?.(first, 6n);
        const chunks = await readAll(log, first, [2n, 8n]);
        expect(chunks[0]).toEqual({ kind: 'gap', partition: first, from: 2n, to: 6n, reason: 'EXPIRED' });
        expect(recordsOf(chunks).map(({ value }) => value?.toString())).toEqual(count(6, 8));
        expect(await readAll(log, first, [1n, 4n])).toEqual([
          { kind: 'gap', partition: first, from: 1n, to: 4n, reason: 'EXPIRED' },
        ]);
      });
    });

    describe('check', () => {
      it('finds positions up to the end valid, and one beyond it not', async () => {
        await log.append(numbered(5, { partition: 0 }));
        const verdictAt = async (next: bigint) => (await log.check(startAt({ [first]: next }))).get(first);
        expect(await verdictAt(0n)).toBe('valid');
        expect(await verdictAt(5n)).toBe('valid');
        expect(['ahead', { cutAt: { next: 5n, epoch: 0 } }]).toContainEqual(await verdictAt(6n));
      });

      it('does not know a partition of another topic', async () => {
        const strange = partitionId('elsewhere', 0);
        expect((await log.check(startAt({ [strange]: 0n }))).get(strange)).toBe('unknown');
      });

      whereAble('expire', 'finds a position below the start expired', async () => {
        await log.append(numbered(10, { partition: 0 }));
        await subject.expire?.(first, 6n);
        expect((await log.check(startAt({ [first]: 5n }))).get(first)).toBe('expired');
      });
    });

    describe('close', () => {
      it('settles appends in flight and ends the feeds', async () => {
        const feed = collect(log, new Map());
        const pending = log.append(numbered(10, { partition: 0 }));
        await log.close();
        expect(await pending).toHaveLength(10);
        const calls = feed.chunks.length;
        const refused = await log.append([recordOf('late', { partition: 0 })]);
        expect(refused[0]).toMatchObject({ ok: false, error: { code: 'LOG_UNAVAILABLE', outcome: 'not_written' } });
        expect(feed.chunks).toHaveLength(calls);
      });

      it('is idempotent', async () => {
        await log.close();
        await expect(log.close()).resolves.toBeUndefined();
        await expect(log.open()).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
      });
    });
  });
};
