import type { TraceContext } from '../event.ts';
import { readTraceHeaders } from '../traceparent.ts';
import { scopes, type Viewer } from '../viewer.ts';

/** Callers' trace contexts: in HTTP headers, in the payload of `connection_init`, in `extensions` of an operation. */

const maxLength = 512;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length <= maxLength ? value : undefined;

/** Reads `traceparent` and `tracestate` out of headers or a payload; null where there is none, or none that is exactly of the format. */
export const readTrace = (carrier: Readonly<Record<string, unknown>> | null | undefined): TraceContext | null =>
  readTraceHeaders(text(carrier?.['traceparent']), text(carrier?.['tracestate']));

/** A caller's context counts only with the publish scope: nobody else joins traces or makes them sampled. */
export const trustedTrace = (viewer: Viewer | null, trace: TraceContext | null): TraceContext | null => {
  if (viewer === null) return null;
  return viewer.scopes.has(scopes.publish) || viewer.scopes.has(scopes.publishEveryone) ? trace : null;
};
