import type { Clock, Timer } from '../clock.ts';

/** Named values of one log line. Never user ids, tokens, keys, cursors or payloads. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Writes log lines; no method throws. The message is constant text, what varies goes into fields: repetition is folded by message. */
export type Logger = {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
};

export type LogLevel = 'info' | 'warn' | 'error' | 'silent';

export type LoggerOptions = {
  /** Where lines go; each call of `write` is one whole line. */
  readonly stream: { write(line: string): unknown };
  readonly clock: Clock;
  /** Lines below it are dropped. @default 'info' */
  readonly level?: LogLevel;
  /** JSON lines for collectors, text for a person. @default 'json' */
  readonly format?: 'json' | 'text';
  /** How often one message is written per second; the rest is folded into one line with a count. @default 20 */
  readonly maxPerSecond?: number;
  /** In every line. @default none */
  readonly fields?: LogFields;
};

type Level = Exclude<LogLevel, 'silent'>;
type Window = { readonly level: Level; readonly message: string; written: number; folded: number; timer: Timer };

const rank: Readonly<Record<LogLevel, number>> = { info: 0, warn: 1, error: 2, silent: 3 };
const windowMs = 1_000;
/** Distinct messages that are counted at once; beyond it the oldest window ends early. */
const maxWindows = 256;
const maxValueLength = 2_000;

/** A compact JWS, or what follows `Bearer`: the last net under the rule that no caller logs a token. */
const tokenLike = /\beyJ[\w-]{5,}(?:\.[\w-]*){1,4}|\bBearer\s+\S+/gi;

const clean = (text: string): string => {
  const cut = text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text;
  return cut.replace(tokenLike, '[token]');
};

const cleanFields = (fields: LogFields): Record<string, string | number | boolean | null> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? clean(value) : value]),
  );

/** Control characters would let a value start a line of its own, or steer the terminal. */
const printable = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) =>
    JSON.stringify(char)
      .slice(1, -1)
      .replace(/^[\p{Cc}\u2028\u2029]$/u, '?'),
  );

const textValue = (value: string | number | boolean | null): string => {
  if (typeof value !== 'string') return String(value);
  return /^[\w./:@+-]+$/.test(value) ? value : `"${printable(value)}"`;
};

const asJson = (line: { time: string; level: Level; message: string; fields: LogFields }): string =>
  `${JSON.stringify({ ...line.fields, time: line.time, level: line.level, message: line.message })}\n`;

const asText = (line: { time: string; level: Level; message: string; fields: LogFields }): string => {
  const fields = Object.entries(line.fields).map(([name, value]) => ` ${printable(name)}=${textValue(value)}`);
  return `${line.time.slice(11, 23)} ${line.level.padEnd(5)} ${printable(line.message)}${fields.join('')}\n`;
};

/**
 * Creates a logger that writes to `stream`. One message (with its level) is written `maxPerSecond` times per second; what exceeds it is
 * counted, and when the second is over one line says how often (`repeated`). A stream that throws loses the line, nothing else.
 */
export const createLogger = (options: LoggerOptions): Logger => {
  const { stream, clock, level: threshold = 'info', format = 'json', maxPerSecond = 20, fields: common = {} } = options;
  const render = format === 'json' ? asJson : asText;
  const windows = new Map<string, Window>();

  const write = (level: Level, message: string, fields: LogFields): void => {
    const time = new Date(clock.now()).toISOString();
    try {
      stream.write(render({ time, level, message: clean(message), fields: { ...common, ...cleanFields(fields) } }));
    } catch {
      // The stream is gone (a closed pipe): a lost line must not end the process.
    }
  };

  const endWindow = (key: string): void => {
    const window = windows.get(key);
    if (window === undefined) return;
    windows.delete(key);
    window.timer.cancel();
    if (window.folded > 0) write(window.level, window.message, { repeated: window.folded });
  };

  const openWindow = (key: string, level: Level, message: string): Window => {
    const oldest = windows.size >= maxWindows ? windows.keys().next().value : undefined;
    if (oldest !== undefined) endWindow(oldest);
    const window = { level, message, written: 0, folded: 0, timer: clock.after(windowMs, () => endWindow(key)) };
    windows.set(key, window);
    return window;
  };

  const log = (level: Level, message: string, fields: LogFields = {}): void => {
    if (rank[level] < rank[threshold]) return;
    const key = `${level} ${message}`;
    const window = windows.get(key) ?? openWindow(key, level, message);
    if (window.written >= maxPerSecond) {
      window.folded++;
      return;
    }
    window.written++;
    write(level, message, fields);
  };

  return {
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
  };
};

/** Writes nothing: for tests, and for rooms that are used without a log. */
export const silentLogger: Logger = { info() {}, warn() {}, error() {} };
