/** Telemetry: logger, spans and metrics. What other rooms see of it is `facade.ts`; only the composition root comes in here. */
export {
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from './logger.ts';
export { createTelemetry, type NodeTelemetry, type TelemetryDeps, type TelemetryOptions } from './telemetry.ts';
