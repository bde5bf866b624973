import { type OtlpResourceSpans, type ReadSpan, readSpans } from './spans.ts';

/** Reads traces by Jaeger's query API. */

/** The spans of one trace as far as Jaeger has them; none where it knows no such trace. */
export const readTrace = async (queryUrl: string, traceId: string): Promise<readonly ReadSpan[]> => {
  const response = await fetch(`${queryUrl}/api/v3/traces/${encodeURIComponent(traceId)}`);
  if (response.status === 404) return [];
  if (!response.ok) throw new Error(`${queryUrl} answered ${response.status} for trace ${traceId}`);
  const body = (await response.json()) as { result?: { resourceSpans?: readonly OtlpResourceSpans[] } };
  return readSpans(body.result?.resourceSpans ?? []);
};

type Found = {
  readonly traceID: string;
  readonly spans: readonly { readonly operationName: string; readonly startTime: number }[];
};

/** The newest traces of `service`: id, root-most name, number of spans. */
export const recentTraces = async (
  queryUrl: string,
  service: string,
): Promise<readonly { readonly traceId: string; readonly name: string; readonly spans: number }[]> => {
  const response = await fetch(`${queryUrl}/api/traces?service=${encodeURIComponent(service)}&limit=10`);
  if (!response.ok) throw new Error(`${queryUrl} answered ${response.status} for the traces of ${service}`);
  const { data } = (await response.json()) as { data: readonly Found[] | null };
  return (data ?? []).map(({ traceID, spans }) => {
    const first = [...spans].sort((a, b) => a.startTime - b.startTime)[0];
    return { traceId: traceID, name: first?.operationName ?? '', spans: spans.length };
  });
};
