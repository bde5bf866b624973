import { expect, it } from 'vitest';
import { newSpanId, newTraceId } from '../../src/telemetry/trace-ids.ts';

it('ids of traces and spans have their form, and do not repeat where random bytes are fetched anew', () => {
  const traces = Array.from({ length: 1_000 }, () => newTraceId());
  const spans = Array.from({ length: 1_000 }, () => newSpanId());
  expect(traces.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  expect(spans.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
  const halves = traces.flatMap((id) => [id.slice(0, 16), id.slice(16)]);
  expect(new Set([...halves, ...spans]).size).toBe(3_000);
});
