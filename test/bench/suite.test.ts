import { describe, expect, it } from 'vitest';
import type { ShapeFigures, SideFigures } from '../../bench/fanout/fanout.ts';
import { asJson, ratiosOf, type SuiteFigures } from '../../bench/suite.ts';

const side = (cpuUs: readonly number[], lastMs: readonly number[] = [1]): SideFigures => ({
  cpuUs,
  lastMs,
  clientUs: [1],
});

const shape = (sides: ShapeFigures['sides'], bareUs: readonly number[] = [1, 1, 1]): ShapeFigures => ({
  frameBytes: 390,
  sides,
  bareUs,
  markerUs: null,
  markersPerDelivery: 0.05,
});

const figures = (missing: Readonly<Record<string, string>>): SuiteFigures => {
  const single = shape(
    new Map([
      ['carillon', side([12, 6, 50], [20, 30, 40])],
      ['c', side([6, 4, 10])],
      ['stock', side([60, 60, 60], [60, 60, 60])],
    ]),
    [9, 8, 10],
  );
  const burst8 = shape(
    new Map([
      ['carillon', side([2, 2, 2])],
      ['c', side([1, 1, 1])],
      ['stock', side([20, 20, 20])],
    ]),
  );
  const fanout = {
    sockets: 5_000,
    versions: {},
    subscribeUs: new Map(),
    shapes: new Map([
      ['single', single],
      ['burst8', burst8],
    ] as const),
    turnP99Ms: { wall: 8, cpu: 7 },
  };
  return {
    fanout,
    fanoutLog: fanout,
    memory: { sockets: 10_000, rssKiB: new Map([['carillon', 15] as const, ['stock', 30] as const]) },
    subscribe: new Map([['carillon', [400]] as const, ['stock', [1_000]] as const]),
    tracing: { unsampledUs: [10.1], noneUs: [10], overhead: 0.01 },
    resume: {
      returners: 1_000,
      recordsBehind: 150_000,
      eachMs: 100,
      togetherMs: 4_000,
      ratio: 0.04,
      readings: 12,
      records: 150_000,
      others: null,
    },
    missing,
  };
};

describe('ratios of the benchmark', () => {
  it('are the middle of those of neighbouring rounds, so that a round with a busy machine does not count', () => {
    const ratios = ratiosOf(figures({}));
    expect(ratios['fanout.cpu/c']).toBe(2);
    expect(ratios['fanoutBare.cpu/c']).toBe(1.5);
    expect(ratios['burst8.cpu/c']).toBe(2);
    expect(ratios['burst8.cpu/stock']).toBe(0.1);
  });

  it('hold the product against its peers', () => {
    const ratios = ratiosOf(figures({}));
    expect(ratios['fanout.last/stock']).toBe(0.5);
    expect(ratios['memory.rss/stock']).toBe(0.5);
    expect(ratios['memory.rssKB']).toBe(15);
    expect(ratios['subscribe.cpu/stock']).toBe(0.4);
    expect(ratios['resume1000/oneByOne']).toBe(0.04);
    expect(ratios['tracingOff.overhead']).toBe(0.01);
    expect(ratios['fanout.loopLagP99Ms']).toBe(8);
  });

  it('are null where a side could not be had, and the reason is told', () => {
    const raw = figures({ centrifugo: 'it was not built' });
    const ratios = ratiosOf(raw);
    expect(ratios['fanout.cpu/centrifugo']).toBeNull();
    expect(ratios['memory.rss/centrifugo']).toBeNull();
    const machine = { cpu: 'x', cores: 2, memoryGiB: 4, system: 'Linux', load: 0 };
    const told = JSON.parse(asJson({ machine, versions: {}, ratios, raw }));
    expect(told.raw.missing).toEqual({ centrifugo: 'it was not built' });
    expect(told.ratios['fanout.cpu/centrifugo']).toBeNull();
    expect(told.raw.fanout.shapes.single.sides.carillon.cpuUs).toEqual([12, 6, 50]);
  });
});
