import { describe, expect, it } from 'vitest';
import { drawTrees, outline, spanTrees } from '../../dev/jaeger/span-tree.ts';
import type { ReadSpan } from '../../dev/jaeger/spans.ts';

const span = (spanId: string, parentSpanId: string | null, more: Partial<ReadSpan> = {}): ReadSpan => ({
  traceId: 'aaaa',
  spanId,
  parentSpanId,
  service: 'carillon',
  name: spanId,
  kind: 'internal',
  startMs: 1_000,
  endMs: 1_002,
  attributes: {},
  events: [],
  links: [],
  isError: false,
  ...more,
});

describe('the tree of a trace', () => {
  it('is drawn with times, what each span says, its events and links', () => {
    const trees = spanTrees([
      span('deliver', 'process', {
        startMs: 1_005,
        endMs: 1_052,
        attributes: { 'carillon.ack': 'acknowledged', 'carillon.node': 'n1', 'carillon.outbox_wait_ms': 7 },
        events: [
          { name: 'fetched', atMs: 1_005 },
          { name: 'written', atMs: 1_012 },
        ],
      }),
      span('late', 'process', {
        startMs: 1_006,
        endMs: 1_008,
        links: [{ traceId: 'bbbb', spanId: 'x', attributes: {} }],
      }),
      span('process', 'publish', { startMs: 1_004, endMs: 1_006 }),
      span('publish', null, { isError: true, attributes: { 'error.type': 'LOG_UNAVAILABLE' } }),
    ]);
    expect(outline(trees)).toBe('publish\n  process\n    deliver\n    late\n');
    expect(drawTrees(trees)).toBe(
      [
        '✗ publish  +0.00 ms  2.00 ms  carillon  error.type=LOG_UNAVAILABLE',
        '└─ process  +4.00 ms  2.00 ms  carillon',
        '   ├─ deliver  +5.00 ms  47.0 ms  carillon  ack=acknowledged  outbox_wait_ms=7',
        '   │       fetched +0.00 ms · written +7.00 ms',
        '   └─ late  +6.00 ms  2.00 ms  carillon',
        '           linked to trace bbbb',
      ].join('\n'),
    );
  });

  it('has a root where the parent is elsewhere', () => {
    expect(outline(spanTrees([span('process', 'producer'), span('deliver', 'process')]))).toBe('process\n  deliver\n');
  });
});
