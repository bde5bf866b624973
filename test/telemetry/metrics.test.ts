import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeTelemetry } from '../../src/telemetry/index.ts';
import { telemetryTo } from './fixtures.ts';

let telemetry: NodeTelemetry;
let lines: string[];
beforeEach(() => {
  ({ telemetry, lines } = telemetryTo(''));
});
afterEach(() => telemetry.shutdown(100));

const values = async (): Promise<Map<string, string>> =>
  new Map(
    (await telemetry.metrics())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]),
  );

describe('metrics', () => {
  it('show plain counts as they are at scrape time', async () => {
    telemetry.counts.deliveries += 3;
    expect((await values()).get('carillon_deliveries_total')).toBe('3');
    telemetry.counts.deliveries++;
    telemetry.counts.bytesOut += 100;
    const after = await values();
    expect(after.get('carillon_deliveries_total')).toBe('4');
    expect(after.get('carillon_socket_sent_bytes_total')).toBe('100');
    expect(after.get('carillon_records_read_total')).toBe('0');
  });

  it('show labelled counts by their one label', async () => {
    telemetry.count('gaps', 'EXPIRED');
    telemetry.count('gaps', 'EXPIRED');
    telemetry.count('gaps', 'UNREADABLE');
    telemetry.count('publishErrors', 'LOG_UNAVAILABLE');
    const shown = await values();
    expect(shown.get('carillon_gaps_total{reason="EXPIRED"}')).toBe('2');
    expect(shown.get('carillon_gaps_total{reason="UNREADABLE"}')).toBe('1');
    expect(shown.get('carillon_publish_errors_total{code="LOG_UNAVAILABLE"}')).toBe('1');
  });

  it('stay bounded should a label take any value', async () => {
    for (let i = 0; i < 5_000; i++) telemetry.count('closes', `reason${i}`);
    const closes = [...(await values())].filter(([name]) => name.startsWith('carillon_session_closes_total'));
    expect(closes.length).toBeLessThanOrEqual(201);
    expect(closes.reduce((sum, [, value]) => sum + Number(value), 0)).toBe(5_000);
  });

  it('show durations as histograms in seconds', async () => {
    telemetry.observe('recordToWrite', 0.004);
    telemetry.observe('recordToWrite', 2);
    telemetry.observe('recordToWrite', -1);
    const shown = await values();
    const name = 'carillon_record_to_write_duration_seconds';
    expect(shown.get(`${name}_count`)).toBe('3');
    expect(shown.get(`${name}_bucket{le="0.001"}`)).toBe('1');
    expect(shown.get(`${name}_bucket{le="0.005"}`)).toBe('2');
    expect(shown.get(`${name}_bucket{le="+Inf"}`)).toBe('3');
  });

  it('read gauges at scrape time, from all who registered, and leave out what throws', async () => {
    let users = 1;
    telemetry.gauge('users', () => [{ value: users }]);
    telemetry.gauge('lagRecords', () => [
      { value: 5, label: 'notifications/0' },
      { value: Number.NaN, label: 'notifications/1' },
    ]);
    telemetry.gauge('connections', () => [{ value: 2, label: 'active' }]);
    telemetry.gauge('connections', () => {
      throw new Error('not yet');
    });
    users = 7;
    const shown = await values();
    expect(shown.get('carillon_users')).toBe('7');
    expect(shown.get('carillon_log_lag{partition="notifications/0"}')).toBe('5');
    expect([...shown.keys()].some((name) => name.includes('notifications/1'))).toBe(false);
    expect(shown.get('carillon_connections{state="active"}')).toBe('2');
    expect(lines.join('')).toContain('gauge cannot be read');
  });

  it('measure how late the event loop runs', async () => {
    const busyUntil = performance.now() + 150;
    await new Promise((resolve) => setTimeout(resolve, 30));
    while (performance.now() < busyUntil);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(Number((await values()).get('carillon_event_loop_lag_seconds'))).toBeGreaterThan(0.02);
  });
});
