import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import { type Envelope, type NotificationId, partitionId, type TraceContext, type UserId } from '../../src/event.ts';
import { createLogger, createTelemetry, type NodeTelemetry, type TelemetryOptions } from '../../src/telemetry/index.ts';

/** A telemetry that sends to `otlpUrl` at once, with the lines that it logged. */
export const telemetryTo = (
  otlpUrl: string,
  overrides: { clock?: Clock; options?: Partial<TelemetryOptions>; env?: Record<string, string> } = {},
): { telemetry: NodeTelemetry; lines: string[] } => {
  const clock = overrides.clock ?? systemClock;
  const lines: string[] = [];
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: otlpUrl, OTEL_BSP_SCHEDULE_DELAY: '20', ...overrides.env };
  const options: TelemetryOptions = {
    env,
    defaultSampler: 'always',
    serviceVersion: '1.2.3',
    nodeId: 'node-a',
    ...overrides.options,
  };
  const logger = createLogger({ clock, stream: { write: (line) => lines.push(line) } });
  return { telemetry: createTelemetry(options, { clock, logger }), lines };
};

/** The context of a producer of one's own; each number gives another trace. */
export const producerContext = (number: number, isSampled = true): TraceContext => ({
  traceId: `${'4bf92f3577b34da6a3ce929d'}${(number + 1).toString(16).padStart(8, '0')}`,
  spanId: '00f067aa0ba902b7',
  isSampled,
});

/** An event as a node has it in hand at `clock.now()`. */
export const envelopeOf = (clock: Clock, overrides: Partial<Envelope> = {}): Envelope => ({
  position: { partition: partitionId('notifications', 3), offset: 42n, epoch: 0 },
  id: 'an-opaque-id' as NotificationId,
  dedupeKey: 'key',
  type: 'message',
  audience: { kind: 'user', userId: 'some person' as UserId },
  createdAtMs: clock.now(),
  expiresAtMs: null,
  display: { title: 'secret title', body: null, url: null },
  content: { __typename: 'Message', title: 'secret title' },
  trace: null,
  fetchedAtMs: clock.now(),
  bytes: 120,
  ...overrides,
});
