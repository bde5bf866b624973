import { parseArgs } from 'node:util';
import { median, quantile, report, two } from '../figures.ts';
import { whyNoCentrifugo } from '../sides/centrifugo-binary.ts';
import type { SideName } from '../sides/side.ts';
import {
  type FanoutFigures,
  measureFanout,
  type PeerStart,
  ratioOf,
  type ShapeFigures,
  type ShapeName,
} from './fanout.ts';

/** What fan-out costs, for a person. */

const titles: Readonly<Record<ShapeName, string>> = { single: 'one event', burst8: 'bursts of 8' };

const rowsOf = ({ sides, bareUs, markerUs, markersPerDelivery }: ShapeFigures): (readonly [string, string])[] => {
  const c = sides.get('c')?.cpuUs;
  const own = sides.get('carillon');
  const rows = [...sides].map(([name, { cpuUs, lastMs, clientUs }]): readonly [string, string] => [
    name,
    [
      `${two(median(cpuUs))} us`,
      `${two(ratioOf(cpuUs, c))} of C`,
      `carillon is ${two(ratioOf(own?.cpuUs ?? [], cpuUs))} of it`,
      `last p50 ${two(quantile(lastMs, 0.5))} ms, p99 ${two(quantile(lastMs, 0.99))} ms`,
      `load client ${two(median(clientUs))} us`,
    ].join(', '),
  ]);
  return [
    ...rows,
    ['carillon without markers', `${two(median(bareUs))} us, ${two(ratioOf(bareUs, c))} of C`],
    ['markers per delivery', `${two(markersPerDelivery)}${markerUs === null ? '' : `, ${two(markerUs)} us each`}`],
  ];
};

/** Prints what was measured. */
export const reportFanout = (title: string, figures: FanoutFigures): void => {
  for (const [name, shape] of figures.shapes) {
    const what = `${titles[name]} to ${figures.sockets} sockets, frames of ${shape.frameBytes} bytes`;
    report(`${title}: ${what}; processor per delivery`, rowsOf(shape));
  }
  const own = figures.subscribeUs.get('carillon') ?? [];
  report(`${title}: connect, init and subscribe; turns of the event loop`, [
    ...[...figures.subscribeUs].map(([name, us]): readonly [string, string] => [
      name,
      `${two(median(us))} us of processor each, carillon is ${two(ratioOf(own, us))} of it`,
    ]),
    ['turns with an event, p99', `${two(figures.turnP99Ms.wall)} ms, ${two(figures.turnP99Ms.cpu)} ms of processor`],
  ]);
};

const startOf = async (name: string): Promise<PeerStart> => {
  if (name !== 'stock' && name !== 'centrifugo') throw new Error(`--peers ${name}: there are stock and centrifugo`);
  const reason = name === 'centrifugo' ? await whyNoCentrifugo({ mayBuild: true }) : null;
  if (reason !== null) throw new Error(reason);
  return { name: name satisfies SideName };
};

/**
 * `npm run bench -- fanout [--sockets 5000] [--rounds 5] [--peers stock,centrifugo] [--log memory|embedded] [--shapes single,burst8]`. `--peers ''` leaves
 * the peers out, which is faster.
 */
export const fanout = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sockets: { type: 'string', default: '5000' },
      rounds: { type: 'string', default: '5' },
      peers: { type: 'string', default: 'stock' },
      log: { type: 'string', default: 'memory' },
      shapes: { type: 'string', default: 'single,burst8' },
    },
  });
  const peers = await Promise.all(values.peers.split(',').filter(Boolean).map(startOf));
  const figures = await measureFanout({
    sockets: Number(values.sockets),
    rounds: Number(values.rounds),
    settings: { log: values.log },
    shapes: values.shapes.split(',').filter((name): name is ShapeName => Object.hasOwn(titles, name)),
    peers,
  });
  reportFanout('fanout', figures);
};
