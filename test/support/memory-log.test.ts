import { describeEventLog } from '../contract/event-log.ts';
import { createMemoryStore } from './memory-log.ts';

describeEventLog('the in-memory log', {
  can: { expire: true, grow: true, recreate: true },
  create: async (partitionCount) => {
    const store = createMemoryStore({ partitionCount });
    return {
      topic: 'notifications',
      log: store.log(['notifications']),
      expire: async (partition, to) => store.expire(partition, to),
      grow: async (count) => store.grow('notifications', count),
      recreate: async () => store.recreate('notifications'),
      close: () => store.close(),
    };
  },
});
