import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox } from '../../src/actors/outbox.ts';
import type { StreamOperation } from '../../src/actors/session.ts';
import { Offer, type Waiting } from '../../src/actors/waiting.ts';
import { stillHeld } from '../support/collected.ts';

/** 200 bytes each. */
const offerOf = (cursor: string): Offer => new Offer({ kind: 'checkpoint', cursor, isLive: true });

const operation = (operationId: string): StreamOperation => ({ operationId, plan: null });

const cursors = (batch: Waiting | null): readonly string[] =>
  batch === null ? [] : batch.deliveries.map(({ payload }) => payload.cursor);

const unlimited = { outboxHighWaterBytes: 1e9, outboxHighWaterCount: 1e9 };
const even = operation('even');

const filled = (count: number, limits: Partial<typeof unlimited> = {}): Outbox => {
  const outbox = new Outbox({ ...unlimited, ...limits });
  const numbers = [outbox.enter(even), outbox.enter(operation('odd'))];
  for (let i = 0; i < count; i++) outbox.offer(offerOf(String(i)), numbers[i % 2] ?? 0, null);
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

  it('throws away what waits for an operation that has ended, and keeps the order of the rest', () => {
    const outbox = filled(6, { outboxHighWaterCount: 6 });
    outbox.leave(even);
    expect([outbox.count, outbox.bytes, outbox.isSaturated]).toEqual([3, 600, false]);
    expect([outbox.has('even'), outbox.has('odd')]).toEqual([false, true]);
    expect(cursors(outbox.take(1e9))).toEqual(['1', '3', '5']);
  });

  it('gives the number of an operation that has ended to the next, and that one loses nothing where the first ends twice', () => {
    const outbox = filled(2);
    const [next, last] = [operation('next'), operation('last')];
    outbox.leave(even);
    const number = outbox.enter(next);
    expect([number, outbox.at(number), outbox.at(1).operationId, outbox.enter(last)]).toEqual([0, next, 'odd', 2]);
    outbox.offer(offerOf('2'), number, null);
    outbox.leave(even);
    expect(cursors(outbox.take(1e9))).toEqual(['1', '2']);
    outbox.leave(next);
    expect(() => outbox.at(number)).toThrow('has ended');
  });

  it('holds on to nothing that it handed out', async () => {
    const outbox = new Outbox(unlimited);
    const number = outbox.enter(even);
    const offer = (index: number): WeakRef<Offer['payload']> => {
      const each = offerOf(String(index));
      outbox.offer(each, number, null);
      return new WeakRef(each.payload);
    };
    const refs = Array.from({ length: 200 }, (_, index) => offer(index));
    const taken = ((): number | undefined => outbox.take(199 * 200)?.count)();
    expect(taken).toBe(199);
    expect(await stillHeld(refs)).toBe(1);
    expect(outbox.count).toBe(1);
  });
});

/** What happens to some outboxes: everybody is offered the same, some take, some end an operation and begin another. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('offer' as const), to: fc.subarray([0, 1, 2, 3], { minLength: 1 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const), to: fc.subarray([0, 1, 2, 3]) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), to: fc.subarray([0, 1, 2, 3]) }) },
);

/** An outbox of two operations, and what should wait in it. */
class Checked {
  readonly outbox = new Outbox(unlimited);
  readonly #operations = [operation('a'), operation('b')];
  #numbers = this.#operations.map((each) => this.outbox.enter(each));
  #expected: { readonly operationId: string; readonly cursor: string }[] = [];

  offer(offer: Offer): void {
    for (const [n, number] of this.#numbers.entries()) {
      this.outbox.offer(offer, number, null);
      this.#expected.push({ operationId: n === 0 ? 'a' : 'b', cursor: offer.payload.cursor });
    }
  }

  take(): Waiting | null {
    const taken = this.outbox.take(700);
    const expected = this.#expected.splice(0, 3);
    const found = (taken?.deliveries ?? []).map((each) => ({
      operationId: this.outbox.at(each.operation).operationId,
      cursor: each.payload.cursor,
    }));
    expect(found).toEqual(expected);
    expect([taken?.count ?? 0, taken?.bytes ?? 0]).toEqual([expected.length, expected.length * 200]);
    expect([this.outbox.count, this.outbox.bytes]).toEqual([this.#expected.length, this.#expected.length * 200]);
    return taken;
  }

  takeAll(): void {
    while (this.outbox.count > 0) this.take();
  }

  leave(): void {
    const [first] = this.#operations;
    if (first !== undefined) this.outbox.leave(first);
    this.#expected = this.#expected.filter(({ operationId }) => operationId !== 'a');
    this.#operations[0] = operation('a');
    this.#numbers = [this.outbox.enter(this.#operations[0]), ...this.#numbers.slice(1)];
  }
}

const carryOut = {
  offer: (to: Checked | undefined, offer: Offer) => to?.offer(offer),
  take: (to: Checked | undefined) => to?.take(),
  leave: (to: Checked | undefined) => to?.leave(),
};

describe('outboxes that are offered the same', () => {
  it('each hand out what it was offered, whatever the others do', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const all = Array.from({ length: 4 }, () => new Checked());
        for (const [n, { kind, to }] of steps.entries()) {
          const offer = offerOf(String(n));
          for (const index of to) carryOut[kind](all[index], offer);
        }
        for (const each of all) each.takeAll();
      }),
    );
  });

  it('hand out the same object, whole or in parts, and make it once', () => {
    const all = Array.from({ length: 3 }, () => new Outbox(unlimited));
    for (const outbox of all) outbox.enter(even);
    for (let n = 0; n < 8; n++) {
      const offer = offerOf(String(n));
      for (const outbox of all) outbox.offer(offer, 0, null);
    }
    for (const maxBytes of [500, 500, 1e9]) {
      const batches = new Set(all.map((outbox) => outbox.take(maxBytes)));
      expect(batches.size).toBe(1);
    }
  });

  it('hand out its own to who has a trace, or waits for something else', () => {
    const [one, other] = [new Outbox(unlimited), new Outbox(unlimited)];
    for (const outbox of [one, other]) outbox.enter(even);
    const offer = offerOf('shared');
    one.offer(offerOf('own'), 0, null);
    one.offer(offer, 0, null);
    other.offer(offer, 0, null);
    expect([cursors(one.take(1e9)), cursors(other.take(1e9))]).toEqual([['own', 'shared'], ['shared']]);
    const trace = { traceparent: '', event: () => {}, end: () => {} };
    one.offer(offer, 0, trace);
    other.offer(offer, 0, null);
    const [traced, plain] = [one.take(1e9), other.take(1e9)];
    expect([traced?.isTraced, traced?.last.trace, plain?.isTraced, plain?.last.trace]).toEqual([
      true,
      trace,
      false,
      null,
    ]);
  });
});
