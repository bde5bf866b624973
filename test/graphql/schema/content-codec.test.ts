import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { partitionId } from '../../../src/event.ts';
import { createRecordCodec } from '../../../src/log/record-codec.ts';
import { schemaWith, shippedSchema } from './sdl-folder.ts';

const { content } = schemaWith(`
  type Every @event(type: "every", title: "x") {
    text: String  int: Int  float: Float  flag: Boolean  id: ID  at: DateTime  big: BigInt
    kind: Kind  kinds: [Kind]  strictKinds: [Kind!]  texts: [String!]  matrix: [[Int!]!]  part: Part
    constructor: String  toString: Int
  }
  type Part { name: String!  part: Part }
  enum Kind { A B }
  type Strict @event(type: "strict", title: "{title}") { title: String!  kind: Kind!  at: DateTime! }
`);

const read = (value: Record<string, unknown>, type = 'every'): Record<string, unknown> | string => {
  const result = content.read(type, value);
  return result.ok ? { ...result.content } : `${result.code}: ${result.detail}`;
};

const fieldOf = (field: string, value: unknown): unknown => {
  const result = read({ [field]: value });
  return typeof result === 'string' ? result : result[field];
};

const nothing = {
  __typename: 'Every',
  ...{ text: null, int: null, float: null, flag: null, id: null, at: null, big: null },
  ...{ kind: null, kinds: null, strictKinds: null, texts: null, matrix: null, part: null },
  ...{ constructor: null, toString: null },
};

describe('content of an event', () => {
  it('has every field of its type, null where it is missing, and no other', () => {
    expect(read({})).toEqual(nothing);
    expect(read({ text: null, more: 1, __proto__: { text: 'x' } })).toEqual(nothing);
    expect(read(JSON.parse('{"__proto__":{"text":"x"},"__typename":"Other"}'))).toEqual(nothing);
  });

  it('does not take what objects inherit for fields', () => {
    expect(read({})).toEqual(nothing);
    expect(fieldOf('constructor', 'mine')).toBe('mine');
  });

  it('keeps nested objects and lists in order', () => {
    expect(fieldOf('part', { name: 'a', part: { name: 'b', extra: 1 } })).toEqual({
      __typename: 'Part',
      name: 'a',
      part: { __typename: 'Part', name: 'b', part: null },
    });
    expect(fieldOf('matrix', [[1, 2], [], [3]])).toEqual([[1, 2], [], [3]]);
  });

  it('is unfit where a value is of another kind, and says which field', () => {
    expect(fieldOf('text', 5)).toBe('invalid_content: Every.text is not text');
    expect(fieldOf('flag', 'true')).toBe('invalid_content: Every.flag is not true or false');
    expect(fieldOf('texts', 'a')).toBe('invalid_content: Every.texts is not a list');
    expect(fieldOf('texts', ['a', null])).toBe('invalid_content: Every.texts.1 is missing');
    expect(fieldOf('matrix', [[1], [1.5]])).toBe('invalid_content: Every.matrix.1.0 is not a whole number of 32 bits');
    expect(fieldOf('part', [])).toBe('invalid_content: Every.part is not an object');
    expect(fieldOf('part', { name: 'a', part: {} })).toBe('invalid_content: Every.part.part.name is missing');
  });

  it('never shows a value of the record in what it says', () => {
    expect(String(fieldOf('int', 'secret'))).not.toContain('secret');
    expect(String(fieldOf('at', 'secret'))).not.toContain('secret');
  });

  it('takes an enum value that it does not know for null where it may be', () => {
    expect(fieldOf('kind', 'C')).toBeNull();
    expect(fieldOf('kinds', ['A', 'C'])).toEqual(['A', null]);
    expect(fieldOf('strictKinds', ['A', 'C'])).toBe('invalid_content: Every.strictKinds.1 is not a value of Kind');
    expect(fieldOf('kind', 1)).toBe('invalid_content: Every.kind is not text');
  });

  it('is of an unknown type where no event has it', () => {
    expect(read({}, 'nope')).toBe('unknown_type: the type is not in the schema');
    expect(read({}, '__proto__')).toBe('unknown_type: the type is not in the schema');
  });
});

describe('C38: an event that does not fit', () => {
  it.each([
    ['no title', {}, 'Strict.title is missing'],
    ['title null', { title: null }, 'Strict.title is missing'],
    ['a wrong enum value', { title: 't', kind: 'NOT_IN_ENUM' }, 'Strict.kind is not a value of Kind'],
    [
      'a bad date',
      { title: 't', kind: 'A', at: '2026-02-30T00:00:00Z' },
      'Strict.at is not an RFC 3339 date-time with a zone',
    ],
    ['a number as title', { title: 5 }, 'Strict.title is not text'],
  ])('is told apart: %s', (_what, value, detail) => {
    expect(read(value, 'strict')).toBe(`invalid_content: ${detail}`);
  });

  it('is not one with extra fields', () => {
    const value = { title: 't', kind: 'A', at: '2026-02-28T00:00:00Z', userId: 'u-1', more: [1] };
    expect(read(value, 'strict')).toEqual({ __typename: 'Strict', title: 't', kind: 'A', at: '2026-02-28T00:00:00Z' });
  });
});

