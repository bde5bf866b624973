import { randomBytes } from 'node:crypto';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { GatewayError } from '../errors.ts';
import type { TraceContext } from '../event.ts';
import type { Logger } from '../telemetry/logger.ts';

/**
 * What clients see of errors. A GatewayError keeps its message and says in `extensions` what to do; graphql-js's own complaints about a document
 * pass; anything else is a bug, hidden behind an id that is in the log too.
 */

/** `extensions` of a GatewayError: what a program may act on. Members without a value are left out. */
export const gatewayExtensions = (error: GatewayError): Record<string, unknown> => ({
  code: error.code,
  retryable: error.isRetryable,
  ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  ...(error.outcome === undefined ? {} : { outcome: error.outcome }),
});

/** An operational error as GraphQL error, without place in a document. */
export const gatewayGraphqlError = (error: GatewayError): GraphQLError =>
  new GraphQLError(error.message, { extensions: gatewayExtensions(error), originalError: error });

/** graphql-js throws a plain Error for these; they name a field of the schema, nothing else. */
const isNullViolation = (error: Error): boolean =>
  error.message.startsWith('Cannot return null for non-nullable field ');

const rootOf = (error: GraphQLError): unknown => {
  let cause: unknown = error;
  while (cause instanceof GraphQLError && cause.originalError !== undefined) cause = cause.originalError;
  return cause;
};

/** graphql-js says nothing in `extensions` of variables that do not fit: the one error of its own that has no path. */
const withCode = (error: GraphQLError): GraphQLError => {
  if (error.path !== undefined || error.extensions['code'] !== undefined) return error;
  return errorAt(error, error.message, { ...error.extensions, code: 'BAD_USER_INPUT' });
};

/** A new error that stands where `place` stands. */
export const errorAt = (
  place: GraphQLError | null,
  message: string,
  extensions: Readonly<Record<string, unknown>>,
): GraphQLError =>
  new GraphQLError(message, {
    nodes: place?.nodes ?? null,
    source: place?.source ?? null,
    positions: place?.positions ?? null,
    path: place?.path ?? null,
    extensions,
  });

/** The error with the trace to look for, where there is one that is kept; a masked one, since masking makes anew. */
export const withTraceId = (error: GraphQLError, trace: TraceContext | null): GraphQLError =>
  trace?.isSampled ? errorAt(error, error.message, { ...error.extensions, traceId: trace.traceId }) : error;

export type ErrorMask = {
  /** The error as clients may see it. Unknown ones become INTERNAL_SERVER_ERROR with a `correlationId` and are logged, once each. */
  mask(error: unknown): GraphQLError;
  /** The same for a result's whole list, in the wire's form; never empty. */
  format(errors: readonly unknown[]): readonly GraphQLFormattedError[];
};

/** graphql-js says what a field that is not there may have been: names of the schema, for who may not see it. */
const withoutSuggestion = (error: GraphQLError): GraphQLError => {
  const message = error.message.replace(/ Did you mean .*$/s, '');
  return message === error.message ? error : errorAt(error, message, error.extensions);
};

/**
 * Creates the mask. One error object is logged once, however often it is shown. `isSchemaOpen`: whether errors of variables may suggest names of the
 * schema, as they may with introspection.
 */
export const createErrorMask = (logger: Logger, isSchemaOpen: boolean): ErrorMask => {
  const ids = new WeakMap<object, string>();

  const correlate = (cause: unknown): string => {
    const key = cause instanceof Error ? cause : new Error(`thrown: ${String(cause)}`);
    const known = ids.get(key);
    if (known !== undefined) return known;
    const correlationId = randomBytes(8).toString('hex');
    ids.set(key, correlationId);
    logger.error('an operation failed unexpectedly', { correlationId, error: key.stack ?? key.message });
    return correlationId;
  };

  const hide = (cause: unknown, place: GraphQLError | null): GraphQLError =>
    errorAt(place, 'internal error: tell the operator the correlationId', {
      code: 'INTERNAL_SERVER_ERROR',
      retryable: true,
      correlationId: correlate(cause),
    });

  const maskPlaced = (error: GraphQLError): GraphQLError => {
    const root = rootOf(error);
    if (root instanceof GraphQLError) return isSchemaOpen ? withCode(error) : withoutSuggestion(withCode(error));
    if (root instanceof GatewayError) return errorAt(error, error.message, gatewayExtensions(root));
    const isPublic = root instanceof Error && isNullViolation(root);
    return isPublic ? errorAt(error, error.message, { code: 'INTERNAL_SERVER_ERROR' }) : hide(root, error);
  };

  const mask = (error: unknown): GraphQLError => {
    if (error instanceof GatewayError) return gatewayGraphqlError(error);
    return error instanceof GraphQLError ? maskPlaced(error) : hide(error, null);
  };

  return {
    mask,
    format: (errors) => (errors.length === 0 ? [new Error('no errors')] : errors).map((error) => mask(error).toJSON()),
  };
};
