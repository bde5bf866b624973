import { afterEach, describe, expect, it, vi } from 'vitest';
import { AddresseeKeys } from '../../src/actors/audience-filter.ts';
import { Blocks } from '../../src/actors/blocks.ts';
import { EntryReader } from '../../src/actors/entry-reader.ts';
import { Lane } from '../../src/actors/lane.ts';
import type { LogRun } from '../../src/actors/log-run.ts';
import { Readings } from '../../src/actors/readings.ts';
import { Scan } from '../../src/actors/scan.ts';
import { Tail } from '../../src/actors/tail.ts';
import { Turn } from '../../src/actors/turn.ts';
import { createCursorCodec } from '../../src/cursor.ts';
import { type Audience, type DecodeRecord, type OpenRecord, partitionId } from '../../src/event.ts';
import { stillHeld } from '../support/collected.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import type { SimulatedClock } from '../support/simulated-clock.ts';
import { afterIo, createWorld, ManualScheduler, record, topic, userId } from './node.ts';
import { watchSealedPacks } from './sealed-packs.ts';

/** How many readings there may be, and for how long, whoever comes and goes. */

type Harness = {
  readonly clock: SimulatedClock;
  /** Somebody comes to `position`; null where he has to wait. */
  come(position: bigint, partition?: number): Scan | null;
  /** Takes so many steps with `scan`. */
  go(scan: Scan | null, count: number): Promise<void>;
  /** Readings that were begun. */
  begun(): number;
  /** Those that read. */
  reading(): number;
  stop(): void;
};

const ada: Audience = { kind: 'user', userId: userId('ada') };
const addressee = { userId: userId('ada'), topics: [], takesEveryone: false };
const open: OpenRecord = ({ offset }) => ({ kind: 'addressed', audience: ada, dedupeKey: String(offset) });
const reason = { code: 'invalid_content', detail: 'a test' } as const;
const decode: DecodeRecord = () => ({
  kind: 'unreadable',
  audience: ada,
  dedupeKey: '',
  createdAtMs: 0,
  isDeadLetter: true,
  reason,
});

const harness = async (
  count: number,
  { partitionCount = 1, maxScans = 24 }: { readonly partitionCount?: number; readonly maxScans?: number } = {},
): Promise<Harness> => {
  const { log, clock } = await createWorld({ partitionCount });
  await log.open();
  const partitions = Array.from({ length: partitionCount }, (_, n) => n);
  for (const partition of partitions)
    await log.append(Array.from({ length: count }, (_, n) => record(`event ${n}`, { partition })));
  const scheduler = new ManualScheduler();
  const tail = new Tail(createCursorCodec());
  tail.adopt(log.topology().topics);
  for (const partition of partitions) tail.move(partitionId(topic, partition), { next: BigInt(count), epoch: 0 });
  const { counts } = silentTelemetry();
  const readings = new Readings({
    log,
    open,
    reader: new EntryReader({ decode, counts }),
    counts,
    scheduler,
    tail,
    maxScans,
    now: () => clock.now(),
    turn: new Turn({ clock, scheduler, maxTurnMs: 5 }),
    blocks: new Blocks({ size: 100, maxBytes: 1e6, store: null, fingerprintOf: () => 'f' }),
    maxKeptBytes: 1e9,
    monotonic: () => clock.monotonic(),
    after: (delayMs, task) => clock.after(delayMs, task),
    freed: () => undefined,
    members: { size: 5, values: () => [] },
  });
  const runs = new Set<LogRun>();
  return {
    clock,
    come(position, partition = 0) {
      const run = readings.find(new Lane(partitionId(topic, partition), { next: position, epoch: 0 }));
      if (run === null) return null;
      runs.add(run);
      return new Scan(run, { addressee, keys: new AddresseeKeys(addressee), position, wake: () => undefined });
    },
    async go(scan, steps) {
      for (let n = 0; n < steps; n++) {
        if (scan?.step().kind !== 'waiting') continue;
        await afterIo();
        scheduler.run();
      }
    },
    begun: () => counts.catchUpScans,
    reading: () => [...runs].filter(({ isReading }) => isReading).length,
    stop: () => readings.stop(),
  };
};

describe('readings of the log', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('are no more than two of a partition, those included that rested and are gone on with', async () => {
    const { come, go, reading } = await harness(40_000);
    const positions = [0n, 12_000n, 20_000n, 30_000n];
    for (const pair of [positions.slice(0, 2), positions.slice(2)]) {
      const scans = pair.map((position) => come(position));
      for (const scan of scans) await go(scan, 6_000);
      for (const scan of scans) scan?.stop();
    }
    expect(reading()).toBe(0);
    for (const position of positions) come(position);
    expect(reading()).toBe(2);
  });

  it('rest for two seconds, counted from when they were last of use', async () => {
    const { clock, come, go, begun } = await harness(40_000);
    const [one, other] = [come(0n), come(20_000n)];
    await go(one, 6_000);
    await go(other, 6_000);
    one?.stop();
    clock.advance(1_990);
    await go(other, 500);
    other?.stop();
    clock.advance(1_990);
    come(20_000n)?.stop();
    expect(begun()).toBe(2);
    for (let n = 0; n < 4; n++) clock.advance(1_000);
    come(20_000n);
    expect(begun()).toBe(3);
  });

  it.each([
    ['their time is over', 1, (clock: SimulatedClock) => Array.from({ length: 5 }, () => clock.advance(1_000))],
    ['their place is needed', 2, () => undefined],
  ] as const)(
    'hold nothing for a slow one but what it is in the middle of, once %s',
    async (_, partitionCount, pass) => {
      const packs = watchSealedPacks();
      const { clock, come, go } = await harness(1_000, { partitionCount, maxScans: 1 });
      const [slow, quick] = [come(0n), come(0n)];
      await go(slow, 3);
      await go(quick, 3_000);
      quick?.stop();
      expect(packs.map(({ size }) => size)).toEqual(Array(10).fill(100));
      pass(clock);
      if (partitionCount > 1) come(0n, 1);
      expect(packs.map(({ size }) => size).slice(10)).toEqual([98]);
      expect(await stillHeld(packs.map(({ ref }) => ref))).toBe(1);
      const kinds = Array.from({ length: 100 }, () => slow?.step().kind);
      expect(kinds).toEqual([...Array(98).fill('record'), 'passed', 'lost']);
    },
  );

  it('make room for others where they only rest, those first that were of use the longest ago', async () => {
    const { come, go, begun } = await harness(100, { partitionCount: 3, maxScans: 2 });
    for (const partition of [0, 1, 2]) {
      const scan = come(0n, partition);
      await go(scan, 200);
      scan?.stop();
    }
    expect(begun()).toBe(3);
    come(0n, 1)?.stop();
    expect(begun()).toBe(3);
    come(0n, 0)?.stop();
    expect(begun()).toBe(4);
  });

  it('have nothing for who stands where one has ended', async () => {
    const { come, go, begun } = await harness(100);
    const scan = come(0n);
    await go(scan, 200);
    scan?.stop();
    come(99n)?.stop();
    expect(begun()).toBe(1);
    come(100n);
    expect(begun()).toBe(2);
  });

  it('are over when all of them are stopped', async () => {
    const { come, go, begun, stop } = await harness(100);
    const scan = come(0n);
    await go(scan, 200);
    scan?.stop();
    stop();
    come(0n);
    expect(begun()).toBe(2);
  });
});
