import { describe, expect, it } from 'vitest';
import { type LogRecord, type PartitionId, partitionId } from '../../src/event.ts';
import type { EventLog, FeedHandler, RecordChunk, Topology } from '../../src/log/event-log.ts';
import { connectAs, subscribe, type TestClient } from './client.ts';
import { createWorld, record, type TestNode, topic, viewer, type World } from './node.ts';

const [first, second] = [partitionId(topic, 0), partitionId(topic, 1)];

/** A feed that the test drives by hand, chunk by chunk, of a log of two partitions that may become another topic. */
class HandFeed {
  handler: FeedHandler | null = null;
  fingerprint = '1'.repeat(16);

  readonly through = (log: EventLog): EventLog => ({
    ...log,
    open: () => Promise.resolve(this.topology()),
    topology: () => this.topology(),
    follow: (_, handler) => {
      this.handler = handler;
      return { stop: () => Promise.resolve() };
    },
  });

  topology(): Topology {
    return { topics: [{ name: topic, fingerprint: this.fingerprint, partitionCount: 2 }] };
  }

  async give(chunk: Parameters<FeedHandler['chunk']>[0]): Promise<void> {
    await this.handler?.chunk(chunk);
  }

  recreated(partition: PartitionId): Promise<void> {
    return this.give({ kind: 'gap', partition, from: 0n, to: 0n, reason: 'RECREATED' });
  }
}

const chunk = (partition: PartitionId, from: number, titles: readonly string[]): RecordChunk => {
  const records = titles.map((title, index): LogRecord => {
    const { key, value, headers } = record(title);
    return { partition, offset: BigInt(from + index), epoch: 0, timestampMs: 0, key, value, headers };
  });
  return { kind: 'records', partition, records, next: { next: BigInt(from + titles.length), epoch: 0 } };
};

const setUp = async (): Promise<{ world: World; node: TestNode; feed: HandFeed; client: TestClient }> => {
  const world = await createWorld({ partitionCount: 2 });
  const feed = new HandFeed();
  const node = await world.node({ throughLog: feed.through });
  const client = connectAs(node, viewer('u1'));
  subscribe(client);
  await world.settle();
  return { world, node, feed, client };
};

describe('the intake of the feed', () => {
  it('reads no offset twice', async () => {
    const { world, node, feed, client } = await setUp();
    await feed.give(chunk(first, 0, ['a', 'b']));
    await feed.give(chunk(first, 1, ['b', 'c']));
    await world.settle();
    expect(client.titles()).toEqual(['a', 'b', 'c']);
    expect(node.telemetry.counts).toMatchObject({ recordsRead: 3, recordsDuplicate: 0 });
  });

  it('says once that a topic was re-created, and drops what is still in hand of the old one', async () => {
    const { world, feed, client } = await setUp();
    await feed.give(chunk(first, 0, ['a']));
    await feed.give(chunk(second, 0, ['b']));
    feed.fingerprint = '2'.repeat(16);
    await feed.recreated(first);
    await feed.give(chunk(second, 1, ['of the old topic']));
    await feed.give(chunk(first, 0, ['c']));
    await feed.recreated(second);
    await feed.give(chunk(second, 0, ['d']));
    await world.settle();
    expect(client.titles()).toEqual(['a', 'b', 'c', 'd']);
    expect(client.gaps()).toEqual(['RECREATED']);
  });

  it('follows a topic that was re-created twice, where one partition says that once for both', async () => {
    const { world, feed, client } = await setUp();
    for (const partition of [first, second]) await feed.give(chunk(partition, 0, [`a${partition}`]));
    feed.fingerprint = '2'.repeat(16);
    await feed.recreated(first);
    feed.fingerprint = '3'.repeat(16);
    await feed.recreated(second);
    await feed.recreated(first);
    await feed.give(chunk(first, 0, ['c']));
    await feed.give(chunk(second, 0, ['d']));
    await world.settle();
    expect(client.titles().slice(2)).toEqual(['c', 'd']);
    expect(client.gaps()).toEqual(['RECREATED', 'RECREATED']);
  });

  it('takes nothing of a re-created topic for a duplicate of the old one', async () => {
    const { world, feed, client } = await setUp();
    for (const partition of [first, second]) await feed.give(chunk(partition, 0, [`a${partition}`]));
    feed.fingerprint = '2'.repeat(16);
    for (const partition of [first, second]) await feed.recreated(partition);
    for (const partition of [first, second]) await feed.give(chunk(partition, 0, [`a${partition}`]));
    await world.settle();
    expect(client.titles()).toHaveLength(4);
  });

  it('counts occurrences before a cut, and none after it', async () => {
    const { world, feed, client } = await setUp();
    await feed.give(chunk(first, 0, ['a', 'b', 'c']));
    await feed.give({ kind: 'gap', partition: first, from: 1n, to: 3n, reason: 'TRUNCATED' });
    await feed.give(chunk(first, 1, ['a', 'c', 'b']));
    await world.settle();
    expect(client.titles()).toEqual(['a', 'b', 'c', 'c', 'b']);
    expect(client.gaps()).toEqual(['TRUNCATED']);
  });

  it('goes on behind what expired, after a gap', async () => {
    const { world, node, feed, client } = await setUp();
    await feed.give({ kind: 'gap', partition: first, from: 0n, to: 10n, reason: 'EXPIRED' });
    await feed.give(chunk(first, 10, ['a']));
    await world.settle();
    expect(client.gaps()).toEqual(['EXPIRED']);
    const again = connectAs(node, viewer('u1'));
    subscribe(again, { after: client.payloads()[1]?.cursor ?? null });
    await world.settle();
    expect(again.titles()).toEqual(['a']);
    expect(again.gaps()).toEqual([]);
  });
});
