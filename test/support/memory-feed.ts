import type { PartitionId, PositionVector } from '../../src/event.ts';
import { partitionId } from '../../src/event.ts';
import type { Feed, FeedHandler, LogChunk } from '../../src/log/event-log.ts';
import type { MemoryStore } from './memory-log.ts';

/** The live tail of the in-memory log: one loop per partition, woken by the store, waiting for the handler's promise. */

type FeedSource = {
  readonly store: MemoryStore;
  readonly names: readonly string[];
  readonly from: PositionVector;
  readonly handler: FeedHandler;
};

type Cursor = { id: PartitionId; topic: string; fingerprint: string; next: bigint; epoch: number };

/** Starts following. Partitions known now start at their position or their end, later ones at their position or 0. */
export const startMemoryFeed = (source: FeedSource): Feed => new MemoryFeed(source);

class MemoryFeed implements Feed {
  readonly #source: FeedSource;
  readonly #known = new Set<PartitionId>();
  readonly #unwatch: () => void;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();
  #isStopped = false;

  constructor(source: FeedSource) {
    this.#source = source;
    this.#startUnknown(true);
    this.#unwatch = source.store.watch(() => {
      this.#startUnknown(false);
      this.#signal();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unwatch();
    this.#signal();
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = Promise.withResolvers();
    wake.resolve();
  }

  #startUnknown(isFirst: boolean): void {
    const { store, names, from } = this.#source;
    const topics = names.map((name) => store.topic(name)).filter((topic) => topic !== undefined);
    for (const topic of topics) {
      for (const [index, partition] of topic.partitions.entries()) {
        const id = partitionId(topic.name, index);
        if (this.#known.has(id)) continue;
        this.#known.add(id);
        const { next, epoch } = from.get(id) ?? { next: isFirst ? partition.end : 0n, epoch: -1 };
        void this.#run({ id, topic: topic.name, fingerprint: topic.fingerprint, next, epoch });
      }
    }
  }

  async #run(cursor: Cursor): Promise<void> {
    while (!this.#isStopped) {
      const wake = this.#wake.promise;
      const chunk = this.#source.store.isStalled ? null : this.#nextChunk(cursor);
      if (chunk === null) {
        await wake;
        continue;
      }
      try {
        await this.#source.handler.chunk(chunk);
      } catch (thrown) {
        this.#source.store.thrown.push(thrown);
        await this.stop();
      }
    }
  }

  /** The next thing to say of this partition, with the cursor moved past it; null = nothing for now. */
  #nextChunk(cursor: Cursor): LogChunk | null {
    const { store } = this.#source;
    const topic = store.topic(cursor.topic);
    const partition = store.find(cursor.id);
    if (topic === undefined || partition === undefined) return null;
    if (topic.fingerprint !== cursor.fingerprint) {
      const gap = { kind: 'gap', partition: cursor.id, from: 0n, to: cursor.next, reason: 'RECREATED' } as const;
      Object.assign(cursor, { fingerprint: topic.fingerprint, next: 0n, epoch: -1 });
      return gap;
    }
    const verdict = partition.verdict({ next: cursor.next, epoch: cursor.epoch });
    if (typeof verdict === 'object') {
      const { next: from, epoch } = verdict.cutAt;
      const gap = { kind: 'gap', partition: cursor.id, from, to: cursor.next, reason: 'TRUNCATED', epoch } as const;
      Object.assign(cursor, verdict.cutAt);
      return gap;
    }
    const chunk = partition.chunk(cursor.next, partition.end);
    if (chunk?.kind === 'gap') Object.assign(cursor, { next: chunk.to, epoch: -1 });
    if (chunk?.kind === 'records') Object.assign(cursor, chunk.next);
    return chunk;
  }
}
