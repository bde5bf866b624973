import { parseArgs } from 'node:util';
import { report, rest, two } from '../figures.ts';
import { startRig } from './rig.ts';

/** Connections that subscribe and leave, very often: whether anything of them stays. */

/** Users among whom the connections go round. */
const users = 5_000;
/** Those who are away are forgotten after a second here, and looked for every ten. The log is in a file: the one in memory never forgets the positions that are parked at each end. */
const settings = { log: 'embedded', env: { CARILLON_LIMIT_AWAY_TIME: '1s' } };
const sweptMs = 15_000;

/** `npm run bench -- churn [--cycles 1000000]`: live bytes after a tenth, a half and all of the cycles. */
export const churn = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({ args: [...args], options: { cycles: { type: 'string', default: '1000000' } } });
  const cycles = Number(values.cycles);
  const rig = await startRig('carillon', { sockets: users, settings });
  try {
    const rows: (readonly [string, string])[] = [];
    let done = 0;
    let tenth = Number.NaN;
    let last = Number.NaN;
    for (const until of [cycles / 10, cycles / 2, cycles]) {
      const part = Math.round(until) - done;
      const before = await rig.side.usage();
      const churned = await rig.client.churn(part, 50);
      if (churned.cycles !== part || churned.closed > 0)
        throw new Error(`${churned.cycles} of ${part} cycles, ${churned.closed} connections were ended`);
      done += part;
      const cpuUs = (await rig.side.usage()).cpuUs - before.cpuUs;
      await rest(sweptMs);
      const { heapBytes, rssBytes } = await rig.side.settled();
      if (Number.isNaN(tenth)) tenth = heapBytes;
      last = heapBytes;
      rows.push([
        `after ${done}`,
        `${two(heapBytes / 2 ** 20)} MiB live, ${two(rssBytes / 2 ** 20)} MiB resident, ${two(cpuUs / part)} us of processor each, ${Math.round((part / churned.ms) * 1_000)}/s`,
      ]);
    }
    rows.push(['live bytes per cycle since the first tenth', two((last - tenth) / (cycles * 0.9))]);
    report(`churn: ${cycles} connections that subscribe and leave`, rows);
  } finally {
    await rig.stop();
  }
};
