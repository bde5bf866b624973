import { isIP } from 'node:net';

/**
 * Parsers of single settings: text in, value or what was expected instead. None of them throws, and none repeats the text it
 * was given: the caller knows whether it is a secret.
 */

/** A value, or the rest of the sentence "<name> is <text>: …". */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly expected: string };

export type Parse<Value> = (text: string) => Parsed<Value>;

const ok = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
const bad = (expected: string): Parsed<never> => ({ ok: false, expected });

/** Any text. */
export const text: Parse<string> = (given) => ok(given);

/** A secret or credential: any text without white space at its ends, which is nearly always a line break that came along by mistake. */
export const secret: Parse<string> = (given) =>
  given.trim() === given ? ok(given) : bad('remove the white space or line break at its ends');

/** A secret of at least `minBytes` bytes of UTF-8. */
export const longSecret =
  (minBytes: number): Parse<string> =>
  (given) => {
    const size = Buffer.byteLength(given);
    if (size < minBytes) return bad(`has ${size} bytes, set at least ${minBytes} (try: openssl rand -base64 48)`);
    return secret(given);
  };

/** A TCP port; 0 lets the system choose. Kubernetes writes `tcp://…` into `<SERVICE>_PORT` variables, which deserves its own answer. */
export const port: Parse<number> = (given) => {
  if (given.startsWith('tcp://'))
    return bad(
      'Kubernetes made it from a Service of this name; set enableServiceLinks: false in the pod, or set the variable',
    );
  const value = Number(given);
  return /^\d{1,5}$/.test(given) && value <= 65_535 ? ok(value) : bad('set a port from 0 (any free one) to 65535');
};

/** A whole number within bounds, both included. */
export const whole =
  (min: number, max: number): Parse<number> =>
  (given) => {
    const value = Number(given);
    const isWithin = /^\d{1,15}$/.test(given) && value >= min && value <= max;
    return isWithin ? ok(value) : bad(`set a whole number from ${min} to ${max}`);
  };

/** A number above 0, fractions allowed. */
export const positive: Parse<number> = (given) => {
  const value = Number(given);
  return /^\d{1,9}(\.\d{1,6})?$/.test(given) && value > 0 ? ok(value) : bad('set a number above 0');
};

/** `true` or `false`. */
export const flag: Parse<boolean> = (given) => {
  if (given === 'true' || given === 'false') return ok(given === 'true');
  return bad('set true or false');
};

/** One of the given words. */
export const oneOf =
  <const Word extends string>(words: readonly Word[]): Parse<Word> =>
  (given) => {
    const word = words.find((candidate) => candidate === given);
    return word === undefined ? bad(`set one of ${words.join(', ')}`) : ok(word);
  };

const unitsMs: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** A duration such as `30s`, `15m`, `24h`, `7d`; in milliseconds, at most 3,650 days. */
export const duration: Parse<number> = (given) => {
  const parts = /^(\d{1,9})(s|m|h|d)$/.exec(given);
  const value = Number(parts?.[1]) * (unitsMs.get(parts?.[2] ?? '') ?? Number.NaN);
  const isWithin = value > 0 && value <= 3_650 * 86_400_000;
  return isWithin ? ok(value) : bad('set a duration such as 30s, 15m, 24h or 7d');
};

/** Inclusive bounds, and how a value of them is written. */
export type Bounds = { readonly min: number; readonly max: number; readonly show: (value: number) => string };

const within = (value: number, { min, max, show }: Bounds): Parsed<number> =>
  value >= min && value <= max ? ok(value) : bad(`set a value from ${show(min)} to ${show(max)}`);

/** A duration such as `500ms` or `30s`, within bounds; in milliseconds. */
export const durationWithin =
  (bounds: Bounds): Parse<number> =>
  (given) => {
    const parts = /^(\d{1,9})(ms|s|m|h)$/.exec(given);
    const unitMs = parts?.[2] === 'ms' ? 1 : unitsMs.get(parts?.[2] ?? '');
    return within(Number(parts?.[1]) * (unitMs ?? Number.NaN), bounds);
  };

const unitsBytes: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
]);

const bytesOf = (given: string): number => {
  const parts = /^(\d{1,12})(KiB|MiB|GiB|)$/.exec(given);
  return Number(parts?.[1]) * (unitsBytes.get(parts?.[2] ?? '-') ?? Number.NaN);
};

