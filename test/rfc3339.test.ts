import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRfc3339 } from '../src/rfc3339.ts';

describe('parseRfc3339', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0],
    ['1970-01-01t00:00:00.5z', 500],
    ['1970-01-01 00:00:00.0019Z', 1],
    ['1970-01-01T01:00:00+01:00', 0],
    ['1969-12-31T23:30:00-00:30', 0],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
    ['0099-01-01T00:00:00Z', Date.parse('0099-01-01T00:00:00Z')],
  ])('reads %s', (text, ms) => {
    expect(parseRfc3339(text)).toBe(ms);
  });

  it.each([
    '',
    'now',
    '2026-03-01',
    '2026-03-01T00:00Z',
    '2026-03-01T00:00:00',
    '2026-03-01T00:00:00.Z',
    '2026-03-01T00:00:00+1:00',
    '2026-03-01T00:00:00+01:60',
    '2026-03-01T00:00:61Z',
    '2026-03-01T00:60:00Z',
    '2026-03-00T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026/03/01T00:00:00Z',
    '+2026-03-01T00:00:00Z',
    '2026-03-01T00:00:00ZZ',
    `2026-03-01T00:00:00.${'0'.repeat(99)}Z`,
  ])('does not read %j', (text) => {
    expect(parseRfc3339(text)).toBeNull();
  });

  it('agrees with JavaScript on every millisecond, in any zone', () => {
    const instant = fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(9998, 0, 1) });
    fc.assert(
      fc.property(instant, fc.integer({ min: 0, max: 23 * 60 }), (ms, minutes) => {
        const local = new Date(ms + minutes * 60_000).toISOString().slice(0, -1);
        const zone = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
        expect(parseRfc3339(`${local}+${zone}`)).toBe(ms);
      }),
    );
  });
});
