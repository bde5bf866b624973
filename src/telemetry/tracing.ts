import type { Tracer } from '@opentelemetry/api';
import type { OpenDeliveries } from './open-deliveries.ts';
import type { SpanTime } from './span-time.ts';

/** What every span of this node is made with. */
export type Tracing = {
  readonly tracer: Tracer;
  readonly time: SpanTime;
  readonly open: OpenDeliveries;
  readonly nodeId: string;
  /** `messaging.system` of process spans. */
  readonly system: string;
};
