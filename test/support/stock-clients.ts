import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient, type Client as WsClient } from 'graphql-ws';
import { subscriptionExchange, Client as UrqlClient } from 'urql';
import { WebSocket } from 'ws';

/** Clients as frontends have them, behind one face: what a test does with one it does with all. None of ours is in between. */

/** What a subscription tells. `failed` has the messages of GraphQL errors, or of what ended it. */
export type Sink = { next(data: Record<string, unknown>): void; failed(messages: readonly string[]): void };

export type StockClient = {
  /** A query or mutation over the socket; rejects with the messages of its errors. */
  request(document: string): Promise<Record<string, unknown>>;
  /** Returns the way to stop. */
  subscribe(document: string, sink: Sink): () => void;
  close(): void;
};

export type ClientSetUp = {
  readonly url: string;
  /** Asked before each connection. */
  readonly token: () => Promise<string>;
  readonly onConnected?: () => void;
};

type Result = {
  readonly data?: Record<string, unknown> | null | undefined;
  readonly errors?: readonly { readonly message: string }[] | undefined;
};

const messagesOf = (thrown: unknown): readonly string[] => {
  const list = Array.isArray(thrown) ? thrown : [thrown];
  return list.map((each) => String((each as { message?: unknown }).message ?? each));
};

const tell = (sink: Sink, { data, errors }: Result): void => {
  if (errors !== undefined && errors.length > 0) sink.failed(messagesOf(errors));
  else if (data) sink.next(data);
};

const socketOf = ({ url, token, onConnected }: ClientSetUp): WsClient =>
  createClient({
    url,
    // Node's own gives no close event for a connection that is reset, which browsers do: the client would give up.
    webSocketImpl: WebSocket,
    lazy: true,
    retryAttempts: 5,
    retryWait: () => Promise.resolve(),
    connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
    on: { connected: () => onConnected?.() },
  });

const first = (subscribe: (sink: Sink) => () => void): Promise<Record<string, unknown>> =>
  new Promise((resolve, reject) => {
    subscribe({ next: resolve, failed: (messages) => reject(new Error(messages.join('; '))) });
  });

const graphqlWs = (setUp: ClientSetUp): StockClient => {
  const socket = socketOf(setUp);
  const subscribe = (query: string, sink: Sink): (() => void) =>
    socket.subscribe<Record<string, unknown>>(
      { query },
      {
        next: (result) => tell(sink, result as Result),
        error: (thrown) => sink.failed(messagesOf(thrown)),
        complete: () => {},
      },
    );
  return { request: (query) => first((sink) => subscribe(query, sink)), subscribe, close: () => void socket.dispose() };
};

const apollo = (setUp: ClientSetUp): StockClient => {
  const socket = socketOf(setUp);
  const client = new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(socket) });
  const subscribe = (query: string, sink: Sink): (() => void) => {
    const running = client
      .subscribe<Record<string, unknown>>({ query: gql(query), fetchPolicy: 'no-cache' })
      .subscribe({
        next: ({ data, error }) => (error ? sink.failed([error.message]) : tell(sink, { data })),
        error: (thrown) => sink.failed(messagesOf(thrown)),
      });
    return () => running.unsubscribe();
  };
  const request = async (document: string): Promise<Record<string, unknown>> => {
    const { data } = document.startsWith('mutation')
      ? await client.mutate<Record<string, unknown>>({ mutation: gql(document), fetchPolicy: 'no-cache' })
      : await client.query<Record<string, unknown>>({ query: gql(document), fetchPolicy: 'no-cache' });
    return data ?? {};
  };
  const close = (): void => {
    client.stop();
    void socket.dispose();
  };
  return { request, subscribe, close };
};

/**
 * urql ends a query at its result. Where the `complete` behind it came in the same segment, graphql-ws 6.4.2 then gives its socket back twice and
 * closes it under the other operations: not in browsers, where each message is a task of its own, but in Node. Ending it a little later helps.
 */
const urql = (setUp: ClientSetUp): StockClient => {
  const socket = socketOf(setUp);
  const client = new UrqlClient({
    url: 'http://127.0.0.1:9/never-used',
    preferGetMethod: false,
    exchanges: [
      subscriptionExchange({
        enableAllOperations: true,
        forwardSubscription: ({ query, variables }) => ({
          subscribe(sink) {
            const stop = socket.subscribe({ query: query ?? '', variables: variables ?? {} }, sink as never);
            return { unsubscribe: () => queueMicrotask(stop) };
          },
        }),
      }),
    ],
  });
  const subscribe = (query: string, sink: Sink): (() => void) => {
    const running = client.subscription<Record<string, unknown>>(query, {}).subscribe(({ data, error }) => {
      if (error) sink.failed([error.message]);
      else if (data) sink.next(data);
    });
    return () => running.unsubscribe();
  };
  const request = async (document: string): Promise<Record<string, unknown>> => {
    const { data, error } = document.startsWith('mutation')
      ? await client.mutation<Record<string, unknown>>(document, {}).toPromise()
      : await client.query<Record<string, unknown>>(document, {}).toPromise();
    if (error) throw new Error(error.message);
    return data ?? {};
  };
  return { request, subscribe, close: () => void socket.dispose() };
};

/** Each by its name. */
export const stockClients: Readonly<Record<string, (setUp: ClientSetUp) => StockClient>> = {
  'graphql-ws': graphqlWs,
  'Apollo Client': apollo,
  urql,
};
