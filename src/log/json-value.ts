import { isUtf8 } from 'node:buffer';
import type { DeadLetterReason } from '../event.ts';

/**
 * JSON from bytes that nobody vouches for: strict UTF-8, bounded depth, and no number silently changed.
 */

/** Deeper values are refused as `too_deep`, whatever would be made of them. */
export const maxJsonDepth = 64;

/** Numbers of up to 15 digits are exact as doubles; a longer run of digits has to be looked at. */
const exactDigits = 15;

export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: DeadLetterReason };

const quote = 0x22;
const backslash = 0x5c;

/** Index of the quote that ends the string opened before `from`, or the end of the bytes. */
const stringEnd = (bytes: Buffer, from: number): number => {
  let i = from;
  while (i < bytes.length && bytes[i] !== quote) i += bytes[i] === backslash ? 2 : 1;
  return i;
};

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

const digitsEnd = (bytes: Buffer, from: number): number => {
  let i = from;
  while (isDigit(bytes[i])) i++;
  return i;
};

/** What each byte outside a string does to the depth. */
const nesting = new Int8Array(256);
for (const opening of '[{') nesting[opening.charCodeAt(0)] = 1;
for (const closing of ']}') nesting[closing.charCodeAt(0)] = -1;

/** Deepest nesting. It need not judge grammar, since the parser does. */
const depthOf = (bytes: Buffer): number => {
  let deepest = 0;
  let open = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte === quote) i = stringEnd(bytes, i + 1);
    else open += nesting[byte] as number;
    if (open > deepest) deepest = open;
  }
  return deepest;
};

/** Whether any number has a run of digits that a double may not hold; digits in strings do not count. */
const hasLongNumber = (bytes: Buffer): boolean => {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === quote) i = stringEnd(bytes, i + 1);
    else if (isDigit(bytes[i])) {
      const end = digitsEnd(bytes, i);
      if (end - i > exactDigits) return true;
      i = end;
    }
  }
  return false;
};

/** Significant digits of a JSON number, without sign, point, exponent and outer zeros. */
const significantDigits = (source: string): string => {
  const mantissa = source.split(/[eE]/, 1)[0] ?? '';
  return mantissa.replace(/[-.]/g, '').replace(/^0+|0+$/g, '');
};

/** A number beyond the safe range: an integer becomes a bigint; another one NaN, which no scalar takes, unless the double says the same. */
const exactNumber = (value: number, source: string): number | bigint => {
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  if (/^-?\d+$/.test(source)) return BigInt(source);
  return significantDigits(source) === significantDigits(String(value)) ? value : Number.NaN;
};

/** TypeScript's library does not know the reviver's third argument yet; V8 gives it for every primitive. */
const exactly = (...[, value, context]: [string, unknown, { source?: string }?]): unknown =>
  typeof value === 'number' ? exactNumber(value, context?.source ?? '') : value;

const notJson = (detail: string): JsonResult => ({ ok: false, reason: { code: 'not_json', detail } });

const withoutByteOrderMark = (bytes: Buffer): Buffer =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;

/**
 * Parses JSON text. Integers beyond 2^53 arrive as bigint, so that a BigInt or ID field can keep every digit; other numbers that a
 * double would alter at that size arrive as NaN. A leading byte order mark is passed over. Never throws.
 */
export const parseJsonValue = (input: Buffer): JsonResult => {
  const bytes = withoutByteOrderMark(input);
  if (bytes.length === 0) return notJson('the value is empty');
  if (!isUtf8(bytes)) return notJson('the value is not valid UTF-8');
  // Shorter text cannot both nest that deep and be JSON.
  if (bytes.length > 2 * maxJsonDepth && depthOf(bytes) > maxJsonDepth) {
    return { ok: false, reason: { code: 'too_deep', detail: `the value nests deeper than ${maxJsonDepth} levels` } };
  }
  try {
    const text = bytes.toString('utf8');
    return { ok: true, value: hasLongNumber(bytes) ? JSON.parse(text, exactly) : JSON.parse(text) };
  } catch {
    return notJson('the value is not JSON');
  }
};
