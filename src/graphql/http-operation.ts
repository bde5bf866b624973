import { GraphQLError, type GraphQLSchema, OperationTypeNode } from 'graphql';
import { type Documents, pickOperation } from './documents.ts';
import type { ErrorMask } from './graphql-errors.ts';
import type { HttpAnswer, HttpAsked } from './http-answer.ts';
import { type HttpParams, readStrictParams } from './http-params.ts';
import { acceptedResultType, type ResultType } from './media-type.ts';
import type { OperationServices } from './operation-context.ts';
import { type OperationOutcome, type OperationRun, runOperation } from './run-operation.ts';

/**
 * Queries and mutations that come as JSON from a sender with a token, as everything does that publishes: run as on the socket, without graphql-yoga,
 * whose requests and hooks cost several times what a publish does. Answers are the same to the byte; what is not plain is left to yoga.
 */

/** Null where the request is for graphql-yoga: GET, no token, a body of another form, a subscription, an Accept header that names no JSON. */
export type HttpOperations = (asked: HttpAsked) => Promise<HttpAnswer> | null;

export type HttpOperationsDeps = {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  readonly mask: ErrorMask;
  readonly services: OperationServices;
};

/** What is to run, or why nothing can. */
type Read = Pick<OperationRun, 'prepared' | 'operation'> | readonly GraphQLError[];

const readOperation = ({ query, sha256Hash, operationName }: HttpParams, documents: Documents): Read => {
  const preparation = documents.prepare(query, sha256Hash);
  if (!preparation.ok) return preparation.errors;
  const { prepared } = preparation;
  const operation = pickOperation(prepared, operationName);
  return operation instanceof GraphQLError ? [operation] : { prepared, operation };
};

const answerOf = (status: number, type: ResultType, body: string): HttpAnswer => ({
  status,
  headers: { 'Content-Type': `${type}; charset=utf-8` },
  body,
});

/** A document that cannot run: the newer form says so in its status, the older one does not (GraphQL over HTTP, 6.4). */
const refusalOf = (errors: readonly GraphQLError[], type: ResultType): HttpAnswer =>
  answerOf(type === 'application/json' ? 200 : 400, type, JSON.stringify({ errors }));

/** Errors without data are those of variables, which have their status in both forms. */
const resultOf = (outcome: OperationOutcome, type: ResultType): HttpAnswer =>
  outcome.kind === 'result'
    ? answerOf(200, type, outcome.json)
    : answerOf(400, type, JSON.stringify({ errors: outcome.errors }));

/** Creates what runs them. */
export const createHttpOperations = ({ schema, documents, mask, services }: HttpOperationsDeps): HttpOperations => {
  const run = async (operation: OperationRun, type: ResultType): Promise<HttpAnswer> =>
    resultOf(await runOperation(schema, mask, operation), type);

  const refuse = async (errors: readonly GraphQLError[], type: ResultType): Promise<HttpAnswer> =>
    refusalOf(errors.map(mask.mask), type);

  return ({ request, body, viewer, trace }) => {
    const type = acceptedResultType(request.headers.accept);
    if (body === null || viewer === null || type === null) return null;
    const params = readStrictParams(body);
    if (params === null) return null;
    const read = readOperation(params, documents);
    if (!('prepared' in read)) return refuse(read, type);
    if (read.operation.operation === OperationTypeNode.SUBSCRIPTION) return null;
    return run({ ...read, variables: params.variables, context: { services, viewer, session: null, trace } }, type);
  };
};
