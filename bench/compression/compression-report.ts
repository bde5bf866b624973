import { parseArgs } from 'node:util';
import { ratioOf } from '../fanout/fanout.ts';
import { median, report, two } from '../figures.ts';
import { type CompressionFigures, measureCompression, type SizeFigures } from './compression.ts';
import { type CompressionMemory, measureMemory } from './memory.ts';
import type { CompressionSide } from './sides.ts';

/** What compression saves and costs, for a person. */

const titles: Readonly<Record<CompressionSide, string>> = {
  off: 'carillon',
  on: 'carillon, CARILLON_COMPRESSION',
  stockOff: 'stock',
  stockOn: 'stock, permessage-deflate of ws',
};

const reportSizes = (sockets: number, figures: CompressionFigures): void => {
  for (const [bytes, sides] of figures) {
    const off = sides.get('off');
    const stock = sides.get('stockOn');
    const rowOf = ({ cpuUs, wireBytes, deflatedShare }: SizeFigures): string =>
      [
        `${Math.round(median(wireBytes))} B, ${two(ratioOf(wireBytes, off?.wireBytes))} of carillon`,
        `${two(median(cpuUs))} us, ${two(ratioOf(cpuUs, off?.cpuUs))} of carillon, ${two(ratioOf(cpuUs, stock?.cpuUs))} of stock`,
        `${Math.round(deflatedShare * 100)} % compressed`,
      ].join('; ');
    report(
      `compression: bodies of ${bytes} bytes to ${sockets} sockets; bytes on the wire and processor per delivery`,
      [...sides].map(([side, each]): readonly [string, string] => [titles[side], rowOf(each)]),
    );
  }
};

const reportMemory = ({ sockets, kib }: CompressionMemory): void => {
  const more = (side: CompressionSide, to: CompressionSide, when: 'offered' | 'sent'): string => {
    const difference = (kib.get(side)?.[when] ?? Number.NaN) - (kib.get(to)?.[when] ?? Number.NaN);
    return `${difference < 0 ? '' : '+'}${two(difference)} KiB`;
  };
  report(`compression: resident memory of ${sockets} connections that offer it, each`, [
    ...[...kib].map(([side, { offered, sent }]): readonly [string, string] => [
      titles[side],
      `${two(offered)} KiB, after four events of 8 KB ${two(sent)} KiB`,
    ]),
    ['carillon, for compression', `${more('on', 'off', 'offered')}, after the events ${more('on', 'off', 'sent')}`],
    [
      'stock, for compression',
      `${more('stockOn', 'stockOff', 'offered')}, after the events ${more('stockOn', 'stockOff', 'sent')}`,
    ],
  ]);
};

/** `npm run bench -- compression [--sockets 500] [--rounds 5] [--memory-sockets 2000]`. */
export const compression = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sockets: { type: 'string', default: '500' },
      rounds: { type: 'string', default: '5' },
      'memory-sockets': { type: 'string', default: '2000' },
    },
  });
  const sockets = Number(values.sockets);
  reportSizes(sockets, await measureCompression({ sockets, rounds: Number(values.rounds) }));
  reportMemory(await measureMemory(['off', 'on', 'stockOff', 'stockOn'], Number(values['memory-sockets'])));
};
