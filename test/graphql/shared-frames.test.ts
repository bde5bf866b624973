import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Batch, Delivery, Payload } from '../../src/actors/session.ts';
import { frameHead, textFrame } from '../../src/graphql/frame-head.ts';
import type { Renderable } from '../../src/graphql/rendering.ts';
import { SharedFrames } from '../../src/graphql/shared-frames.ts';
import { nextHead } from '../../src/graphql/socket-protocol.ts';
import { toWire, type WireText } from '../../src/graphql/wire-text.ts';
import { batchOf } from './hand-driven-sessions.ts';

/** Frames that are made once for many are those that one would make for each. */

const plans = [{}, {}] as const;
const payloads: readonly Payload[] = Array.from({ length: 6 }, (_, n) => ({
  kind: 'checkpoint',
  cursor: 'é"x'.repeat([0, 1, 40, 60, 9_000, 30_000][n] ?? 0),
  isLive: true,
}));
const rendering = {
  render: ({ payload, plan }: Renderable): WireText =>
    toWire(JSON.stringify({ cursor: payload.cursor, plan: plan === plans[0] ? 0 : 1 })),
};

/** Batches have deliveries in common, as those of sessions that wait for the same up to some event. */
const deliveries = payloads.map((payload): Delivery => ({ operation: 0, payload, trace: null }));
const batchFor = (numbers: readonly number[]): Batch => batchOf(numbers.flatMap((n) => deliveries.slice(n, n + 1)));

const oneByOne = ({ deliveries }: Batch, plan: unknown, operationId: string): string => {
  const frames = deliveries.map((each) => `${nextHead(operationId)}${rendering.render({ ...each, plan })}}`);
  return frames.map((frame) => frameHead(textFrame, frame.length) + frame).join('');
};

const operationIds = fc.constantFrom('a', 'b', 'y', 'zürich', '__proto__');
const batches = fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }).map(batchFor);

const someBatches = [[1], [2], [1], [1, 2, 3], [1, 0, 3]].map(batchFor);
const forTwo = fc.record({ one: operationIds, other: operationIds, plan: fc.constantFrom(...plans) });

describe('frames that sockets share', () => {
  it('are byte for byte those that are made one by one, for whoever comes second', () => {
    fc.assert(
      fc.property(batches, forTwo, (batch, { one, other, plan }) => {
        const frames = new SharedFrames(rendering);
        expect(frames.find(batch, plan, nextHead(one).length)).toBeNull();
        const found = frames.find(batch, plan, nextHead(other).length);
        if (nextHead(other).length !== nextHead(one).length) {
          expect(found).toBeNull();
          return;
        }
        const right = oneByOne(batch, plan, other);
        expect(found?.fill(nextHead(other)).toString('latin1')).toBe(right);
        expect(found?.text(nextHead(other))).toBe(right);
        const bytes = batch.deliveries.map(
          (each) => nextHead(other).length + rendering.render({ ...each, plan }).length + 1,
        );
        expect([found?.count, found?.payloadBytes]).toEqual([bytes.length, bytes.reduce((sum, each) => sum + each, 0)]);
        expect(found?.length).toBe(right.length);
      }),
    );
  });

  it('are never those of another batch, nor of another plan', () => {
    const asked = fc.record({
      batch: fc.constantFrom(...someBatches),
      plan: fc.constantFrom(...plans),
      id: operationIds,
    });
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 40 }), (asks) => {
        const frames = new SharedFrames(rendering);
        for (const { batch, plan, id } of asks) {
          const right = oneByOne(batch, plan, id);
          expect(frames.find(batch, plan, nextHead(id).length)?.text(nextHead(id)) ?? right).toBe(right);
        }
      }),
    );
  });

  it('are not touched any more where somebody holds on to them', () => {
    const frames = new SharedFrames(rendering);
    const batch = batchFor([1, 2]);
    frames.find(batch, plans[0], nextHead('a').length);
    const template = frames.find(batch, plans[0], nextHead('a').length);
    const kept = template?.fill(nextHead('a'));
    template?.given();
    const next = template?.fill(nextHead('b'));
    expect(kept?.toString('latin1')).toBe(oneByOne(batch, plans[0], 'a'));
    expect(next?.toString('latin1')).toBe(oneByOne(batch, plans[0], 'b'));
    expect(template?.fill(nextHead('y'))).toBe(next);
  });

  it('are made once', () => {
    let made = 0;
    const counting = {
      render(one: Renderable) {
        made += 1;
        return rendering.render(one);
      },
    };
    const frames = new SharedFrames(counting);
    const batch = batchFor([2]);
    for (let n = 0; n < 5; n++) frames.find(batch, plans[0], 10);
    expect(made).toBe(1);
  });
});
