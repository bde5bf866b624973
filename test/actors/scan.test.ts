import { describe, expect, it } from 'vitest';
import { Blocks } from '../../src/actors/blocks.ts';
import { LogRun } from '../../src/actors/log-run.ts';
import { Scan, type ScanStep } from '../../src/actors/scan.ts';
import { Tail } from '../../src/actors/tail.ts';
import { Turn } from '../../src/actors/turn.ts';
import { createCursorCodec } from '../../src/cursor.ts';
import { type Audience, type DecodeRecord, type LogRecord, type OpenRecord, partitionId } from '../../src/event.ts';
import { stillHeld } from '../support/collected.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { afterIo, createWorld, ManualScheduler, record, topic, userId } from './node.ts';

/** Whoever reads the log looks into a record when he comes to it. */

const ada: Audience = { kind: 'user', userId: userId('ada') };
const bob: Audience = { kind: 'user', userId: userId('bob') };

type Reading = {
  scan(userName?: string, position?: bigint): Scan;
  readonly run: LogRun;
  readCount(): number;
  readonly refs: readonly WeakRef<LogRecord>[];
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
  const refs: WeakRef<LogRecord>[] = [];
  const audienceOf = (offset: bigint): Audience => (Number(offset) % adaEvery === 0 ? ada : bob);
  const open: OpenRecord = (whole) => {
    refs.push(new WeakRef(whole));
    return { kind: 'addressed', audience: audienceOf(whole.offset), dedupeKey: String(whole.offset) };
  };
  const decode: DecodeRecord = ({ offset }) => {
    reads += 1;
    const reason = { code: 'invalid_content', detail: 'a test' } as const;
    const audience = audienceOf(offset);
    return { kind: 'unreadable', audience, dedupeKey: '', createdAtMs: 0, isDeadLetter: true, reason };
  };
  const run = new LogRun(
    {
      log,
      open,
      decode,
      now: () => clock.now(),
      scheduler,
      turn: new Turn({ clock, scheduler, maxTurnMs: 5 }),
      counts: silentTelemetry().counts,
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
      return new Scan(run, { addressee, position, wake: () => undefined });
    },
    run,
    readCount: () => reads,
    refs,
  };
};

const steps = (scan: Scan, count: number): readonly ScanStep['kind'][] =>
  Array.from({ length: count }, () => scan.step().kind);

describe('a way through the log', () => {
  it('looks into a record when it comes to it, not into all that were fetched with it', async () => {
    const { scan, readCount } = await reading(20);
    const one = scan();
    expect(steps(one, 1)).toEqual(['waiting']);
    await afterIo();
    expect(steps(one, 2)).toEqual(['record', 'record']);
    expect(readCount()).toBe(2);
  });

  it('looks into no record that another has looked into', async () => {
    const { scan, readCount } = await reading(3);
    const [one, other] = [scan(), scan()];
    steps(one, 1);
    await afterIo();
    for (const each of [one, other]) expect(steps(each, 4)).toEqual(['record', 'record', 'record', 'passed']);
    expect(readCount()).toBe(3);
  });

  it('holds on to nothing that is for others, however slow it is', async () => {
    const { scan, refs } = await reading(200, { adaEvery: 2 });
    const [slow, quick] = [scan(), scan()];
    steps(slow, 1);
    await afterIo();
    expect(steps(slow, 1)).toEqual(['record']);
    expect(steps(quick, 52).at(-1)).toBe('waiting');
    await afterIo();
    expect(steps(quick, 1)).toEqual(['record']);
    expect(await stillHeld(refs.slice(0, 100).filter((_, n) => n % 2 === 1))).toBe(0);
    expect(steps(slow, 50).at(-1)).toBe('passed');
  });

  it('keeps for one who is alone only what is its own, and says that nobody else can have the rest here', async () => {
    let isAlone = true;
    const { scan, run, refs } = await reading(200, { adaEvery: 2, isAlone: () => isAlone });
    const ada = scan();
    steps(ada, 1);
    await afterIo();
    expect(steps(ada, 51)).toEqual([...Array(50).fill('record'), 'passed']);
    expect([run.reaches(0n), run.reaches(99n), run.reaches(100n)]).toEqual([false, false, true]);

    isAlone = false;
    steps(ada, 1);
    await afterIo();
    expect(await stillHeld(refs.slice(0, 100))).toBe(0);
    const bob = scan('bob', 100n);
    expect(steps(bob, 51)).toEqual([...Array(50).fill('record'), 'passed']);
    expect(steps(ada, 51)).toEqual([...Array(50).fill('record'), 'passed']);
  });
});
