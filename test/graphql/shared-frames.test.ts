import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Delivery, Payload } from '../../src/actors/session.ts';
import { frameHead, textFrame } from '../../src/graphql/frame-head.ts';
import { SharedFrames } from '../../src/graphql/shared-frames.ts';
import { nextHead } from '../../src/graphql/socket-protocol.ts';
import { toWire, type WireText } from '../../src/graphql/wire-text.ts';
import type { DeliverSpan } from '../../src/telemetry/facade.ts';

/** Frames that are joined from what many share are those that one would make for each. */

const plans = [{}, {}] as const;
const payloads: readonly Payload[] = Array.from({ length: 6 }, (_, n) => ({
  kind: 'checkpoint',
  cursor: 'é"x'.repeat([0, 1, 40, 60, 9_000, 30_000][n] ?? 0),
  isLive: true,
}));
const rendering = {
  render: ({ payload, plan }: Delivery): WireText =>
    toWire(JSON.stringify({ cursor: payload.cursor, plan: plan === plans[0] ? 0 : 1 })),
};
const span = {} as DeliverSpan;

const delivery = fc.record({
  operationId: fc.constantFrom('a', 'b', 'zürich'),
  plan: fc.constantFrom(...plans),
  payload: fc.constantFrom(...payloads),
  trace: fc.constantFrom(null, null, null, null, span),
});

const oneByOne = (batch: readonly Delivery[], operationId: string): string => {
  const frames = batch.map((each) => `${nextHead(operationId)}${rendering.render(each)}}`);
  return frames.map((frame) => frameHead(textFrame, frame.length) + frame).join('');
};

const uniform = fc
  .tuple(fc.constantFrom('a', 'b', 'zürich', '__proto__'), fc.array(delivery, { minLength: 1, maxLength: 6 }))
  .map(([operationId, batch]) => batch.map((each) => ({ ...each, operationId, trace: null })));

describe('frames that sockets share', () => {
  it('are byte for byte those that are made one by one, for whoever comes second', () => {
    fc.assert(
      fc.property(uniform, fc.constantFrom('a', 'b', 'y', 'zürich'), (batch, other) => {
        const frames = new SharedFrames(rendering);
        const [first] = batch;
        if (first === undefined) return;
        const head = nextHead(first.operationId);
        expect(frames.find(batch, head.length)).toBeNull();
        const again = batch.map((each) => ({ ...each, operationId: other }));
        const found = frames.find(again, nextHead(other).length);
        if (nextHead(other).length !== head.length) expect(found).toBeNull();
        else {
          expect(found?.parts.join(nextHead(other))).toBe(oneByOne(again, other));
          const bytes = again.map((each) => nextHead(other).length + rendering.render(each).length + 1);
          expect(found?.payloadBytes).toBe(bytes.reduce((sum, each) => sum + each, 0));
        }
      }),
    );
  });

  it('are never those of another batch, of several operations, or of what is traced', () => {
    fc.assert(
      fc.property(fc.array(fc.array(delivery, { minLength: 1, maxLength: 3 }), { maxLength: 30 }), (batches) => {
        const frames = new SharedFrames(rendering);
        for (const batch of batches) {
          const operationId = batch[0]?.operationId ?? '';
          const found = frames.find(batch, nextHead(operationId).length);
          if (found === null) continue;
          expect(batch.every((each) => each.operationId === operationId && each.trace === null)).toBe(true);
          expect(found.parts.join(nextHead(operationId))).toBe(oneByOne(batch, operationId));
        }
      }),
    );
  });

  it.each([0, 1, 2])('are never those of a batch that differs in one place, here %i', (place) => {
    const batchOf = (...numbers: readonly number[]): Delivery[] =>
      numbers.flatMap((n) => {
        const payload = payloads[n];
        return payload === undefined ? [] : [{ operationId: 'a', plan: plans[0], payload, trace: null }];
      });
    const head = nextHead('a').length;
    const batch = batchOf(1, 2, 3);
    const frames = new SharedFrames(rendering);
    frames.find(batch, head);
    expect(frames.find(batch, head)).not.toBeNull();
    for (const changed of [...batchOf(0), ...batch.map((each) => ({ ...each, plan: plans[1] }))]) {
      frames.find(batch, head);
      expect(frames.find(batch.with(place, changed), head)).toBeNull();
    }
  });

  it('are made once', () => {
    let made = 0;
    const counting = {
      render(one: Delivery) {
        made += 1;
        return rendering.render(one);
      },
    };
    const frames = new SharedFrames(counting);
    const [payload, plan] = [payloads[2], plans[0]];
    if (payload === undefined) throw new Error('no payload');
    const batch = [{ operationId: 'a', plan, payload, trace: null }];
    for (let n = 0; n < 5; n++) frames.find([...batch], 10);
    expect(made).toBe(1);
  });
});