/** A size such as `500MiB`, or a plain number of bytes. At least 1 MiB. */
export const size: Parse<number> = (given) => {
  const value = bytesOf(given);
  return value >= 2 ** 20 && Number.isSafeInteger(value)
    ? ok(value)
    : bad('set a size of at least 1MiB, such as 10GiB');
};

/** A size such as `64KiB`, or a plain number of bytes, within bounds. */
export const sizeWithin =
  (bounds: Bounds): Parse<number> =>
  (given) =>
    within(bytesOf(given), bounds);

/** The path of a URL: `/graphql`, `/api/graphql`. One slash at its end is taken off. */
export const urlPath: Parse<string> = (given) => {
  const isPath = /^(\/[\w.~-]+)+\/?$/.test(given) && !/\/\.{1,2}(\/|$)/.test(given);
  return isPath ? ok(given.replace(/\/$/, '')) : bad('set a path such as /graphql or /api/graphql');
};

/** An IP address, or a network such as `10.0.0.0/8`. */
export const network: Parse<string> = (given) => {
  const [address = '', prefix] = given.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  return bits > 0 && isPrefix && given.split('/').length <= 2
    ? ok(given)
    : bad('set addresses or networks such as 10.0.0.7 or 10.0.0.0/8');
};

const loopbackName = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

/** Whether `host` can only be reached from this machine. */
export const isLoopback = (host: string): boolean => loopbackName.test(host);

/** An https URL; http is accepted on a loopback address. Credentials in it are refused. */
export const secureUrl: Parse<string> = (given) => {
  const url = URL.parse(given);
  if (url === null) return bad('set a URL such as https://login.example.com/keys');
  if (url.username !== '' || url.password !== '') return bad('remove user name and password from the URL');
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
  return isSafe ? ok(given) : bad('set an https URL; http is for loopback addresses only');
};

/** An http or https URL. */
export const webUrl: Parse<string> = (given) => {
  const protocol = URL.parse(given)?.protocol;
  return protocol === 'https:' || protocol === 'http:'
    ? ok(given)
    : bad('set a URL such as http://localhost:4000/graphql');
};

/** A comma-separated list, each item read by `item`; not empty, no item twice. */
export const list =
  <Value>(item: Parse<Value>): Parse<readonly Value[]> =>
  (given) => {
    const parts = given.split(',').map((part) => part.trim());
    if (parts.includes('')) return bad('remove the empty item of the list');
    if (new Set(parts).size < parts.length) return bad('remove the item that is in the list twice');
    const values: Value[] = [];
    for (const part of parts) {
      const parsed = item(part);
      if (!parsed.ok) return parsed;
      values.push(parsed.value);
    }
    return ok(values);
  };

/** `host:port` of a broker, IPv6 in brackets. */
export const brokerAddress: Parse<string> = (given) => {
  const parts = /^([\w.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})$/.exec(given);
  const number = Number(parts?.[2]);
  return number >= 1 && number <= 65_535 ? ok(given) : bad('set host:port[,host:port]');
};

/** A name that Kafka takes for a topic. */
export const kafkaTopic: Parse<string> = (given) => {
  const isName = /^[a-zA-Z0-9._-]{1,249}$/.test(given) && given !== '.' && given !== '..';
  return isName ? ok(given) : bad('set topic names of letters, digits, ".", "_" and "-", at most 249 characters each');
};

/** Exactly what a browser sends as `Origin`. */
export const origin: Parse<string> = (given) => {
  if (given.includes('*')) return bad('set exact origins, wildcards are not supported');
  const url = URL.parse(given);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return bad('set origins such as https://app.example.com');
  return url.origin === given ? ok(given) : bad(`set an origin without path, default port or capitals: ${url.origin}`);
};

/** A 32-byte key in base64 or base64url; kept as text. */
export const key32: Parse<string> = (given) => {
  const isBase64 = /^[A-Za-z0-9+/_-]+={0,2}$/.test(given);
  const isKey = isBase64 && Buffer.from(given, 'base64').length === 32;
  return isKey ? ok(given) : bad('set 32 bytes in base64 (openssl rand -base64 32) for each key');
};
