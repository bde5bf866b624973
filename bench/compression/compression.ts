import type { Rig, RoundOptions, RoundResult } from '../fanout/rig.ts';
import { type CompressionSide, startOffered } from './sides.ts';
import { openWitnesses, type Witnesses } from './witnesses.ts';

/**
 * Events of several sizes to everyone, of the product without and with compression and of ws's own per client, in turns: bytes on the wire and
 * processor. Each event is checked: in full by a few clients and wherever it was not compressed, by its count at each of the others.
 */

export type CompressionOptions = {
  readonly sockets: number;
  readonly rounds: number;
  /** Bytes of bodies. @default of 400 B, 1.5 KB and 8 KB, envelopes included */
  readonly sizes?: readonly number[];
  /** Ticks of a round of a side. @default twenty of the product, six of the stock stack */
  readonly ticks?: number;
};

/** Of one side at one size, a value per round. `deflatedShare`: which share of deliveries came compressed. */
export type SizeFigures = {
  readonly cpuUs: readonly number[];
  readonly wireBytes: readonly number[];
  readonly deflatedShare: number;
};

/** Per size of bodies. */
export type CompressionFigures = ReadonlyMap<number, ReadonlyMap<MeasuredSide, SizeFigures>>;

export type MeasuredSide = Exclude<CompressionSide, 'stockOff'>;

type Running = { readonly rig: Rig; readonly witnesses: Witnesses };

/** As many as can be afforded: what they inflate shares the machine with what is measured. */
const witnessCount = 4;
const patienceMs = 60_000;

const defaultSizes = [60, 1_160, 7_700];
/** Twenty are five seconds, with a marker for each connection. The stock stack is slow. */
const ticksOf: Readonly<Record<MeasuredSide, number>> = { off: 20, on: 20, stockOn: 6 };
const warmTicks = 2;

/** A round that the witnesses follow. Rejects when something is lost, comes twice or is changed. */
const witnessed = async (
  { rig, witnesses }: Running,
  options: RoundOptions & { bytes: number },
): Promise<RoundResult> => {
  witnesses.expect(options.bytes);
  const result = await rig.round(options);
  await witnesses.caughtUp(rig.sequence, patienceMs);
  return result;
};

const startAll = async (sockets: number, running: Map<MeasuredSide, Running>): Promise<void> => {
  for (const side of ['off', 'on', 'stockOn'] as const) {
    const rig = await startOffered(side, { sockets });
    try {
      await rig.open(sockets);
      const witnesses = await openWitnesses(rig.side, { count: witnessCount, sequence: rig.sequence });
      running.set(side, { rig, witnesses });
    } catch (error) {
      await rig.stop();
      throw error;
    }
    if (running.get(side)?.witnesses.isDeflating !== (side !== 'off'))
      throw new Error(`${side}: whether messages are compressed is not as it was set`);
  }
};

const measureSize = async (
  running: ReadonlyMap<MeasuredSide, Running>,
  bytes: number,
  { rounds, ticks }: CompressionOptions,
): Promise<ReadonlyMap<MeasuredSide, SizeFigures>> => {
  const results = new Map<MeasuredSide, RoundResult[]>([...running.keys()].map((side) => [side, []]));
  for (let n = 0; n < rounds; n++) {
    // Which is first changes, so that what one leaves behind meets each of the others.
    const inTurn = n % 2 === 0 ? [...running] : [...running].reverse();
    for (const [side, each] of inTurn) {
      await witnessed(each, { bytes, ticks: warmTicks });
      results.get(side)?.push(await witnessed(each, { bytes, ticks: ticks ?? ticksOf[side] }));
    }
  }
  const figuresOf = (side: MeasuredSide, all: readonly RoundResult[]): SizeFigures => {
    const sockets = running.get(side)?.rig.sockets ?? 0;
    return {
      // The witnesses are served too.
      cpuUs: all.map(({ cpuUs }) => (cpuUs * sockets) / (sockets + witnessCount)),
      wireBytes: all.map(({ wireBytes }) => wireBytes),
      deflatedShare: all.reduce((sum, { deflatedShare }) => sum + deflatedShare, 0) / all.length,
    };
  };
  return new Map([...results].map(([side, all]) => [side, figuresOf(side, all)]));
};

/** Measures. Rejects when a side loses an event, sends one twice or changes one. */
export const measureCompression = async (options: CompressionOptions): Promise<CompressionFigures> => {
  const running = new Map<MeasuredSide, Running>();
  try {
    await startAll(options.sockets, running);
    // Code is compiled before anything counts.
    for (const each of running.values()) await witnessed(each, { bytes: 1_160, ticks: options.ticks ?? 10 });
    const figures = new Map<number, ReadonlyMap<MeasuredSide, SizeFigures>>();
    for (const bytes of options.sizes ?? defaultSizes) figures.set(bytes, await measureSize(running, bytes, options));
    return figures;
  } finally {
    for (const { rig, witnesses } of running.values()) {
      witnesses.stop();
      await rig.stop();
    }
  }
};