describe('scalars', () => {
  const dates = [
    '2026-03-01T00:00:00Z',
    '2024-02-29T23:59:60.123456+14:00',
    '0001-01-01t00:00:00z',
    '9999-12-31T23:59:59-00:00',
  ];
  it.each(dates)('takes the date-time %s as it is', (at) => {
    expect(fieldOf('at', at)).toBe(at);
  });

  const noDates = [
    '',
    '2026-03-01',
    '2026-03-01T00:00:00',
    '2026-13-01T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-03-01T24:00:00Z',
  ];
  it.each([
    ...noDates,
    '2026-03-01T00:00:00+24:00',
    '2026-03-01T00:00:00.Z',
    ' 2026-03-01T00:00:00Z',
    'Mon Mar 02 2026',
    1772366400000,
  ])('does not take %j for a date-time', (at) => {
    expect(fieldOf('at', at)).toMatch(/is not an RFC 3339/);
  });

  it('agree with JavaScript on every instant of RFC 3339', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), (date) => {
        expect(fieldOf('at', date.toISOString())).toBe(date.toISOString());
      }),
    );
  });
});

describe('C55: big numbers in events', () => {
  const { decode } = createRecordCodec({
    content,
    defaultType: 'every',
    clock: systemClock,
    fingerprintOf: () => '0000000000000000',
  });
  /** The field as a client gets it: decoded from a record, written as JSON again. */
  const travel = (field: string, json: string): string => {
    const value = Buffer.from(`{"${field}":${json}}`);
    const place = { partition: partitionId('t', 0), offset: 0n, epoch: 0, timestampMs: 0 };
    const decoded = decode({ ...place, key: Buffer.from('u'), value, headers: [] });
    if (decoded.kind === 'event') return JSON.stringify(decoded.envelope.content?.[field]);
    return decoded.kind === 'unreadable' ? decoded.reason.detail : decoded.kind;
  };

  it('keep every digit in ID and BigInt, whether they come as text or as number', () => {
    for (const field of ['id', 'big']) {
      expect(travel(field, '9007199254740993')).toBe('"9007199254740993"');
      expect(travel(field, '"9007199254740993"')).toBe('"9007199254740993"');
      expect(travel(field, '-9223372036854775808')).toBe('"-9223372036854775808"');
      expect(travel(field, '42')).toBe('"42"');
      expect(travel(field, '-0')).toBe('"0"');
    }
    expect(travel('id', '12345678901234567890')).toBe('"12345678901234567890"');
    expect(travel('id', '"-0"')).toBe('"-0"');
  });

  it('are refused where they cannot be kept', () => {
    expect(travel('big', '12345678901234567890')).toMatch(/Every\.big is beyond 64 bits/);
    expect(travel('big', '9223372036854775808')).toMatch(/Every\.big is beyond 64 bits/);
    expect(travel('big', '"-9223372036854775809"')).toMatch(/Every\.big is beyond 64 bits/);
    expect(travel('big', '1e400')).toMatch(/Every\.big is not a 64-bit integer/);
    expect(travel('big', '1e19')).toMatch(/Every\.big is not a 64-bit integer/);
    expect(travel('big', '0.1')).toMatch(/Every\.big is not a 64-bit integer/);
    expect(travel('id', '1e400')).toMatch(/Every\.id is not text or a whole number/);
    expect(travel('id', '0.1')).toMatch(/Every\.id is not text or a whole number/);
    expect(travel('int', '2147483648')).toMatch(/Every\.int is not a whole number of 32 bits/);
    expect(travel('int', '9007199254740993')).toMatch(/Every\.int is not a whole number of 32 bits/);
    expect(travel('float', '12345678901234567890')).toMatch(/Every\.float is not a finite number, or a double/);
    expect(travel('float', '1e400')).toMatch(/Every\.float is not a finite number/);
  });

  it('are floats where a double says the same', () => {
    expect(travel('float', '0.1')).toBe('0.1');
    expect(travel('float', '-0')).toBe('0');
    expect(travel('float', '9007199254740994')).toBe('9007199254740994');
    expect(travel('float', '1e21')).toBe('1e+21');
    expect(travel('int', '-2147483648')).toBe('-2147483648');
    expect(travel('int', '5.0')).toBe('5');
  });
});

describe('reading', () => {
  it('never throws, whatever the JSON is, and what it gives reads back as itself', () => {
    const shipped = shippedSchema();
    const types = shipped.events.map((event) => event.type);
    const names = ['title', 'body', 'url', 'orderNumber', 'itemCount', 'parcels', 'carrier', 'severity', 'documentId'];
    const fields = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.jsonValue());
    fc.assert(
      fc.property(fc.constantFrom(...types), fields, (type, value) => {
        const result = shipped.content.read(type, value);
        if (result.ok) expect(shipped.content.read(type, result.content)).toEqual(result);
      }),
      { numRuns: 2000 },
    );
  });
});
