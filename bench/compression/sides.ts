import type { PeerStart } from '../fanout/fanout.ts';
import { type Rig, type RigOptions, startRig } from '../fanout/rig.ts';

/** Who compresses, how, and who does not. All clients offer it, with what browsers say. */

/** `off`, `on`: the product without and with CARILLON_COMPRESSION. `stockOff`, `stockOn`: graphql-ws on ws, which is told `perMessageDeflate`, or not. */
export type CompressionSide = 'off' | 'on' | 'stockOff' | 'stockOn';

const starts: Readonly<Record<CompressionSide, PeerStart>> = {
  off: { name: 'carillon' },
  on: { name: 'carillon', settings: { env: { CARILLON_COMPRESSION: 'true' } } },
  stockOff: { name: 'stock' },
  stockOn: { name: 'stock', settings: { deflate: true } },
};

/** Starts a side whose clients offer to be sent compressed messages, and whose bodies are of words. */
export const startOffered = (side: CompressionSide, options: RigOptions): Promise<Rig> => {
  const { name, settings = {} } = starts[side];
  const extensions = 'permessage-deflate; client_max_window_bits';
  return startRig(name, { ...options, settings, extensions, hasWords: true });
};
