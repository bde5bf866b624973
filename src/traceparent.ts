import type { TraceContext } from './event.ts';

/** Length of `00-<32 hex>-<16 hex>-<2 hex>`. */
const length = 55;
const dash = 0x2d;

const isWhiteSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

const trimmedEnd = (bytes: Buffer): number => {
  let end = bytes.length;
  while (end > 0 && isWhiteSpace(bytes[end - 1])) end--;
  return end;
};

/** Whether `[from, to)` is lower-case hex, and not all zeros where `mayBeZero` is false. */
const isHex = (bytes: Buffer, [from, to]: readonly [number, number], mayBeZero: boolean): boolean => {
  let isZero = true;
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66))) return false;
    if (byte !== 0x30) isZero = false;
  }
  return mayBeZero || !isZero;
};

/** Version 00 ends after the flags; a later version may go on after a dash; `ff` is no version. */
const hasKnownForm = (bytes: Buffer, end: number): boolean => {
  if (end < length || bytes[2] !== dash || bytes[35] !== dash || bytes[52] !== dash) return false;
  if (!isHex(bytes, [0, 2], true)) return false;
  if (bytes[0] === 0x66 && bytes[1] === 0x66) return false;
  if (bytes[0] === 0x30 && bytes[1] === 0x30) return end === length;
  return end === length || bytes[length] === dash;
};

/** Vendors' state as printable ASCII of at most 512 characters (W3C Trace Context §3.3.1.5); anything else is left out. */
const readTracestate = (bytes: Buffer | undefined): string | undefined => {
  if (bytes === undefined || bytes.length === 0 || bytes.length > 512) return undefined;
  for (const byte of bytes) if (byte < 0x20 || byte > 0x7e) return undefined;
  return bytes.toString('latin1').trim();
};

/**
 * Reads a W3C `traceparent` from header bytes, byte by byte as ASCII, and its `tracestate`. White space at the end is passed over
 * (producers leave newlines there); anything else that is not exactly the format gives null, so that no trace joins a stranger's.
 */
export const readTraceparent = (bytes: Buffer, tracestate?: Buffer): TraceContext | null => {
  const end = trimmedEnd(bytes);
  if (!hasKnownForm(bytes, end)) return null;
  if (!isHex(bytes, [3, 35], false) || !isHex(bytes, [36, 52], false) || !isHex(bytes, [53, 55], true)) return null;
  const text = bytes.toString('latin1', 0, length);
  return {
    traceId: text.slice(3, 35),
    spanId: text.slice(36, 52),
    isSampled: (Number.parseInt(text.slice(53), 16) & 1) === 1,
    tracestate: readTracestate(tracestate),
  };
};

/** The same from HTTP headers, as text. */
export const readTraceHeaders = (traceparent: string | undefined, tracestate?: string): TraceContext | null =>
  traceparent === undefined
    ? null
    : readTraceparent(
        Buffer.from(traceparent, 'latin1'),
        tracestate === undefined ? undefined : Buffer.from(tracestate, 'latin1'),
      );

/** The `traceparent` header of a context. */
export const formatTraceparent = ({ traceId, spanId, isSampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
