import { describe, expect, it } from 'vitest';
import { formatTraceparent, readTraceHeaders, readTraceparent } from '../src/traceparent.ts';

const header = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const context = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  isSampled: true,
  tracestate: undefined,
};

describe('a traceparent', () => {
  it.each([
    ['bytes', Buffer.from(header)],
    ['a slice of a larger buffer', Buffer.from(`xx${header}yy`).subarray(2, 57)],
    ['a Uint8Array seen as a buffer', Buffer.from(new Uint8Array(Buffer.from(header)).buffer)],
    ['bytes with a space after', Buffer.from(`${header} `)],
    ['bytes with a line end after', Buffer.from(`${header}\r\n`)],
    ['a later version with more behind', Buffer.from(`01${header.slice(2)}-extra`)],
  ])('is read from %s', (_title, bytes) => {
    expect(readTraceparent(bytes)).toEqual(context);
  });

  it.each([
    ['no bytes', Buffer.alloc(0)],
    ['55 bytes of 0xff', Buffer.alloc(55, 0xff)],
    ['bytes printed as numbers', Buffer.from([...Buffer.from(header)].join(','))],
    ['upper case', Buffer.from(header.toUpperCase())],
    ['a space before', Buffer.from(` ${header}`)],
    ['version ff', Buffer.from(`ff${header.slice(2)}`)],
    ['version 00 with more behind', Buffer.from(`${header}-extra`)],
    ['a trace id of zeros', Buffer.from(`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`)],
    ['a span id of zeros', Buffer.from(`00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`)],
    ['flags that are no hex', Buffer.from(`${header.slice(0, -2)}0x`)],
    ['a cut end', Buffer.from(header.slice(0, -1))],
  ])('of %s joins no trace', (_title, bytes) => {
    expect(readTraceparent(bytes)).toBeNull();
  });

  it('says whether it is sampled by the lowest bit of its flags', () => {
    for (const [flags, isSampled] of [
      ['00', false],
      ['01', true],
      ['02', false],
      ['03', true],
      ['ff', true],
    ] as const)
      expect(readTraceHeaders(`${header.slice(0, -2)}${flags}`)).toMatchObject({ isSampled });
  });

  it('is read from HTTP headers with its state, and written as it was read', () => {
    expect(readTraceHeaders(header, 'a=b, c=d')).toEqual({ ...context, tracestate: 'a=b, c=d' });
    expect(readTraceHeaders(header, 'a=b\u0001')).toEqual(context);
    expect(readTraceHeaders(undefined)).toBeNull();
    expect(formatTraceparent(context)).toBe(header);
    expect(formatTraceparent({ ...context, isSampled: false })).toBe(`${header.slice(0, -2)}00`);
  });
});
