import { type DocumentNode, execute, type GraphQLSchema } from 'graphql';
import type { Payload } from '../../src/actors/session.ts';
import { createErrorMask, type ErrorMask } from '../../src/graphql/graphql-errors.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

/** The mask that renderings under test and the oracle have in common. */
export const testMask: ErrorMask = createErrorMask(silentLogger, true);

/** What a rendering must be, byte for byte: graphql-js's result. Null where it has none: it waits for a promise, or its result is not JSON. */
export const expectedRendering = (
  schema: GraphQLSchema,
  operation: { readonly document: DocumentNode; readonly variables: Readonly<Record<string, unknown>> },
  payload: Payload,
): string | null => {
  const { document, variables } = operation;
  try {
    const result = execute({ schema, document, rootValue: payload, variableValues: variables });
    if (result instanceof Promise) return null;
    if (result.errors === undefined) return JSON.stringify(result);
    return JSON.stringify({ errors: testMask.format(result.errors), data: result.data ?? null });
  } catch {
    return null;
  }
};

/** Errors that graphql-js makes anew each time are masked with an id each. */
export const withoutIds = (text: string): string =>
  text.replaceAll(/"correlationId":"[0-9a-f]{16}"/g, '"correlationId":""');

/** How the rendering begins where graphql-js has no result. */
export const noResult: string =
  '{"errors":[{"message":"internal error: tell the operator the correlationId","extensions":';
