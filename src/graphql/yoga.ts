import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { createYoga, type GraphQLParams, type Plugin } from 'graphql-yoga';
import { GatewayError } from '../errors.ts';
import { type Documents, pickOperation } from './documents.ts';
import { type ErrorMask, gatewayGraphqlError, withTraceId } from './graphql-errors.ts';
import type { OperationContext } from './operation-context.ts';

/**
 * graphql-yoga as the HTTP half: content negotiation, parameters, GraphiQL, streams of single results. Parsing, limits and validation are the
 * pipeline's that the socket uses, so that no rule holds on one transport only.
 */

/** Answers a request that was read and authenticated before. */
export type HttpExecutor = (request: Request, context: OperationContext) => Promise<Response>;

export type HttpExecutorDeps = {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  readonly mask: ErrorMask;
  readonly path: string;
  readonly isGraphiqlEnabled: boolean;
};

/** Yoga knows one error or an aggregate of them. */
const thrown = (errors: readonly GraphQLError[]): Error => {
  const [first, ...others] = errors;
  return first !== undefined && others.length === 0 ? first : new AggregateError(errors);
};

/** Parse, validate and the choice of the operation are one step for us, told at parsing: yoga looks for the operation before it validates. */
const useDocuments = (documents: Documents): Plugin => ({
  onParams({ params, setParams }) {
    const { operationName, ...others } = params;
    if (operationName === '') setParams(others);
  },
  onParse({ context, setParseFn }) {
    setParseFn((source: string | { readonly body: string }) => {
      const preparation = documents.prepare(typeof source === 'string' ? source : source.body);
      if (!preparation.ok) throw thrown(preparation.errors);
      const { params } = context as { readonly params?: GraphQLParams };
      const operation = pickOperation(preparation.prepared, params?.operationName);
      if (operation instanceof GraphQLError) throw operation;
      return preparation.prepared.document;
    });
  },
  onValidate({ params, setResult }) {
    const { documentAST } = params as { readonly documentAST: DocumentNode };
    const isOurs = documents.find(documentAST) !== null;
    setResult(isOurs ? [] : [new GraphQLError('the document did not come through the pipeline')]);
  },
});

const isIntrospection = (operation: OperationDefinitionNode): boolean =>
  operation.selectionSet.selections.every(
    (selection) => selection.kind === Kind.FIELD && selection.name.value.startsWith('__'),
  );

const tokenNeeded = (): GraphQLError =>
  new GraphQLError('a token is needed: send it as "Authorization: Bearer <token>"', {
    extensions: { code: 'UNAUTHENTICATED', retryable: false, http: { status: 401 } },
  });

/** Without a token, introspection alone. */
const useAuthentication = (documents: Documents): Plugin => ({
  onExecute({ args, setResultAndStopExecution }) {
    const { viewer } = args.contextValue as unknown as OperationContext;
    if (viewer !== null) return;
    const prepared = documents.find(args.document as DocumentNode);
    const operation = prepared === null ? null : pickOperation(prepared, args.operationName);
    if (operation === null || operation instanceof GraphQLError || !isIntrospection(operation)) {
      setResultAndStopExecution({ errors: [tokenNeeded()] });
    }
  },
});

/** Subscriptions with the right Accept header never come this far. */
const useNoSubscriptions = (): Plugin => ({
  onSubscribe({ args, setResultAndStopExecution }) {
    const { viewer } = args.contextValue as unknown as OperationContext;
    if (viewer === null) {
      setResultAndStopExecution({ errors: [tokenNeeded()] });
      return;
    }
    const message = 'subscriptions need a stream: use the WebSocket, or send "Accept: text/event-stream"';
    const error = gatewayGraphqlError(new GatewayError('BAD_USER_INPUT', message));
    error.extensions['http'] = { status: 406 };
    setResultAndStopExecution({ errors: [error] });
  },
});

/** What yoga masks once more stays as it is. */
const useTraceIds = (mask: ErrorMask): Plugin => ({
  onExecute: ({ args }) => ({
    onExecuteDone({ result, setResult }) {
      const { errors } = result as ExecutionResult;
      if (errors === undefined || Symbol.asyncIterator in result) return;
      const { trace } = args.contextValue as unknown as OperationContext;
      setResult({ ...result, errors: errors.map((error) => withTraceId(mask.mask(error), trace)) });
    },
  }),
});

const defaultQuery = `# The token goes into the Headers tab below:
#   { "Authorization": "Bearer …" }
subscription Notifications {
  notificationReceived {
    cursor
    isLive
    edge { node { type title body url createdAt } }
    gap { reason since until }
  }
}
`;

/** Creates the executor. */
export const createHttpExecutor = (deps: HttpExecutorDeps): HttpExecutor => {
  const { schema, documents, mask, path, isGraphiqlEnabled } = deps;
  const yoga = createYoga<OperationContext>({
    schema,
    graphqlEndpoint: path,
    landingPage: false,
    logging: false,
    cors: false,
    batching: false,
    multipart: false,
    parserAndValidationCache: false,
    maskedErrors: { maskError: (error) => mask.mask(error) },
    // Over WebSocket, GraphiQL sends nothing of its Headers tab, so no token: its subscriptions take the event stream.
    graphiql: isGraphiqlEnabled ? { title: 'Carillon', subscriptionsProtocol: 'SSE', defaultQuery } : false,
    renderGraphiQL,
    plugins: [useDocuments(documents), useAuthentication(documents), useNoSubscriptions(), useTraceIds(mask)],
  });
  return async (request, context) => yoga.fetch(request, context);
};
