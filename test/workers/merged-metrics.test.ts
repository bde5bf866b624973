import { describe, expect, it } from 'vitest';
import { createTelemetry } from '../../src/telemetry/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { mergeMetrics } from '../../src/workers/merged-metrics.ts';
import { createSimulatedClock } from '../support/simulated-clock.ts';

const text = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('metrics of several workers', () => {
  it('are one exposition: a family once, the series of each worker in it with the label first', () => {
    const one = text('# HELP a_total A', '# TYPE a_total counter', 'a_total 1', '# TYPE b gauge', 'b{state="x"} 2');
    const two = text('# HELP a_total A', '# TYPE a_total counter', 'a_total 5', '# TYPE b gauge', 'b{state="x"} 7');
    const nodes = [
      { worker: 0, text: one },
      { worker: 1, text: two },
    ];
    expect(mergeMetrics([], nodes)).toBe(
      text(
        '# HELP a_total A',
        '# TYPE a_total counter',
        'a_total{worker="0"} 1',
        'a_total{worker="1"} 5',
        '# TYPE b gauge',
        'b{worker="0",state="x"} 2',
        'b{worker="1",state="x"} 7',
      ),
    );
  });

  it('keep what only one of them has, and the series of a histogram together', () => {
    const histogram = ['# TYPE h histogram', 'h_bucket{le="+Inf"} 1', 'h_sum 0.5', 'h_count 1'];
    const nodes = [
      { worker: 0, text: text('# TYPE only gauge', 'only 1') },
      { worker: 1, text: text(...histogram) },
      { worker: 2, text: text(...histogram) },
    ];
    expect(mergeMetrics([], nodes)).toBe(
      text(
        '# TYPE only gauge',
        'only{worker="0"} 1',
        '# TYPE h histogram',
        'h_bucket{worker="1",le="+Inf"} 1',
        'h_sum{worker="1"} 0.5',
        'h_count{worker="1"} 1',
        'h_bucket{worker="2",le="+Inf"} 1',
        'h_sum{worker="2"} 0.5',
        'h_count{worker="2"} 1',
      ),
    );
  });

  it('take a name that only begins like the family before it for one of its own', () => {
    const nodes = [0, 1].map((worker) => ({ worker, text: text('# TYPE a gauge', 'a 1', 'a_size 2') }));
    expect(mergeMetrics([], nodes)).toBe(
      text('# TYPE a gauge', 'a{worker="0"} 1', 'a{worker="1"} 1', 'a_size{worker="0"} 2', 'a_size{worker="1"} 2'),
    );
  });

  it('leave values of labels, times and numbers as they are', () => {
    const odd = String.raw`a{path="x{y} 1",quote="\"",empty=""} NaN 1700000000000`;
    expect(mergeMetrics([], [{ worker: 3, text: text(odd, 'b{} 1e+9', '', '# a remark') }])).toBe(
      text(String.raw`a{worker="3",path="x{y} 1",quote="\"",empty=""} NaN 1700000000000`, 'b{worker="3"} 1e+9'),
    );
  });

  it('begin with what the supervisor counts itself, and are that alone where no worker answers', () => {
    const own = [{ name: 'up', type: 'gauge' as const, help: 'Who is up', values: [{ worker: 0, value: 0 }] }];
    expect(mergeMetrics(own, [])).toBe(text('# HELP up Who is up', '# TYPE up gauge', 'up{worker="0"} 0'));
  });

  it('hold for what a node really shows: no family twice, no series twice, nothing lost', async () => {
    const clock = createSimulatedClock();
    const telemetry = createTelemetry(
      { env: {}, defaultSampler: 'ratio', serviceVersion: '0', nodeId: 'test' },
      { clock, logger: silentLogger },
    );
    telemetry.count('gaps', 'EXPIRED');
    telemetry.observe('recordToWrite', 0.02);
    telemetry.gauge('connections', () => [{ label: 'active', value: 3 }]);
    const node = await telemetry.metrics();
    await telemetry.shutdown(1);
    const merged = mergeMetrics(
      [],
      [0, 1].map((worker) => ({ worker, text: node })),
    );
    const lines = merged.trimEnd().split('\n');
    const headers = lines.filter((line) => line.startsWith('# '));
    expect(new Set(headers).size).toBe(headers.length);
    const series = lines.filter((line) => !line.startsWith('#'));
    expect(new Set(series).size).toBe(series.length);
    const of = (worker: number): string[] =>
      series
        .filter((line) => line.includes(`worker="${worker}"`))
        .map((line) => line.replace(`{worker="${worker}"}`, '').replace(`worker="${worker}",`, ''));
    const before = node
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('#'));
    expect(before.length).toBeGreaterThan(30);
    expect(of(0)).toEqual(before);
    expect(of(1)).toEqual(before);
    // Each series stands in its family: between its TYPE and the next one.
    let family = '';
    for (const line of lines) {
      family = /^# TYPE (\S+)/.exec(line)?.[1] ?? family;
      if (!line.startsWith('#')) expect(line.startsWith(family)).toBe(true);
    }
  });
});
