import { median, quantile, rest } from '../figures.ts';
import type { SideName } from '../sides/side.ts';
import { type Rig, type RoundOptions, type RoundResult, startRig } from './rig.ts';

/**
 * One event to everyone, and bursts of eight: the product, the C loop on the product's own sockets, and its peers, in turns. Rounds that are compared
 * follow each other closely, so that what else the machine does meets both.
 */

/** A peer and what it is started with. */
export type PeerStart = { readonly name: SideName; readonly settings?: Readonly<Record<string, unknown>> };

export type FanoutOptions = {
  readonly sockets: number;
  readonly rounds: number;
  /** Of the product; the C loop is added. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly peers: readonly PeerStart[];
  /** Measure these only. @default both */
  readonly shapes?: readonly ShapeName[];
};

export type ShapeName = 'single' | 'burst8';

/** One side, a value per round: microseconds of processor per delivery; and all times from publish to the last delivery, milliseconds. */
export type SideFigures = {
  readonly cpuUs: readonly number[];
  readonly lastMs: readonly number[];
  /** What the load client used per delivery. */
  readonly clientUs: readonly number[];
};

export type ShapeFigures = {
  readonly frameBytes: number;
  readonly sides: ReadonlyMap<SideName | 'c', SideFigures>;
  /** The product without markers: in ticks in which none went out, or, where nearly all had some, less what markers cost. */
  readonly bareUs: readonly number[];
  /** A marker and its echo, microseconds of processor; null where it was not needed for that. */
  readonly markerUs: number | null;
  readonly markersPerDelivery: number;
};

export type FanoutFigures = {
  readonly sockets: number;
  readonly versions: Readonly<Record<string, string>>;
  /** Per side and batch of connections: processor for connect, init and subscribe, microseconds. */
  readonly subscribeUs: ReadonlyMap<SideName, readonly number[]>;
  readonly shapes: ReadonlyMap<ShapeName, ShapeFigures>;
  /** Turns of the event loop while an event goes to everyone, 99th percentile, milliseconds: by the clock, and of processor. */
  readonly turnP99Ms: { readonly wall: number; readonly cpu: number };
};

type Shape = { readonly burst: number; readonly ticks: Readonly<Record<SideName | 'c', number>> };

/** Twenty ticks are five seconds: each connection gets one marker in them, as it would in production. Peers that are slow get fewer. */
const shapesByName: Readonly<Record<ShapeName, Shape>> = {
  single: { burst: 1, ticks: { carillon: 20, c: 12, stock: 6, naive: 4, centrifugo: 12, plain: 0 } },
  burst8: { burst: 8, ticks: { carillon: 8, c: 8, stock: 2, naive: 1, centrifugo: 4, plain: 0 } },
};

/** Before each round, so that sockets and caches are as warm as in the middle of one. */
const warmTicks: Readonly<Record<SideName | 'c', number>> = {
  carillon: 3,
  c: 3,
  stock: 1,
  naive: 1,
  centrifugo: 2,
  plain: 0,
};

type LoopResult = Awaited<ReturnType<Rig['loop']>>;

const warmed = async (rig: Rig, options: RoundOptions): Promise<RoundResult> => {
  await rig.round({ ...options, ticks: warmTicks[rig.name] });
  return rig.round(options);
};

const warmedLoop = async (rig: Rig, options: RoundOptions): Promise<LoopResult> => {
  await rig.loop({ ...options, ticks: warmTicks.c });
  return rig.loop(options);
};

const figuresOf = (rounds: readonly Pick<RoundResult, 'cpuUs' | 'lastMs' | 'clientCpuUs'>[]): SideFigures => ({
  cpuUs: rounds.map(({ cpuUs }) => cpuUs),
  lastMs: rounds.flatMap(({ lastMs }) => lastMs),
  clientUs: rounds.map(({ clientCpuUs }) => clientCpuUs),
});

/** After so long all that was delivered has had its marker. */
const markedMs = 6_500;

/**
 * What a marker costs: a lone event is followed by one on each connection; what nothing at all costs in as long is taken off. They are somewhat dearer
 * then than under way, since sockets have been silent.
 */
const measureMarker = async (carillon: Rig, cpuUs: number): Promise<number> => {
  await rest(markedMs);
  const before = await carillon.side.usage();
  await rest(markedMs);
  const idleUs = (await carillon.side.usage()).cpuUs - before.cpuUs;
  const lone = await carillon.round({ ticks: 1, intervalMs: markedMs });
  return (lone.cpuUs - idleUs / lone.deliveries - cpuUs) / lone.markersPerDelivery;
};

