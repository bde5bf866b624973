import { parseArgs } from 'node:util';
import { median, quantile, report, two } from '../figures.ts';
import { type Rig, type RoundOptions, type RoundResult, startRig } from './rig.ts';

/**
 * One event to everyone, and bursts of eight: the product, the C loop on the product's own sockets, and the stock stack, in turns. Each pair of rounds
 * follows closely, so that what else the machine does meets both.
 */

export type FanoutOptions = {
  readonly sockets: number;
  readonly rounds: number;
  readonly stockSockets: number;
};

/** One way to publish: `burst` events at once, in each of `ticks`. */
type Shape = { readonly burst: number; readonly ticks: number; readonly stockTicks: number };

/** What a shape costs on each side, a value per round. Microseconds of processor per delivery; milliseconds from publish to the last delivery. */
export type ShapeFigures = {
  readonly frameBytes: number;
  readonly carillonUs: readonly number[];
  readonly bareUs: readonly (number | null)[];
  readonly cUs: readonly number[];
  readonly stockUs: readonly number[];
  readonly markersPerDelivery: number;
  readonly lastMs: {
    readonly carillon: readonly number[];
    readonly c: readonly number[];
    readonly stock: readonly number[];
  };
  readonly clientUs: number;
};

const shapes = {
  single: { burst: 1, ticks: 20, stockTicks: 8 },
  burst8: { burst: 8, ticks: 8, stockTicks: 2 },
} as const satisfies Record<string, Shape>;

/** Before each round, so that sockets and caches are as warm as in the middle of one. */
const warmTicks = 3;

const rounded = async (rig: Rig, options: RoundOptions): Promise<RoundResult> => {
  await rig.round({ ...options, ticks: warmTicks });
  return rig.round(options);
};

const measureShape = async (
  { burst, ticks, stockTicks }: Shape,
  rigs: { readonly carillon: Rig; readonly stock: Rig | null },
  rounds: number,
): Promise<ShapeFigures> => {
  const { carillon, stock } = rigs;
  const own: RoundResult[] = [];
  const c: Awaited<ReturnType<Rig['loop']>>[] = [];
  const others: RoundResult[] = [];
  for (let n = 0; n < rounds; n++) {
    own.push(await rounded(carillon, { burst, ticks }));
    await carillon.loop({ burst, ticks: warmTicks });
    c.push(await carillon.loop({ burst, ticks }));
    if (stock === null) continue;
    await stock.round({ burst, ticks: 1 });
    others.push(await stock.round({ burst, ticks: stockTicks }));
  }
  return {
    frameBytes: (await carillon.client.sample()).length,
    carillonUs: own.map(({ cpuUs }) => cpuUs),
    bareUs: own.map(({ bareCpuUs }) => bareCpuUs),
    cUs: c.map(({ cpuUs }) => cpuUs),
    stockUs: others.map(({ cpuUs }) => cpuUs),
    markersPerDelivery: median(own.map((round) => round.markersPerDelivery)),
    lastMs: {
      carillon: own.flatMap(({ lastMs }) => lastMs),
      c: c.flatMap(({ lastMs }) => lastMs),
      stock: others.flatMap(({ lastMs }) => lastMs),
    },
    clientUs: median(own.map(({ clientCpuUs }) => clientCpuUs)),
  };
};

export type FanoutFigures = {
  readonly sockets: number;
  readonly stockSockets: number;
  readonly single: ShapeFigures;
  readonly burst8: ShapeFigures;
  /** Turns of the event loop while an event goes to everyone, 99th percentile, milliseconds: by the clock, and of processor. */
  readonly turnP99Ms: { readonly wall: number; readonly cpu: number };
};

/** Measures. Rejects when a side loses an event. */
export const measureFanout = async ({ sockets, rounds, stockSockets }: FanoutOptions): Promise<FanoutFigures> => {
  const rigs: Rig[] = [];
  try {
    const carillon = await startRig('carillon', { sockets, settings: { loop: true } });
    rigs.push(carillon);
    const stock = stockSockets === 0 ? null : await startRig('stock', { sockets: stockSockets });
    if (stock !== null) rigs.push(stock);
    await carillon.open(sockets);
    await stock?.open(stockSockets);
    // Code is compiled and tables have grown before anything counts.
    await carillon.round({ ticks: 20, intervalMs: 100 });
    await stock?.round({ ticks: 5 });
    const single = await measureShape(shapes.single, { carillon, stock }, rounds);
    const burst8 = await measureShape(shapes.burst8, { carillon, stock }, rounds);
    const { turns } = await carillon.round({ ticks: 20, watchTurns: true });
    const turnP99Ms = { wall: quantile(turns?.wallMs ?? [], 0.99), cpu: quantile(turns?.cpuMs ?? [], 0.99) };
    return { sockets, stockSockets, single, burst8, turnP99Ms };
  } finally {
    for (const rig of rigs) await rig.stop();
  }
};

/** Of pairs that were measured close to each other. */
export const ratioOf = (of: readonly number[], to: readonly number[]): number =>
  median(of.map((value, n) => value / (to[n] ?? Number.NaN)));

const known = (values: readonly (number | null)[]): readonly number[] => values.filter((value) => value !== null);

const rowsOf = (figures: ShapeFigures): (readonly [string, string])[] => {
  const { carillonUs, bareUs, cUs, stockUs, lastMs } = figures;
  const bare = known(bareUs);
  return [
    [
      'carillon',
      `${two(median(carillonUs))} us, ${two(ratioOf(carillonUs, cUs))} of C, ${two(ratioOf(carillonUs, stockUs))} of stock`,
    ],
    [
      'without markers',
      `${two(median(bare))} us, ${two(
        ratioOf(
          bareUs.map((value) => value ?? Number.NaN),
          cUs,
        ),
      )} of C`,
    ],
    ['markers per delivery', two(figures.markersPerDelivery)],
    ['C loop', `${two(median(cUs))} us (${cUs.map(two).join(' ')})`],
    ['stock', `${two(median(stockUs))} us`],
    ['load client', `${two(figures.clientUs)} us of its own`],
    [
      'last delivery p50 / p99',
      (['carillon', 'c', 'stock'] as const)
        .map((side) => `${side} ${two(quantile(lastMs[side], 0.5))} / ${two(quantile(lastMs[side], 0.99))} ms`)
        .join(', '),
    ],
  ];
};

/** `npm run bench -- fanout [--sockets 5000] [--rounds 5] [--stock 5000]`; `--stock 0` leaves the stock stack out. */
export const fanout = async (args: readonly string[]): Promise<void> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sockets: { type: 'string', default: '5000' },
      rounds: { type: 'string', default: '5' },
      stock: { type: 'string' },
    },
  });
  const sockets = Number(values.sockets);
  const figures = await measureFanout({
    sockets,
    rounds: Number(values.rounds),
    stockSockets: Number(values.stock ?? sockets),
  });
  const frame = `frames of ${figures.single.frameBytes} bytes`;
  report(`fanout: one event to ${sockets} sockets, ${frame}; processor per delivery`, rowsOf(figures.single));
  report(`fanout: bursts of 8 to ${sockets} sockets; processor per delivery`, rowsOf(figures.burst8));
  report('fanout: turns of the event loop with an event to everyone', [
    ['p99', `${two(figures.turnP99Ms.wall)} ms, ${two(figures.turnP99Ms.cpu)} ms of processor`],
  ]);
};
