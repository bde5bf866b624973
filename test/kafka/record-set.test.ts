import { describe, expect, it, vi } from 'vitest';
import { partitionId } from '../../src/event.ts';
import type { AbortedTransaction, FetchedPartition } from '../../src/kafka/fetch-request.ts';
import { chunksOf } from '../../src/kafka/fetched-chunks.ts';
import { partitionRef } from '../../src/kafka/leaders.ts';
import { readRecordSet } from '../../src/kafka/record-set.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { type BatchSketch, batchBytes } from '../support/kafka-batch.ts';

const partition = partitionId('t', 0);
const read = (sketches: readonly BatchSketch[], from = 0, aborted: readonly AbortedTransaction[] = []) => {
  const set = readRecordSet({
    partition,
    from: { next: BigInt(from), epoch: -1 },
    batches: Buffer.concat(sketches.map(batchBytes)),
    aborted,
  });
  return { ...set, values: set.records.map(({ value }) => value?.toString()) };
};

describe('the record batches of a fetch', () => {
  it('give records with offset, epoch and time, and where to go on', () => {
    const { records, next } = read([{ base: 5, values: ['a', 'b'], epoch: 3 }], 5);
    expect(records).toMatchObject([
      { partition, offset: 5n, epoch: 3, timestampMs: 1_000, key: null, headers: [] },
      { offset: 6n },
    ]);
    expect(next).toEqual({ next: 7n, epoch: 3 });
  });

  it('drop what lies below the position: a batch comes whole', () => {
    expect(read([{ base: 0, values: ['a', 'b', 'c'] }], 2).values).toEqual(['c']);
  });

  it('end at a batch that is cut off', () => {
    const whole = batchBytes({ base: 0, values: ['a'] });
    const cut = batchBytes({ base: 1, values: ['b'] }).subarray(0, -1);
    const set = readRecordSet({
      partition,
      from: { next: 0n, epoch: -1 },
      batches: Buffer.concat([whole, cut]),
      aborted: [],
    });
    expect(set).toMatchObject({ next: { next: 1n }, bad: null, records: [{ offset: 0n }] });
  });

  it('move past markers and batches that compaction has emptied', () => {
    const { values, next } = read([
      { base: 0, values: [], marker: 'commit', producerId: 7 },
      { base: 1, values: ['a'] },
      { base: 2, values: [], marker: 'abort', producerId: 7 },
    ]);
    expect(values).toEqual(['a']);
    expect(next.next).toBe(3n);
  });

  it('skip a transaction that was taken back, and keep the next one of the same producer', () => {
    const producerId = 7;
    const data = (base: number, value: string): BatchSketch => ({
      base,
      values: [value],
      producerId,
      isTransactional: true,
    });
    const sketches: BatchSketch[] = [
      data(0, 'aborted'),
      { base: 1, values: ['plain'] },
      { base: 2, values: [], marker: 'abort', producerId },
      data(3, 'committed'),
      { base: 4, values: [], marker: 'commit', producerId },
      data(5, 'aborted again'),
      { base: 6, values: [], marker: 'abort', producerId },
    ];
    const aborted = [5n, 0n].map((firstOffset) => ({ producerId: 7n, firstOffset }));
    expect(read(sketches, 0, aborted).values).toEqual(['plain', 'committed']);
  });

  it('read no header before somebody asks for it', () => {
    const headers = [['name', 'value'] as const];
    const batches = batchBytes({ base: 0, values: ['a'], headers });
    const texts = vi.spyOn(Buffer.prototype, 'toString');
    const { records } = readRecordSet({ partition, from: { next: 0n, epoch: -1 }, batches, aborted: [] });
    const count = texts.mock.calls.length;
    texts.mockRestore();
    expect(count).toBe(0);
    expect(records[0]?.headers).toEqual([['name', Buffer.from('value')]]);
  });

  it('are bad at once where a header ends behind its record', () => {
    const batches = batchBytes({ base: 0, values: ['a'], headers: [['name', '']] });
    // The length of the header's value.
    batches.writeUInt8(2, batches.length - 1);
    const set = readRecordSet({ partition, from: { next: 0n, epoch: -1 }, batches, aborted: [] });
    expect(set).toMatchObject({ records: [], next: { next: 0n }, bad: { from: 0n, to: 1n } });
  });

  it('own their bytes', () => {
    const batches = batchBytes({ base: 0, values: ['before'] });
    const { records } = readRecordSet({ partition, from: { next: 0n, epoch: -1 }, batches, aborted: [] });
    batches.fill(0);
    expect(records[0]?.value?.toString()).toBe('before');
  });
});

describe('a fetched partition', () => {
  const ref = partitionRef(partition);
  const answer = (batches: Buffer, divergence: FetchedPartition['divergence'] = null): FetchedPartition => ({
    topicId: '',
    index: 0,
    error: 0,
    stableEnd: 10n,
    start: 0n,
    aborted: [],
    divergence,
    batches,
  });
  const at = (next: bigint) => ({ ref, position: { next, epoch: 0 } });

  it.each([
    ['of an unknown codec', { codec: 6 }],
    ['that is damaged', { codec: 4 }],
    ['of the format before Kafka 0.11', { magic: 1 }],
  ])('turns a batch %s into a gap and goes on behind it', (_, flaw) => {
    const lines: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => lines.push(message) };
    const bytes = [
      batchBytes({ base: 0, values: ['good'] }),
      batchBytes({ base: 1, values: ['x', 'y'], ...flaw }),
      batchBytes({ base: 3, values: ['behind'] }),
    ];
    const { chunks, position } = chunksOf(at(0n), answer(Buffer.concat(bytes)), logger);
    expect(chunks).toMatchObject([
      { kind: 'records', next: { next: 1n } },
      { kind: 'gap', from: 1n, to: 3n, reason: 'EXPIRED' },
    ]);
    expect(position.next).toBe(3n);
    expect(lines).toHaveLength(1);
  });

  it('is TRUNCATED from where the logs part', () => {
    const { chunks, position } = chunksOf(at(9n), answer(Buffer.alloc(0), { epoch: 1, offset: 4n }), silentLogger);
    expect(chunks).toEqual([{ kind: 'gap', partition, from: 4n, to: 9n, reason: 'TRUNCATED', epoch: 1 }]);
    expect(position).toEqual({ next: 4n, epoch: 1 });
  });

  it('says nothing where nothing came', () => {
    expect(chunksOf(at(9n), answer(Buffer.alloc(0)), silentLogger).chunks).toEqual([]);
  });
});