/** Where most rounds have no events without markers, what those cost is measured apart. */
const bareOf = async (
  carillon: Rig,
  rounds: readonly RoundResult[],
): Promise<Pick<ShapeFigures, 'bareUs' | 'markerUs'>> => {
  const isSpread = rounds.filter(({ bareCpuUs }) => bareCpuUs === null).length * 2 > rounds.length;
  const markerUs = isSpread ? await measureMarker(carillon, median(rounds.map(({ cpuUs }) => cpuUs))) : null;
  const lessMarkers = ({ cpuUs, markersPerDelivery }: RoundResult): number =>
    cpuUs - markersPerDelivery * (markerUs ?? Number.NaN);
  return { bareUs: rounds.map((round) => round.bareCpuUs ?? lessMarkers(round)), markerUs };
};

const measureShape = async (
  { burst, ticks }: Shape,
  { carillon, peers }: { readonly carillon: Rig; readonly peers: readonly Rig[] },
  rounds: number,
): Promise<ShapeFigures> => {
  const own: RoundResult[] = [];
  const c: LoopResult[] = [];
  const others = new Map(peers.map((peer): [Rig, RoundResult[]] => [peer, []]));
  for (let n = 0; n < rounds; n++) {
    own.push(await warmed(carillon, { burst, ticks: ticks.carillon }));
    c.push(await warmedLoop(carillon, { burst, ticks: ticks.c }));
    for (const [peer, results] of others) results.push(await warmed(peer, { burst, ticks: ticks[peer.name] }));
  }
  return {
    frameBytes: (await carillon.client.sample()).length,
    sides: new Map<SideName | 'c', SideFigures>([
      ['carillon', figuresOf(own)],
      ['c', figuresOf(c)],
      ...[...others].map(([peer, results]): [SideName, SideFigures] => [peer.name, figuresOf(results)]),
    ]),
    ...(await bareOf(carillon, own)),
    markersPerDelivery: median(own.map((round) => round.markersPerDelivery)),
  };
};

/** How many batches the connections are opened in, the sides in turns. */
const batches = 5;

const openAll = async (rigs: readonly Rig[], sockets: number): Promise<FanoutFigures['subscribeUs']> => {
  const subscribeUs = new Map(rigs.map((rig): [SideName, number[]] => [rig.name, []]));
  for (let n = 0; n < batches; n++) {
    const count = Math.floor(((n + 1) * sockets) / batches) - Math.floor((n * sockets) / batches);
    for (const rig of rigs) subscribeUs.get(rig.name)?.push(await rig.open(count));
  }
  return subscribeUs;
};

/** Measures. Rejects when a side loses an event, sends one twice or changes one. */
export const measureFanout = async (options: FanoutOptions): Promise<FanoutFigures> => {
  const { sockets, rounds, shapes = ['single', 'burst8'] } = options;
  const rigs: Rig[] = [];
  try {
    const carillon = await startRig('carillon', { sockets, settings: { ...options.settings, loop: true } });
    rigs.push(carillon);
    const peers: Rig[] = [];
    for (const { name, settings = {} } of options.peers) {
      const peer = await startRig(name, { sockets, settings });
      rigs.push(peer);
      peers.push(peer);
    }
    const subscribeUs = await openAll(rigs, sockets);
    // Code is compiled and tables have grown before anything counts.
    await carillon.round({ ticks: 20, intervalMs: 100 });
    for (const peer of peers) await peer.round({ ticks: 4 });
    const measured = new Map<ShapeName, ShapeFigures>();
    for (const name of shapes) measured.set(name, await measureShape(shapesByName[name], { carillon, peers }, rounds));
    const { turns } = await carillon.round({ ticks: 20, watchTurns: true });
    const turnP99Ms = { wall: quantile(turns?.wallMs ?? [], 0.99), cpu: quantile(turns?.cpuMs ?? [], 0.99) };
    const versions = Object.fromEntries(peers.map(({ name, side }) => [name, side.version]));
    return { sockets, versions, subscribeUs, shapes: measured, turnP99Ms };
  } finally {
    for (const rig of rigs) await rig.stop();
  }
};

/** The middle of the ratios of values that were measured close to each other; NaN where there are none. */
export const ratioOf = (of: readonly number[], to: readonly number[] = []): number =>
  median(of.map((value, n) => value / (to[n] ?? Number.NaN)));
