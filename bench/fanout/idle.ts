import { parseArgs } from 'node:util';
import { report, rest, two } from '../figures.ts';
import { startRig } from './rig.ts';

/** Many connections with one subscription each to which nothing happens: what they keep in memory, and what their heartbeats cost. */

/** `npm run bench -- idle [--sockets 16000] [--seconds 60]`. */
export const idle = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: { sockets: { type: 'string', default: '16000' }, seconds: { type: 'string', default: '60' } },
  });
  const [sockets, seconds] = [Number(values.sockets), Number(values.seconds)];
  const rig = await startRig('carillon', { sockets });
  try {
    const before = await rig.side.settled();
    await rig.open(sockets);
    // The first marker of each, for what it got at subscribe, is not idleness.
    await rest(10_000);
    const opened = await rig.side.settled();
    const first = await rig.client.report();
    await rest(seconds * 1_000);
    const after = await rig.side.usage();
    const last = await rig.client.report();
    if (last.closed > 0) throw new Error(`${last.closed} connections were ended, close code ${last.closeCode}`);
    const perSocket = (rssBytes: number): number => (rssBytes - before.rssBytes) / sockets / 1_024;
    const share = (after.cpuUs - opened.cpuUs) / (after.atUs - opened.atUs);
    report(`idle: ${sockets} connections with one subscription, ${seconds} s`, [
      [
        'resident memory each',
        `${two(perSocket(opened.rssBytes))} KiB, at the end ${two(perSocket(after.rssBytes))} KiB`,
      ],
      ['processor', `${two(share * 100)} % of one core`],
      ['markers meanwhile', `${last.markers - first.markers}`],
    ]);
  } finally {
    await rig.stop();
  }
};
