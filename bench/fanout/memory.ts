import type { SideName } from '../sides/side.ts';
import type { PeerStart } from './fanout.ts';
import { startRig } from './rig.ts';

/**
 * What a connection with one subscription keeps in memory: many plain sockets, each its own user, against the process before the first of them; after
 * full garbage collections on both sides. Each server in a new process.
 */

export type MemoryFigures = {
  readonly sockets: number;
  /** KiB of resident memory per connection. */
  readonly rssKiB: ReadonlyMap<MemorySide, number>;
};

/** `stock` is graphql-ws as it comes: each subscription keeps the document that was parsed for it. */
export type MemorySide = Exclude<SideName, 'naive' | 'plain'> | 'stockCached';

const starts: Readonly<Record<MemorySide, PeerStart>> = {
  carillon: { name: 'carillon' },
  stock: { name: 'stock', settings: { cached: false } },
  stockCached: { name: 'stock', settings: { cached: true } },
  centrifugo: { name: 'centrifugo' },
};

/** Few, so that what is loaded at first use is not counted as theirs. */
const early = 20;

const rssPerSocket = async ({ name, settings = {} }: PeerStart, sockets: number): Promise<number> => {
  const rig = await startRig(name, { sockets, settings });
  try {
    await rig.open(early);
    await rig.client.close();
    const before = await rig.side.settled();
    await rig.open(sockets);
    const after = await rig.side.settled();
    return (after.rssBytes - before.rssBytes) / sockets / 1_024;
  } finally {
    await rig.stop();
  }
};

/** Measures one side after another. */
export const measureMemory = async (sides: readonly MemorySide[], sockets: number): Promise<MemoryFigures> => {
  const rssKiB = new Map<MemorySide, number>();
  for (const side of sides) rssKiB.set(side, await rssPerSocket(starts[side], sockets));
  return { sockets, rssKiB };
};
