import { readTrace } from '../../dev/jaeger/query.ts';
import type { ReadSpan } from '../../dev/jaeger/spans.ts';
import { startTestJaeger } from './jaeger.ts';
import { startOtlpReceiver } from './otlp-receiver.ts';

/** Where a test's gateways send their spans, and how it reads traces back: a real Jaeger, or our own receiver where there is none. */
export type TraceSink = {
  readonly kind: 'jaeger' | 'receiver';
  /** OTEL_EXPORTER_OTLP_ENDPOINT of what is to be traced. */
  readonly otlpUrl: string;
  /** The spans of a trace once `isComplete` holds for them. Rejects with what is there after 20 s. */
  trace(traceId: string, isComplete: (spans: readonly ReadSpan[]) => boolean): Promise<readonly ReadSpan[]>;
  stop(): Promise<void>;
};

type Reader = (traceId: string) => Promise<readonly ReadSpan[]>;

const poll =
  (read: Reader): TraceSink['trace'] =>
  async (traceId, isComplete) => {
    const giveUpAt = performance.now() + 20_000;
    for (;;) {
      const spans = await read(traceId);
      if (isComplete(spans)) return spans;
      if (performance.now() > giveUpAt)
        throw new Error(`trace ${traceId} is not complete: ${spans.map(({ name }) => name).join(', ') || 'no spans'}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

/** What a `beforeAll` that starts the sink may take: where a real Jaeger is required and the cache is cold, it is built first. */
export const sinkStartTimeoutMs: number = process.env['CARILLON_REQUIRE_JAEGER'] === '1' ? 20 * 60_000 : 60_000;

/** Starts the sink. Says so where it is not a real Jaeger; `CARILLON_REQUIRE_JAEGER=1` makes that a failure. */
export const startTraceSink = async (): Promise<TraceSink> => {
  const jaeger = await startTestJaeger();
  if (jaeger !== null) {
    const trace = poll((traceId) => readTrace(jaeger.queryUrl, traceId));
    return { kind: 'jaeger', otlpUrl: jaeger.otlpUrl, trace, stop: jaeger.stop };
  }
  console.warn(
    'real Jaeger tests are skipped: no address, Docker or build in the cache (npm run dev:jaeger makes one); the same trees are read from our own OTLP receiver',
  );
  const receiver = await startOtlpReceiver();
  const trace = poll(async (traceId) => receiver.spans.filter((span) => span.traceId === traceId));
  return { kind: 'receiver', otlpUrl: receiver.otlpUrl, trace, stop: receiver.close };
};
