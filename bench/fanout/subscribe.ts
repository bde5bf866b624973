import type { PeerStart } from './fanout.ts';
import { type Rig, startRig } from './rig.ts';

/** Connect, init and subscribe, with a document that the server knows: processor time of the server for each, in turns. */

/** `stock` is graphql-ws as it comes, which parses and validates the document of each subscribe, and verifies tokens. */
export type SubscribeSide = 'carillon' | 'stock' | 'stockCached' | 'stockCachedWithoutToken';

const sides: Readonly<Record<SubscribeSide, PeerStart>> = {
  carillon: { name: 'carillon' },
  stock: { name: 'stock', settings: { cached: false, verify: true } },
  stockCached: { name: 'stock', settings: { cached: true, verify: true } },
  stockCachedWithoutToken: { name: 'stock', settings: { cached: true, verify: false } },
};

/** Microseconds of processor per connection, a value per batch; values of one index were measured in turn. */
export type SubscribeFigures = ReadonlyMap<SubscribeSide, readonly number[]>;

/** Measures `batches` of `count` connections on each side, after one that does not count. */
export const measureSubscribe = async (batches: number, count: number): Promise<SubscribeFigures> => {
  const rigs = new Map<SubscribeSide, Rig>();
  const figures = new Map<SubscribeSide, number[]>();
  try {
    for (const [key, { name, ...rest }] of Object.entries(sides) as [SubscribeSide, PeerStart][]) {
      rigs.set(key, await startRig(name, { sockets: (batches + 1) * count, ...rest }));
      figures.set(key, []);
    }
    for (const rig of rigs.values()) await rig.open(count);
    for (let n = 0; n < batches; n++) {
      for (const [key, rig] of rigs) figures.get(key)?.push(await rig.open(count));
    }
    return figures;
  } finally {
    for (const rig of rigs.values()) await rig.stop();
  }
};
