import { describe, expect, it } from 'vitest';
import { warmBlocks } from '../../src/actors/block-warmer.ts';
import { Blocks } from '../../src/actors/blocks.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { createWorld, record, topic } from './node.ts';

/** Reading in the background leaves the node to others for most of the time, and does not count what is not its own. */

type Costs = { readonly waitMs: number; readonly recordMs: number };

/** Knows 4,000 records of one partition, by a clock that only waiting for the log and looking at a record move. */
const warm = async ({ waitMs, recordMs }: Costs): Promise<{ readonly restedMs: number; readonly known: number }> => {
  const world = await createWorld({ partitionCount: 1 });
  await world.log.open();
  await world.log.append(Array.from({ length: 4_000 }, (_, n) => record(`event ${n}`)));
  let nowMs = 0;
  let restedMs = 0;
  const blocks = new Blocks({ size: 100, maxBytes: 1e6, store: null, fingerprintOf: () => 'f' });
  const log: Pick<EventLog, 'offsets' | 'read'> = {
    offsets: () => world.log.offsets(),
    async *read(...range) {
      for await (const chunk of world.log.read(...range)) {
        nowMs += waitMs;
        yield chunk;
      }
    },
  };
  await warmBlocks({
    log: log as EventLog,
    open() {
      nowMs += recordMs;
      return { kind: 'skip', why: 'tombstone' };
    },
    blocks,
    maxAgeMs: 1e9,
    now: () => world.clock.now(),
    monotonic: () => nowMs,
    async pause(ms) {
      restedMs += ms;
    },
    signal: new AbortController().signal,
  });
  const [partition] = [...(await world.log.offsets()).keys()];
  if (partition === undefined) throw new Error(`${topic} has no partition`);
  const known = Array.from({ length: 40 }, (_, n) => blocks.isKnown(partition, BigInt(n) * 100n));
  await world.store.close();
  return { restedMs, known: known.filter(Boolean).length };
};

describe('getting to know the log', () => {
  it('rests four times as long as it works', async () => {
    const { restedMs, known } = await warm({ waitMs: 0, recordMs: 1 });
    expect(known).toBe(40);
    expect(restedMs).toBeGreaterThan(4 * 3_900);
    expect(restedMs).toBeLessThanOrEqual(4 * 4_000);
  });

  it('does not rest from having waited for the log', async () => {
    const { restedMs, known } = await warm({ waitMs: 1_000, recordMs: 0 });
    expect(known).toBe(40);
    expect(restedMs).toBe(0);
  });

  it('rests as much where one piece of the log is less than a turn', async () => {
    const { restedMs } = await warm({ waitMs: 1, recordMs: 0.01 });
    expect(restedMs).toBeGreaterThan(4 * 34);
  });
});
