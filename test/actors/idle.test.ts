import { describe, expect, it } from 'vitest';
import { partitionId } from '../../src/event.ts';
import { connectAs, subscribe } from './client.ts';
import { createWorld, record, topic, viewer } from './node.ts';

const first = partitionId(topic, 0);
const other = { kind: 'user', userId: viewer('other').userId } as const;

describe('a client that had nothing for twice as long as the log keeps records', () => {
  it.each([
    ['by its cursor', null],
    ['without one, as stock clients do', 'key'],
  ])('comes back %s without a gap and without a reading', async (_, resumeKey) => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node({ heartbeatMs: 1e9 });
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { resumeKey });
    // A retention of one hour: what is older goes, while others get their events.
    for (let minute = 0; minute < 120; minute++) {
      await world.log.append([record(`m${minute}`, { audience: other })]);
      world.clock.advance(60_000);
      await world.settle();
      client.handle.echoed(client.marks.at(-1) ?? 0, 'echo');
      if (minute >= 60) world.store.expire(first, BigInt(minute - 60));
    }
    world.store.expire(first, 118n);
    client.handle.closed('client_closed');
    const { catchUpScans } = node.telemetry.counts;
    const again = connectAs(node, viewer('u1'));
    subscribe(again, { resumeKey, after: resumeKey === null ? client.lastCursor : null });
    await world.settle();
    expect([again.gaps(), again.payloads().at(-1)?.isLive]).toEqual([[], true]);
    expect(node.telemetry.counts.catchUpScans).toBe(catchUpScans);
    const cold = await world.node();
    const onAnother = connectAs(cold, viewer('u1'));
    subscribe(onAnother, { after: client.lastCursor });
    await world.settle();
    expect([onAnother.gaps(), onAnother.payloads().at(-1)?.isLive]).toEqual([[], true]);
  });
});
