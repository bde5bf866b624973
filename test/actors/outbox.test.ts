import { describe, expect, it } from 'vitest';
import { Outbox } from '../../src/actors/outbox.ts';
import type { Delivery } from '../../src/actors/session.ts';
import { stillHeld } from '../support/collected.ts';

/** 200 bytes each. */
const delivery = (operationId: string, cursor: string): Delivery => ({
  operationId,
  plan: null,
  payload: { kind: 'checkpoint', cursor, isLive: true },
  trace: null,
});

const cursors = (batch: readonly Delivery[]): readonly string[] => batch.map(({ payload }) => payload.cursor);

const filled = (
  count: number,
  limits: { outboxHighWaterBytes?: number; outboxHighWaterCount?: number } = {},
): Outbox => {
  const outbox = new Outbox({ outboxHighWaterBytes: 1e9, outboxHighWaterCount: 1e9, ...limits });
  for (let i = 0; i < count; i++) outbox.offer(delivery(i % 2 === 0 ? 'even' : 'odd', String(i)));
  return outbox;
};

describe('the outbox', () => {
  it('hands out in order, as much as fits, and at least one', () => {
    const outbox = filled(4);
    expect(cursors(outbox.take(450))).toEqual(['0', '1']);
    expect(cursors(outbox.take(1))).toEqual(['2']);
    expect([outbox.count, outbox.bytes]).toEqual([1, 200]);
    expect([...cursors(outbox.take(1e9)), ...cursors(outbox.take(1e9))]).toEqual(['3']);
    expect([outbox.count, outbox.bytes]).toEqual([0, 0]);
  });

  it('is saturated at its mark, in number or in bytes, and until it is half empty', () => {
    expect([
      filled(3, { outboxHighWaterCount: 4 }).isSaturated,
      filled(3, { outboxHighWaterBytes: 800 }).isSaturated,
    ]).toEqual([false, false]);
    for (const outbox of [filled(4, { outboxHighWaterCount: 4 }), filled(4, { outboxHighWaterBytes: 800 })]) {
      expect(outbox.isSaturated).toBe(true);
      outbox.take(200);
      expect(outbox.isSaturated).toBe(true);
      outbox.take(200);
      expect(outbox.isSaturated).toBe(false);
    }
  });

  it('tells once that its mark was passed, also when there is room again', () => {
    const outbox = filled(4, { outboxHighWaterCount: 4 });
    outbox.take(1e9);
    expect([outbox.takeEdge(), outbox.takeEdge()]).toEqual([true, false]);
  });

  it('drops what waits for one operation, and keeps the order of the rest', () => {
    const outbox = filled(6, { outboxHighWaterCount: 6 });
    outbox.drop('even');
    expect([outbox.count, outbox.bytes, outbox.isSaturated]).toEqual([3, 600, false]);
    expect(cursors(outbox.take(1e9))).toEqual(['1', '3', '5']);
  });

  it('holds on to nothing that it handed out', async () => {
    const outbox = new Outbox({ outboxHighWaterBytes: 1e9, outboxHighWaterCount: 1e9 });
    const offer = (index: number): WeakRef<Delivery> => {
      const each = delivery('op', String(index));
      outbox.offer(each);
      return new WeakRef(each);
    };
    const refs = Array.from({ length: 200 }, (_, index) => offer(index));
    const taken = ((): number => outbox.take(199 * 200).length)();
    expect(taken).toBe(199);
    expect(await stillHeld(refs)).toBe(1);
    expect(outbox.count).toBe(1);
  });
});
