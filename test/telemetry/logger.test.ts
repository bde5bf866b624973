import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from '../../src/telemetry/index.ts';
import { createSimulatedClock } from '../support/simulated-clock.ts';

const loggerWith = (options: Partial<LoggerOptions> = {}) => {
  const clock = createSimulatedClock();
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  return { clock, lines, logger: createLogger({ clock, stream, ...options }) };
};

describe('the logger', () => {
  it('writes one JSON object per line', () => {
    const { logger, lines } = loggerWith();
    logger.warn('log is out of contact', { forMs: 1500, isFirst: true, broker: null, name: 'a\nb' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      time: '2026-01-01T00:00:00.000Z',
      level: 'warn',
      message: 'log is out of contact',
      forMs: 1500,
      isFirst: true,
      broker: null,
      name: 'a\nb',
    });
  });

  it('does not let a field replace time, level or message', () => {
    const { logger, lines } = loggerWith();
    logger.info('ready', { level: 'error', message: 'no' });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', message: 'ready' });
  });

  it('writes the fields of all lines into each, and lets none of them replace time, level or message', () => {
    const { logger, lines } = loggerWith({ fields: { worker: 1, level: 'error' } });
    logger.info('ready', { forMs: 2 });
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      time: '2026-01-01T00:00:00.000Z',
      level: 'info',
      message: 'ready',
      worker: 1,
      forMs: 2,
    });
  });

  it('writes text for a person, without control characters of a value', () => {
    const { logger, lines } = loggerWith({ format: 'text' });
    logger.error('dead\u001b[31m letter', { topic: 'notifications', detail: 'a\nb "c"', offset: 7 });
    expect(lines).toEqual([
      '00:00:00.000 error dead\\u001b[31m letter topic=notifications detail="a\\nb "c"" offset=7\n',
    ]);
  });

  it('drops what is below its level', () => {
    const { logger, lines } = loggerWith({ level: 'error' });
    logger.info('a');
    logger.warn('b');
    logger.error('c');
    expect(lines).toHaveLength(1);
    expect(loggerWith({ level: 'silent' }).lines).toEqual([]);
  });

  it('folds a repeated message and says how often it came', () => {
    const { logger, lines, clock } = loggerWith({ maxPerSecond: 3 });
    for (let i = 0; i < 100; i++) logger.warn('again', { i });
    logger.warn('another');
    expect(lines).toHaveLength(4);
    clock.advance(1_000);
    expect(lines).toHaveLength(5);
    expect(JSON.parse(lines[4] ?? '')).toMatchObject({ level: 'warn', message: 'again', repeated: 97 });
    logger.warn('again');
    expect(lines).toHaveLength(6);
    clock.advance(1_000);
    expect([lines.length, clock.pending]).toEqual([6, 0]);
  });

  it('stays bounded when every message is another', () => {
    const { logger, clock } = loggerWith();
    for (let i = 0; i < 10_000; i++) logger.info(`message ${i}`);
    expect(clock.pending).toBeLessThanOrEqual(256);
  });

  it('shows no token, should a caller hand one over', () => {
    const { logger, lines } = loggerWith();
    const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';
    logger.warn(`refused ${token}`, { header: 'Bearer abc.def', token, long: 'x'.repeat(5_000) });
    expect(lines.join('')).not.toMatch(/eyJ|abc\.def|c2lnbmF0dXJl/);
    expect(lines.join('').length).toBeLessThan(2_300);
  });

  it('survives a stream that throws', () => {
    const broken = {
      write: () => {
        throw new Error('EPIPE');
      },
    };
    const { logger } = loggerWith({ stream: broken });
    expect(() => logger.error('lost')).not.toThrow();
  });
});
