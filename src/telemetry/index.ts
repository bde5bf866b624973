/** Telemetry: logger, spans and metrics. What other rooms see of it is `facade.ts` and `logger.ts`; only the composition root comes in here. */
export { createLogger, type LoggerOptions } from './logger.ts';
export { createTelemetry, type NodeTelemetry, type TelemetryOptions } from './telemetry.ts';
