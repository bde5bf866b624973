/**
 * RFC 3339 timestamps. `Date.parse` will not do: it takes other formats as well and turns 30 February into 1 March.
 */

const digitsAt = (text: string, from: number, count: number): number => {
  let value = 0;
  for (let i = from; i < from + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
};

const isLeapYear = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

const daysInMonth = (year: number, month: number): number => {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
};

/** Milliseconds of the full-date at the start of `text`, NaN where it is not a real day. */
const dateMs = (text: string): number => {
  if (text[4] !== '-' || text[7] !== '-') return Number.NaN;
  const year = digitsAt(text, 0, 4);
  const month = digitsAt(text, 5, 2);
  const day = digitsAt(text, 8, 2);
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return Number.NaN;
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  return new Date(0).setUTCFullYear(year, month - 1, day);
};

/** Milliseconds of `hh:mm:ss` at `from`. A leap second counts as the first of the next minute. */
const timeMs = (text: string, from: number): number => {
  if (text[from + 2] !== ':' || text[from + 5] !== ':') return Number.NaN;
  const hours = digitsAt(text, from, 2);
  const minutes = digitsAt(text, from + 3, 2);
  const seconds = digitsAt(text, from + 6, 2);
  if (!(hours <= 23 && minutes <= 59 && seconds <= 60)) return Number.NaN;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
};

/** Milliseconds east of UTC that `Z` or `+hh:mm` at `from` says; it must end the text. */
const zoneMs = (text: string, from: number): number => {
  const sign = text[from];
  if (sign === 'Z' || sign === 'z') return text.length === from + 1 ? 0 : Number.NaN;
  if ((sign !== '+' && sign !== '-') || text.length !== from + 6 || text[from + 3] !== ':') return Number.NaN;
  const hours = digitsAt(text, from + 1, 2);
  const minutes = digitsAt(text, from + 4, 2);
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
  return (hours * 60 + minutes) * (sign === '-' ? -60_000 : 60_000);
};

/** Index after the fraction that may begin at `from`; -1 where a `.` has no digit after it. */
const fractionEnd = (text: string, from: number): number => {
  if (text[from] !== '.') return from;
  let end = from + 1;
  while (end < text.length && text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57) end++;
  return end === from + 1 ? -1 : end;
};

/** Milliseconds since 1970 of an RFC 3339 date-time (finer digits are cut off), or null where `text` is not one or the day does not exist. */
export const parseRfc3339 = (text: string): number | null => {
  const separator = text[10];
  if (text.length > 64 || (separator !== 'T' && separator !== 't' && separator !== ' ')) return null;
  const end = fractionEnd(text, 19);
  if (end < 0) return null;
  const millis = end === 19 ? 0 : digitsAt(text.slice(20, end).padEnd(3, '0'), 0, 3);
  const total = dateMs(text) + timeMs(text, 11) + millis - zoneMs(text, end);
  return Number.isFinite(total) ? total : null;
};
