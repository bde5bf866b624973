import { type CompressionSide, startOffered } from './sides.ts';

/**
 * What compression keeps for each connection: resident memory after full garbage collections, less what the process had before the connections. Once
 * after they subscribed, so that their offer is all that there is, and once after each was sent something long enough to be compressed.
 */

export type CompressionMemory = {
  readonly sockets: number;
  /** KiB per connection. */
  readonly kib: ReadonlyMap<CompressionSide, { readonly offered: number; readonly sent: number }>;
};

/** Few, so that what is loaded and compiled at first use is not counted as theirs. */
const early = 20;

const long = { ticks: 4, bytes: 7_700 };

const measureSide = async (
  side: CompressionSide,
  sockets: number,
): Promise<{ readonly offered: number; readonly sent: number }> => {
  const rig = await startOffered(side, { sockets });
  try {
    await rig.open(early);
    await rig.round(long);
    await rig.client.close();
    const before = (await rig.side.settled()).rssBytes;
    const each = async (): Promise<number> => ((await rig.side.settled()).rssBytes - before) / sockets / 1_024;
    await rig.open(sockets);
    const offered = await each();
    await rig.round({ ...long, intervalMs: 500 });
    return { offered, sent: await each() };
  } finally {
    await rig.stop();
  }
};

/** Measures one side after another, each in a new process. */
export const measureMemory = async (sides: readonly CompressionSide[], sockets: number): Promise<CompressionMemory> => {
  const kib = new Map<CompressionSide, { readonly offered: number; readonly sent: number }>();
  for (const side of sides) kib.set(side, await measureSide(side, sockets));
  return { sockets, kib };
};
