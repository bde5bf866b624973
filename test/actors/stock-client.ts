import { connectAs, subscribe, type TestClient } from './client.ts';
import { record, type TestNode, viewer, type World } from './node.ts';
import type { SharedStore } from './shared-store.ts';

/** Two nodes that tell each other of operations through `store`, where they are called `here` and `there`. */
export const twoNodes = async (world: World, store: SharedStore): Promise<readonly [TestNode, TestNode]> => {
  const one = async (name: string): Promise<TestNode> =>
    store.join(await world.node({ parkingStore: store.for(name), hasOtherNodes: true, heartbeatMs: 1e9 }), name);
  return [await one('here'), await one('there')];
};

/** Answers the last marker, and so all that were before it. */
export const echo = (client: TestClient): void => client.handle.echoed(client.marks.at(-1) ?? 0, 'echo');

/** What a stock client does: the same id and variables again, on whichever node. */
export const follow = (
  node: TestNode,
  options: { after?: string | null; key?: string | null; user?: string } = {},
): TestClient => {
  const { after = null, key = 'key', user = 'u1' } = options;
  const client = connectAs(node, viewer(user));
  subscribe(client, { after, resumeKey: key === null ? null : `${user}/${key}` });
  return client;
};

/** Appends one event for `u1` per title, and has it delivered. */
export const publish = async (world: World, ...titles: string[]): Promise<void> => {
  await world.log.append(titles.map((title) => record(title)));
  await world.settle();
};
