import { describe, expect, it } from 'vitest';
import { connectAs, subscribe } from './client.ts';
import { createWorld, record, viewer } from './node.ts';

describe('an echo', () => {
  it('acknowledges what was written before its marker, of each operation by itself', async () => {
    const world = await createWorld({ partitionCount: 1 });
    const node = await world.node();
    const start = node.core.sessions.currentCursor();
    const client = connectAs(node, viewer('u1'));
    subscribe(client, { operationId: 'live', resumeKey: 'live' });
    await world.log.append([record('one')]);
    await world.settle();
    world.clock.advance(6_000);
    const marker = client.marks.at(-1) ?? 0;
    subscribe(client, { operationId: 'replayed', resumeKey: 'replayed', after: start });
    await world.settle();
    expect(client.titles('replayed')).toEqual(['one']);
    client.handle.echoed(marker, 'echo');
    client.handle.closed('client_closed');
    const again = connectAs(node, viewer('u1'));
    subscribe(again, { operationId: 'live', resumeKey: 'live' });
    subscribe(again, { operationId: 'replayed', resumeKey: 'replayed', after: start });
    await world.settle();
    expect([again.titles('live'), again.titles('replayed')]).toEqual([[], ['one']]);
  });
});
