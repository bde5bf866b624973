import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { GatewayError } from '../../src/errors.ts';
import {
  type ControlOptions,
  type ControlTopic,
  type ControlValue,
  createControlTopic,
} from '../../src/log/control.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { controlTopic } from '../../src/log/topics.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { createMemoryStore, type MemoryStore } from '../support/memory-log.ts';

describe('the control topic', () => {
  let store: MemoryStore;
  let log: EventLog;
  const open: ControlTopic[] = [];
  const follow = async (options: Partial<ControlOptions> = {}): Promise<ControlTopic> => {
    const control = createControlTopic({ log, ...options }, { clock: systemClock, logger: silentLogger });
    open.push(control);
    await control.ready;
    return control;
  };
  const raw = (key: string | null, value: string | null) =>
    log.append([
      { key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value), headers: [] },
    ]);
  /** A key that is written last and waited for: whatever was appended before it is in the view. */
  const settled = async (control: ControlTopic): Promise<void> => {
    const seen = Promise.withResolvers<void>();
    const stop = control.onChange((key) => key === 'settled' && seen.resolve());
    await control.put('settled', open.length);
    await seen.promise;
    stop();
  };

  beforeEach(() => {
    store = createMemoryStore({ partitionCount: 1 });
    log = store.log([controlTopic]);
  });
  afterEach(async () => {
    for (const control of open.splice(0)) await control.close();
    await store.close();
  });

  it('shows a value on every node that follows it', async () => {
    const [here, there] = [await follow(), await follow()];
    await here.put('parked/1', { position: 'abc', at: 1 });
    await settled(there);
    expect(there.get('parked/1')).toEqual({ position: 'abc', at: 1 });
    expect(here.get('parked/1')).toEqual({ position: 'abc', at: 1 });
  });

  it('is ready with what was written before the start, the newest of each key', async () => {
    await raw('a', '1');
    await raw('b', '2');
    await raw('a', '3');
    await raw('c', '4');
    await raw('c', null);
    expect([...(await follow()).entries()]).toEqual([
      ['b', 2],
      ['a', 3],
    ]);
  });

  it('is not ready before all of a long history is in the view', async () => {
    for (let i = 0; i < 1_000; i++) await raw(`${i}`, `${i}`);
    expect((await follow()).size).toBe(1_000);
  });

  it('tells listeners of changes and deletions, in order, also past one that throws', async () => {
    const control = await follow();
    const changes: (readonly [string, ControlValue | undefined])[] = [];
    control.onChange(() => {
      throw new Error('a bug');
    });
    control.onChange((key, value) => changes.push([key, value]));
    await control.put('a', 1);
    await control.put('a', undefined);
    await control.put('never there', undefined);
    await settled(control);
    expect(changes.slice(0, 2)).toEqual([
      ['a', 1],
      ['a', undefined],
    ]);
    expect(changes).toHaveLength(3);
  });

  it('takes null as a value, and __proto__ as a key', async () => {
    const control = await follow();
    await control.put('__proto__', null);
    await settled(control);
    expect(control.get('__proto__')).toBe(null);
    expect(control.get('constructor')).toBe(undefined);
  });

  it('ignores and counts what is no entry, and goes on', async () => {
    const control = await follow({ maxValueBytes: 20 });
    await raw(null, '1');
    await raw('', '1');
    await raw('a', '{not json');
    await raw('b', JSON.stringify('x'.repeat(30)));
    await raw('x'.repeat(600), '1');
    await settled(control);
    expect(control.malformed).toBe(5);
    expect(control.size).toBe(1);
  });

  it('keeps at most its number of entries: those written longest ago go, and are counted', async () => {
    const control = await follow({ maxEntries: 2 });
    await control.put('a', 1);
    await control.put('b', 2);
    await control.put('a', 3);
    await settled(control);
    expect([...control.entries()].map(([key]) => key)).toEqual(['a', 'settled']);
    expect(control.evicted).toBe(1);
  });

  it('refuses a key or a value that is too large before anything is written', async () => {
    const control = await follow();
    await expect(control.put('', 1)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(control.put('x'.repeat(513), 1)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(control.put('a', 'x'.repeat(20_000))).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(store.appended).toEqual([]);
  });

  it('rejects a put that the log did not take', async () => {
    const control = await follow();
    store.failAppends(new GatewayError('LOG_UNAVAILABLE', 'down', { outcome: 'unknown' }), 1);
    await expect(control.put('a', 1)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE', outcome: 'unknown' });
    await expect(control.put('a', 1)).resolves.toBeUndefined();
  });

  it('forgets its entries when the topic is re-created, and says so to listeners', async () => {
    const control = await follow();
    await control.put('a', 1);
    await settled(control);
    const deleted = new Set<string>();
    control.onChange((key, value) => value === undefined && deleted.add(key));
    store.recreate(controlTopic);
    await settled(control);
    expect([...deleted]).toEqual(['a', 'settled']);
    expect([...control.entries()].map(([key]) => key)).toEqual(['settled']);
  });
});
