import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromWire, toWire } from '../../src/graphql/wire-text.ts';

const anyText = fc.string({ unit: 'binary' });

describe('text for the wire', () => {
  it('is its UTF-8, a byte a character, and comes back', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const wire = toWire(text);
        expect(Buffer.from(wire, 'latin1')).toEqual(Buffer.from(text, 'utf8'));
        expect(wire.length).toBe(Buffer.byteLength(text));
        expect(fromWire(wire)).toBe(text);
      }),
    );
  });

  it('joins as text does', () => {
    fc.assert(fc.property(anyText, anyText, (a, b) => toWire(a) + toWire(b) === toWire(a + b)));
  });

  it('is the text itself where that is ASCII', () => {
    expect(toWire('{"a":"b"}')).toBe('{"a":"b"}');
    expect(toWire('é')).toBe('Ã©');
  });
});
