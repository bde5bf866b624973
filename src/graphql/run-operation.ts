import { execute, type GraphQLError, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import type { PreparedDocument } from './documents.ts';
import { type ErrorMask, withTraceId } from './graphql-errors.ts';
import type { OperationContext } from './operation-context.ts';
import { readyArguments } from './ready-operation.ts';

/** A query or mutation that is ready to run. */
export type OperationRun = {
  readonly prepared: PreparedDocument;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: OperationContext;
};

/** A result as JSON, or the errors for which there is none. */
export type OperationOutcome =
  | { readonly kind: 'result'; readonly json: string }
  | { readonly kind: 'errors'; readonly errors: readonly GraphQLError[] };

/** Runs a query or mutation with graphql-js. Never rejects: what fails is in the outcome, masked. */
export const runOperation = async (
  schema: GraphQLSchema,
  mask: ErrorMask,
  { prepared, operation, variables, context }: OperationRun,
): Promise<OperationOutcome> => {
  const shown = (error: unknown): GraphQLError => withTraceId(mask.mask(error), context.trace);
  try {
    const plain = { schema, document: prepared.document, variableValues: variables };
    const result = await execute({
      ...(readyArguments(schema, { prepared, operation }, variables) ?? plain),
      operationName: operation.name?.value ?? null,
      contextValue: context,
    });
    if (result.errors === undefined) return { kind: 'result', json: JSON.stringify(result) };
    const errors = result.errors.map(shown);
    if (result.data === undefined) return { kind: 'errors', errors };
    return { kind: 'result', json: JSON.stringify({ errors, data: result.data }) };
  } catch (error) {
    return { kind: 'errors', errors: [shown(error)] };
  }
};
