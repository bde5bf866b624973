import type { IncomingMessage } from 'node:http';
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { createYoga, type GraphQLParams, type Plugin } from 'graphql-yoga';
import { GatewayError } from '../errors.ts';
import { type Documents, pickOperation } from './documents.ts';
import { type ErrorMask, errorAt, gatewayGraphqlError, withTraceId } from './graphql-errors.ts';
import type { HttpAnswer, HttpAsked } from './http-answer.ts';
import type { OperationContext, OperationServices } from './operation-context.ts';
import { hashUnknown, persistedHash } from './persisted-documents.ts';

/**
 * graphql-yoga as the HTTP half: content negotiation, parameters, GraphiQL, streams of single results. Parsing, limits and validation are the
 * pipeline's that the socket uses, so that no rule holds on one transport only.
 */

/** Answers a request that was read and authenticated before. */
export type HttpExecutor = (asked: HttpAsked) => Promise<HttpAnswer>;

export type HttpExecutorDeps = {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  readonly mask: ErrorMask;
  readonly services: OperationServices;
  readonly path: string;
  readonly isGraphiqlEnabled: boolean;
};

/** What yoga takes an error's status from, and leaves out of the answer. `spec`: as plain JSON the status is 200 all the same. */
const withStatus = (error: GraphQLError, http: { readonly status: number; readonly spec?: boolean }): GraphQLError =>
  errorAt(error, error.message, { ...error.extensions, http });

/** Yoga knows one error or an aggregate of them. */
const thrown = (errors: readonly GraphQLError[]): Error =>
  new AggregateError(errors.map((error) => withStatus(error, { status: 400, spec: true })));

/** Parse, validate and the choice of the operation are one step for us, told at parsing: yoga looks for the operation before it validates. */
const useDocuments = (documents: Documents): Plugin => ({
  onParams({ params, setParams }) {
    const { operationName, ...others } = params;
    const hash = persistedHash(params.extensions);
    const text = hash === null ? null : documents.persisted(hash);
    if (hash !== null && text === null && !params.query) throw thrown([hashUnknown()]);
    const asked = text === null ? others : { ...others, query: text };
    setParams(operationName === '' || operationName === undefined ? asked : { ...asked, operationName });
  },
  onParse({ context, setParseFn }) {
    setParseFn((source: string | { readonly body: string }) => {
      const preparation = documents.prepare(typeof source === 'string' ? source : source.body);
      if (!preparation.ok) throw thrown(preparation.errors);
      const { params } = context as { readonly params?: GraphQLParams };
      const operation = pickOperation(preparation.prepared, params?.operationName);
      if (operation instanceof GraphQLError) throw thrown([operation]);
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

/** graphql-js executes, as on the socket, where yoga has an executor of its own. What yoga masks once more stays as it is. */
const useExecutor = (mask: ErrorMask): Plugin => ({
  onExecute({ args, setExecuteFn }) {
    setExecuteFn(execute);
    return {
      onExecuteDone({ result, setResult }) {
        const { errors, data } = result as ExecutionResult;
        if (errors === undefined || Symbol.asyncIterator in result) return;
        const { trace } = args.contextValue as unknown as OperationContext;
        const shown = errors.map((error) => withTraceId(mask.mask(error), trace));
        setResult({
          ...result,
          // Variables that do not fit.
          errors: data === undefined ? shown.map((error) => withStatus(error, { status: 400 })) : shown,
        });
      },
    };
  },
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

/** The request as yoga knows requests: of its headers only what says what may come back. */
const fetchRequest = (
  { url, method, headers }: IncomingMessage,
  { path, body }: { readonly path: string; readonly body: string | null },
): Request => {
  const search = /\?[^#]*/.exec(url ?? '')?.[0] ?? '';
  const accept = headers.accept ?? '*/*';
  const init = { method: method ?? 'GET', headers: { accept, 'content-type': 'application/json' }, body };
  return new Request(`http://gateway${path}${search}`, init);
};

/** What is said of the connection is our server's to say: the answer has a length, so it is in no chunks. */
const ownHeaders: ReadonlySet<string> = new Set(['connection', 'transfer-encoding']);

/** The answer in full. */
const answerFrom = async (answer: Response): Promise<HttpAnswer> => ({
  status: answer.status,
  headers: Object.fromEntries([...answer.headers].filter(([name]) => !ownHeaders.has(name.toLowerCase()))),
  body: Buffer.from(await answer.arrayBuffer()),
});

/** Creates the executor. */
export const createHttpExecutor = (deps: HttpExecutorDeps): HttpExecutor => {
  const { schema, documents, mask, services, path, isGraphiqlEnabled } = deps;
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
    // 30 MB of text in memory, read only once somebody opens the page.
    renderGraphiQL: async (options) => (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options),
    plugins: [useDocuments(documents), useAuthentication(documents), useNoSubscriptions(), useExecutor(mask)],
  });
  return async ({ request, body, viewer, trace }) => {
    const context = { services, viewer, session: null, trace };
    return answerFrom(await yoga.fetch(fetchRequest(request, { path, body }), context));
  };
};
