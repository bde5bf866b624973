import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { NodeTelemetry } from '../../src/telemetry/index.ts';
import { type OtlpReceiver, type ReceiverMode, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { envelopeOf, telemetryTo } from './fixtures.ts';

let receiver: OtlpReceiver;
beforeEach(async () => {
  receiver = await startOtlpReceiver();
});
afterEach(() => receiver.close());

const trace = (telemetry: NodeTelemetry, count: number): void => {
  for (let i = 0; i < count; i++) telemetry.startProcess(envelopeOf(systemClock), 'live')?.end(0);
};

const metric = async (telemetry: NodeTelemetry, pattern: RegExp): Promise<number> =>
  Number(pattern.exec(await telemetry.metrics())?.[1] ?? 0);

/** Waits for what happens on the other side of a socket. */
const untilMetric = async (telemetry: NodeTelemetry, pattern: RegExp): Promise<void> => {
  const giveUpAt = performance.now() + 10_000;
  while ((await metric(telemetry, pattern)) === 0) {
    if (performance.now() > giveUpAt) throw new Error(`no metric matches ${pattern}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const closedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const dropped = /otel_sdk_processor_span_processed_total\{[^}]*error_type="queue_full"[^}]*\} (\d+)/;
const queued = /otel_sdk_processor_span_queue_size\{[^}]*\} (\d+)/;
const failed = /carillon_traces_export_failed_total (\d+)/;

describe('a collector in trouble', () => {
  it('that hangs costs a bounded queue and one connection, and its drops are counted', async () => {
    receiver.answer('hang');
    const { telemetry } = telemetryTo(receiver.otlpUrl, { env: { OTEL_BSP_MAX_QUEUE_SIZE: '500' } });
    trace(telemetry, 600);
    await receiver.until(() => receiver.requests > 0);
    trace(telemetry, 20_000);
    expect(await metric(telemetry, queued)).toBeLessThanOrEqual(500);
    expect(await metric(telemetry, dropped)).toBeGreaterThan(19_000);
    expect(receiver.connections).toBeLessThanOrEqual(4);
    const startedAt = performance.now();
    await telemetry.shutdown(300);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  const troubles: readonly [string, ReceiverMode][] = [
    ['answers 500', { status: 500 }],
    ['answers 400', { status: 400 }],
  ];
  it.each(troubles)('that %s loses its spans, counted and logged, and gets the next', async (_title, mode) => {
    receiver.answer(mode);
    const { telemetry, lines } = telemetryTo(receiver.otlpUrl);
    trace(telemetry, 10);
    await untilMetric(telemetry, failed);
    expect(await metric(telemetry, failed)).toBe(10);
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'warn', message: 'traces cannot be exported' },
    ]);
    receiver.answer('take');
    trace(telemetry, 5);
    await receiver.until(() => receiver.spans.length === 5);
    await telemetry.shutdown(1_000);
  });

  it('that is not there stops neither the start nor the end', async () => {
    const { telemetry } = telemetryTo(`http://127.0.0.1:${await closedPort()}`, {
      env: { OTEL_EXPORTER_OTLP_TIMEOUT: '500' },
    });
    trace(telemetry, 10);
    await untilMetric(telemetry, failed);
    trace(telemetry, 10);
    const startedAt = performance.now();
    await telemetry.shutdown(2_000);
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });

  it('that works has every span before shutdown resolves', async () => {
    const { telemetry } = telemetryTo(receiver.otlpUrl, { env: { OTEL_BSP_SCHEDULE_DELAY: '60000' } });
    trace(telemetry, 1_200);
    telemetry
      .startProcess(envelopeOf(systemClock), 'live')
      ?.deliver({ mode: 'live', sessionClass: 'echo', logWaitMs: 0 });
    await telemetry.shutdown(5_000);
    expect(receiver.spans).toHaveLength(1_201);
  });
});

describe('the export', () => {
  it('sends protobuf with the headers and the resource that were asked for', async () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a', OTEL_SERVICE_NAME: 'bells' };
    const { telemetry } = telemetryTo(receiver.otlpUrl, { env });
    trace(telemetry, 1);
    await telemetry.shutdown(1_000);
    expect(receiver.headers).toMatchObject({ 'x-tenant': 'a', 'content-type': 'application/x-protobuf' });
    expect(receiver.spans[0]?.service).toBe('bells');
  });
});
