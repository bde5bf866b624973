import { afterEach, describe, expect, it, vi } from 'vitest';
import { AddresseeKeys } from '../../src/actors/audience-filter.ts';
import { Blocks } from '../../src/actors/blocks.ts';
import { EntryReader } from '../../src/actors/entry-reader.ts';
import { LogRun } from '../../src/actors/log-run.ts';
import { Scan, type ScanStep } from '../../src/actors/scan.ts';
import { Tail } from '../../src/actors/tail.ts';
import { Turn } from '../../src/actors/turn.ts';
import { createCursorCodec } from '../../src/cursor.ts';
import { type Audience, type DecodeRecord, type OpenRecord, partitionId } from '../../src/event.ts';
import { stillHeld } from '../support/collected.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { afterIo, createWorld, ManualScheduler, record, topic, userId } from './node.ts';
import { type SealedPack, watchSealedPacks } from './sealed-packs.ts';

/** Whoever reads the log looks into a record when he comes to it. */

const ada: Audience = { kind: 'user', userId: userId('ada') };
const bob: Audience = { kind: 'user', userId: userId('bob') };

type Reading = {
  scan(userName?: string, position?: bigint): Scan;
  readonly run: LogRun;
  readCount(): number;
  /** What was kept of the log, in the order in which it was. */
  readonly packs: readonly SealedPack[];
};

/** A reading of as many records, every `adaEvery`th of them for ada, the others for bob, that keeps only what was read last; and how many of them were looked into. */
const reading = async (
  count: number,
  { adaEvery = 1, isAlone = () => false }: { readonly adaEvery?: number; isAlone?(): boolean } = {},
): Promise<Reading> => {
  const { log, clock } = await createWorld({ partitionCount: 1 });
  await log.open();
  await log.append(Array.from({ length: count }, (_, n) => record(`event ${n}`)));
  const scheduler = new ManualScheduler();
  const tail = new Tail(createCursorCodec());
  tail.adopt(log.topology().topics);
  let reads = 0;
  const packs = watchSealedPacks();
  const audienceOf = (offset: bigint): Audience => (Number(offset) % adaEvery === 0 ? ada : bob);
  const open: OpenRecord = ({ offset }) => ({
    kind: 'addressed',
    audience: audienceOf(offset),
    dedupeKey: String(offset),
  });
  const decode: DecodeRecord = ({ offset }) => {
    reads += 1;
    const reason = { code: 'invalid_content', detail: 'a test' } as const;
    const audience = audienceOf(offset);
    return { kind: 'unreadable', audience, dedupeKey: '', createdAtMs: 0, isDeadLetter: true, reason };
  };
  const { counts } = silentTelemetry();
  const run = new LogRun(
    {
      log,
      open,
      reader: new EntryReader({ decode, counts }),
      now: () => clock.now(),
      scheduler,
      turn: new Turn({ clock, scheduler, maxTurnMs: 5 }),
      counts,
      blocks: new Blocks({ size: 100, maxBytes: 1e6, store: null, fingerprintOf: () => 'f' }),
      tail,
      maxKeptBytes: 1,
      isAlone,
      rests: () => undefined,
    },
    { partition: partitionId(topic, 0), from: 0n, to: BigInt(count) },
  );
  return {
    scan(userName = 'ada', position = 0n) {
      const addressee = { userId: userId(userName), topics: [], takesEveryone: false };
      return new Scan(run, { addressee, keys: new AddresseeKeys(addressee), position, wake: () => undefined });
    },
    run,
    readCount: () => reads,
    packs,
  };
};

const steps = (scan: Scan, count: number): readonly ScanStep['kind'][] =>
  Array.from({ length: count }, () => scan.step().kind);

describe('a way through the log', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('looks into a record when it comes to it, not into all that were fetched with it', async () => {
    const { scan, readCount } = await reading(20);
    const one = scan();
    expect(steps(one, 1)).toEqual(['waiting']);
    await afterIo();
    expect(steps(one, 2)).toEqual(['record', 'record']);
    expect(readCount()).toBe(2);
  });

  it('holds on to nothing that is for others, however slow it is', async () => {
    const { scan, packs } = await reading(200, { adaEvery: 2 });
    const [slow, quick] = [scan(), scan()];
    steps(slow, 1);
    await afterIo();
    expect(steps(slow, 1)).toEqual(['record']);
    expect(steps(quick, 52).at(-1)).toBe('waiting');
    await afterIo();
    expect(steps(quick, 1)).toEqual(['record']);
    // The first stretch is kept no more; of it there is what the slow one still needs.
    expect(packs.map(({ size }) => size)).toEqual([100, 100, 49]);
    expect(await stillHeld(packs.slice(0, 1).map(({ ref }) => ref))).toBe(0);
    expect(steps(slow, 50)).toEqual([...Array(49).fill('record'), 'passed']);
  });

  it('shares with other slow ones what all of them stand in, rather than to have a copy for each', async () => {
    const { scan, packs } = await reading(200);
    const slow = Array.from({ length: 6 }, () => scan());
    const quick = scan();
    for (const each of slow) steps(each, 1);
    await afterIo();
    for (const each of slow) expect(steps(each, 1)).toEqual(['record']);
    expect(steps(quick, 102).at(-1)).toBe('waiting');
    await afterIo();
    expect(steps(quick, 1)).toEqual(['record']);
    expect(packs.map(({ size }) => size)).toEqual([100, 100]);
    for (const each of slow) expect(steps(each, 100)).toEqual([...Array(99).fill('record'), 'passed']);
  });

  it('keeps for one who is alone only what is its own, and says that nobody else can have the rest here', async () => {
    let isAlone = true;
    const { scan, run, packs } = await reading(200, { adaEvery: 2, isAlone: () => isAlone });
    const ada = scan();
    steps(ada, 1);
    await afterIo();
    expect(steps(ada, 51)).toEqual([...Array(50).fill('record'), 'passed']);
    expect([run.reaches(0n), run.reaches(99n), run.reaches(100n)]).toEqual([false, false, true]);

    isAlone = false;
    steps(ada, 1);
    await afterIo();
    expect(packs.map(({ size }) => size)).toEqual([50, 100]);
    const bob = scan('bob', 100n);
    expect(steps(bob, 51)).toEqual([...Array(50).fill('record'), 'passed']);
    expect(steps(ada, 51)).toEqual([...Array(50).fill('record'), 'passed']);
  });
});
