import type { LogStore } from '../../src/log/event-log.ts';
import type { EmbeddedOptions } from '../../src/log/index.ts';
import { createMemoryStore, type MemoryStore } from '../../test/support/memory-log.ts';

/** The log's front door with another store behind it; see memory-store.ts. */

export {
  controlTopic,
  createControlTopic,
  createDeadLetters,
  createRecordCodec,
  deadLetterTopicOf,
  openBlockStore,
} from '../../src/log/index.ts';

let store: MemoryStore | null = null;

/** In place of the embedded store: as many partitions, nothing on disk. */
export const createEmbeddedStore = async ({ partitionCount }: EmbeddedOptions): Promise<LogStore> => {
  store = createMemoryStore({ partitionCount });
  return store;
};

/** What the gateway has opened. */
export const openedStore = (): MemoryStore => {
  if (store === null)
    throw new Error('no gateway was started on the log in memory: src/gateway.ts was loaded before the hook');
  return store;
};
