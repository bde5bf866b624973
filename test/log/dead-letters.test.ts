import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { type DeadLetterReason, type NewRecord, type Position, partitionId } from '../../src/event.ts';
import { type DeadLetter, foldDeadLetters, readDeadLetters } from '../../src/log/dead-letter.ts';
import { createDeadLetters, type DeadLetters, type DeadLettersOptions } from '../../src/log/dead-letters.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import type { Telemetry } from '../../src/telemetry/facade.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { collect } from '../support/log-collector.ts';
import { createMemoryStore, type MemoryStore } from '../support/memory-log.ts';
import { createSimulatedClock, type SimulatedClock } from '../support/simulated-clock.ts';

const reason: DeadLetterReason = { code: 'not_json', detail: 'value is not JSON' };
const first = partitionId('notifications', 0);
const dlqTopic = 'notifications.dlq';

const poison = (value: string | Buffer | null, more: Partial<NewRecord> = {}): NewRecord => ({
  key: Buffer.from('user-1'),
  value: value === null ? null : Buffer.from(value),
  headers: [],
  partition: 0,
  ...more,
});

/** Lets everything that is ready to run do so; the in-memory log has no other kind of waiting. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('dead letters', () => {
  let store: MemoryStore;
  let source: EventLog;
  let dlq: EventLog;
  let clock: SimulatedClock;
  let counted: string[];
  let failures: Parameters<Telemetry['recordFailure']>[];
  const nodes: DeadLetters[] = [];

  const startNode = (random: () => number, options: Partial<DeadLettersOptions> = {}): DeadLetters => {
    const letters = store.log([dlqTopic]);
    const telemetry = {
      count: (_: string, label: string) => void counted.push(label),
      recordFailure: (...failure: Parameters<Telemetry['recordFailure']>) => void failures.push(failure),
    };
    const all = { source, letters, schemaDigest: 'digest-1', ...options };
    const node = createDeadLetters(all, { clock, logger: silentLogger, random, telemetry });
    nodes.push(node);
    return node;
  };
  const append = async (record: NewRecord): Promise<Position> => {
    const [result] = await source.append([record]);
    if (result?.ok !== true) throw new Error('the append failed');
    return result.position;
  };
  const report = (node: DeadLetters, position: Position, why: DeadLetterReason = reason): void =>
    node.report(position, source.topology().topics[0]?.fingerprint ?? '', why);
  const advance = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 100) {
      clock.advance(100);
      await turns();
    }
  };
  const folded = (): Promise<Map<string, DeadLetter>> => readDeadLetters(dlq, new AbortController().signal);
  const written = async (): Promise<number> => Number((await dlq.offsets()).get(partitionId(dlqTopic, 0))?.end);

  beforeEach(async () => {
    clock = createSimulatedClock();
    counted = [];
    failures = [];
    store = createMemoryStore({ partitionCount: 1, clock });
    source = store.log(['notifications']);
    dlq = store.log([dlqTopic]);
    await source.open();
  });
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.close();
    await store.close();
  });

  it('writes the record as it came, with where it stands, why, and by which schema', async () => {
    const node = startNode(() => 0.5);
    const headers = [
      ['ce_id', Buffer.from('1')],
      ['ce_id', Buffer.from('2')],
      ['empty', Buffer.alloc(0)],
    ] as const;
    const position = await append(poison('{broken', { headers, timestampMs: 1_700_000_000_000 }));
    report(node, position);
    await advance(3_000);
    const fingerprint = source.topology().topics[0]?.fingerprint;
    const letters = [...(await folded()).values()];
    expect(letters).toEqual([
      {
        id: `${fingerprint}/0/0`,
        fingerprint,
        topic: 'notifications',
        partition: 0,
        offset: 0n,
        code: 'not_json',
        detail: 'value is not JSON',
        schemaDigest: 'digest-1',
        key: Buffer.from('user-1'),
        value: Buffer.from('{broken'),
        headers,
        timestampMs: 1_700_000_000_000,
        truncatedFromBytes: null,
        unavailable: null,
      },
    ]);
    expect(node.size).toBe(0);
  });

  it('records one failure for a letter that several nodes reported, in the trace of its record', async () => {
    const fleet = [0.9, 0.1].map((wait) => startNode(() => wait));
    const traceparent = Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
    const position = await append(poison('x', { headers: [['traceparent', traceparent]] }));
    for (const node of fleet) report(node, position);
    await advance(6_000);
    const parent = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', isSampled: true };
    expect(failures).toEqual([['dead_letter', parent, { ...position, reason: 'not_json' }]]);
  });

  it('waits its random time, up to 5 s, and writes nothing before', async () => {
    const node = startNode(() => 0.99);
    report(node, await append(poison('x')));
    await advance(4_900);
    expect(await written()).toBe(0);
    expect(node.size).toBe(1);
    await advance(100);
    expect(await written()).toBe(1);
  });

  it('is written by the first of several nodes; the others read it and write nothing', async () => {
    const fleet = [0.9, 0.1, 0.5].map((wait) => startNode(() => wait));
    for (let i = 0; i < 50; i++) {
      const position = await append(poison(`${i}`));
      for (const node of fleet) report(node, position);
    }
    await advance(6_000);
    expect(await written()).toBe(50);
    expect((await folded()).size).toBe(50);
    expect(fleet.map(({ size }) => size)).toEqual([0, 0, 0]);
  });

  it('does not write what another node wrote while the record was being read', async () => {
    const held = Promise.withResolvers<void>();
    const slow = store.log(['notifications']);
    const read = slow.read.bind(slow);
    Object.assign(slow, {
      async *read(...args: Parameters<EventLog['read']>) {
        await held.promise;
        yield* read(...args);
      },
    });
    const late = startNode(() => 0, { source: slow });
    const other = startNode(() => 0.5);
    const position = await append(poison('x'));
    for (const node of [late, other]) report(node, position);
    await advance(3_000);
    expect([await written(), late.size]).toEqual([1, 0]);
    held.resolve();
    await advance(1_000);
    expect(await written()).toBe(1);
  });

  it('writes nothing before it knows what is in the topic', async () => {
    const before = startNode(() => 0);
    const position = await append(poison('x'));
    report(before, position);
    await advance(200);
    const held = Promise.withResolvers<void>();
    const letters = store.log([dlqTopic]);
    const offsets = letters.offsets.bind(letters);
    Object.assign(letters, { offsets: () => held.promise.then(offsets) });
    const after = startNode(() => 0, { letters });
    report(after, position);
    await advance(6_000);
    expect([await written(), after.size]).toEqual([1, 1]);
    held.resolve();
    await advance(6_000);
    expect([await written(), after.size]).toEqual([1, 0]);
  });

  it('folds a letter that two nodes wrote in the same instant', async () => {
    const fleet = [startNode(() => 0.5), startNode(() => 0.5)];
    const position = await append(poison('x'));
    for (const node of fleet) report(node, position);
    await turns();
    const release = store.holdAppends();
    await advance(3_000);
    release();
    await turns();
    expect(await written()).toBe(2);
    expect((await folded()).size).toBe(1);
  });

  it('does nothing for a position that is in the topic from before its start', async () => {
    const before = startNode(() => 0);
    const position = await append(poison('x'));
    report(before, position);
    await advance(200);
    expect(await written()).toBe(1);
    await before.close();
    const after = startNode(() => 0);
    report(after, position);
    await after.ready;
    report(after, position);
    await advance(6_000);
    expect(await written()).toBe(1);
    expect(after.size).toBe(0);
  });

  it('loses nothing to a kill while it waits: the next start reports it again, and writes it', async () => {
    const killed = startNode(() => 0.9);
    const positions = [await append(poison('1')), await append(poison('2'))];
    for (const position of positions) report(killed, position);
    await advance(1_000);
    await killed.close();
    const next = startNode(() => 0.2);
    for (const position of positions) report(next, position);
    await advance(2_000);
    expect((await folded()).size).toBe(2);
  });

  it('reports the same position twice and writes it once', async () => {
    const node = startNode(() => 0.1);
    const position = await append(poison('x'));
    for (let i = 0; i < 10; i++) report(node, position);
    expect(node.size).toBe(1);
    await advance(1_000);
    report(node, position);
    await advance(6_000);
    expect(await written()).toBe(1);
  });

  it('tries again while the log does not take it', async () => {
    const node = startNode(() => 0);
    const position = await append(poison('x'));
    store.failAppends(new GatewayError('LOG_UNAVAILABLE', 'down', { outcome: 'not_written' }), 3);
    report(node, position);
    await advance(10_000);
    expect(await written()).toBe(1);
    expect(node.size).toBe(0);
  });

  it('gives up, counted, on a letter that the log refuses for good, and writes the next', async () => {
    const node = startNode(() => 0);
    const [bad, good] = [await append(poison('bad')), await append(poison('good'))];
    store.failAppends(new GatewayError('TOO_LARGE', 'too large'), 1);
    report(node, bad);
    report(node, good);
    await advance(2_000);
    expect(counted).toEqual(['refused']);
    expect(await written()).toBe(1);
  });

  it('drops, counted, what is over the number that may wait', async () => {
    const node = startNode(() => 0.9, { maxWaiting: 3 });
    for (let i = 0; i < 5; i++) report(node, await append(poison(`${i}`)));
    expect([node.size, node.dropped]).toEqual([3, 2]);
    expect(counted).toEqual(['dropped', 'dropped']);
    await advance(6_000);
    expect((await folded()).size).toBe(3);
  });

  it('cuts a value that is too large, and says what it had', async () => {
    const node = startNode(() => 0, { maxLetterBytes: 10_000 });
    report(node, await append(poison(Buffer.alloc(50_000, 'v'))));
    await advance(500);
    const [letter] = (await folded()).values();
    expect(letter?.truncatedFromBytes).toBe(50_000);
    expect(letter?.value?.length).toBeLessThanOrEqual(10_000);
    expect(letter?.value?.length).toBeGreaterThan(5_000);
  });

  it('leaves out headers that are too large, and keeps the value', async () => {
    const node = startNode(() => 0, { maxLetterBytes: 10_000 });
    report(node, await append(poison('value', { headers: [['huge', Buffer.alloc(20_000)]] })));
    await advance(500);
    const [letter] = (await folded()).values();
    expect([letter?.headers, letter?.value?.toString()]).toEqual([[], 'value']);
  });

  it('keeps null keys and values, tombstones included, as null', async () => {
    const node = startNode(() => 0);
    report(node, await append(poison(null, { key: null })));
    await advance(500);
    const [letter] = (await folded()).values();
    expect([letter?.key, letter?.value]).toEqual([null, null]);
  });

  it.each([
    ['expired', () => store.expire(first, 1n)],
    ['truncated', () => store.truncate(first, 0n)],
    ['recreated', () => store.recreate('notifications')],
  ] as const)('writes a letter without a value when the record is %s by then', async (how, lose) => {
    const node = startNode(() => 0.5);
    report(node, await append(poison('x')));
    lose();
    await advance(3_000);
    const [letter] = (await folded()).values();
    expect(letter).toMatchObject({ unavailable: how, code: 'not_json', offset: 0n });
  });

  it('waits while the log is out of contact, at the start and later', async () => {
    store.stall(1_000);
    const node = startNode(() => 0);
    report(node, { partition: first, offset: 0n, epoch: 0 });
    await advance(3_000);
    store.stall(0);
    await append(poison('x'));
    await advance(2_000);
    expect((await folded()).size).toBe(1);
  });

  it('has a thousand reported by two nodes exactly once each, after folding', async () => {
    // Weyl sequences: spread evenly, the same in every run.
    const spread = (step: number): (() => number) => {
      let at = 0;
      return () => {
        at = (at + step) % 1;
        return at;
      };
    };
    const fleet = [startNode(spread(0.6180339887)), startNode(spread(0.4142135623))];
    for (let i = 0; i < 1_000; i++) {
      const position = await append(poison(`${i}`));
      for (const node of fleet) report(node, position);
    }
    await advance(8_000);
    const letters = await folded();
    expect(letters.size).toBe(1_000);
    expect([...letters.values()].every(({ offset, value }) => value?.toString() === `${offset}`)).toBe(true);
  });

  it('reads no letter out of a record that is none', async () => {
    const feed = collect(dlq, new Map([[partitionId(dlqTopic, 0), { next: 0n, epoch: -1 }]]));
    await dlq.append([poison('x'), poison('x', { key: null }), poison('x', { key: Buffer.from('abc/0/0') })]);
    await feed.until(({ records }) => records.length === 3);
    expect(foldDeadLetters(feed.records).size).toBe(0);
  });
});
