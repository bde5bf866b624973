import { createClient } from 'graphql-ws';
import { Client, fetchExchange, type SubscriptionHandler, subscriptionExchange } from 'urql';
import { NotificationReceivedDocument, type NotificationReceivedSubscription } from '../__generated__/operations.ts';
import { resuming } from '../resume.ts';

/** Typed by codegen from `examples/operations.graphql` and the schema. */
export const notificationReceived: typeof NotificationReceivedDocument = NotificationReceivedDocument;

export type NotificationReceived = NotificationReceivedSubscription;

type Node = NonNullable<NotificationReceived['notificationReceived']['edge']>['node'];

/** An urql client for a gateway: `wsUrl` for subscriptions, `httpUrl` for the rest. */
export const createNotificationClient = (
  urls: { wsUrl: string; httpUrl: string },
  token: () => Promise<string>,
): Client => {
  const socket = resuming(
    createClient({
      url: urls.wsUrl,
      retryAttempts: Number.POSITIVE_INFINITY,
      // Also while nobody listens there: by itself the client gives up on a connection that cannot be made.
      shouldRetry: () => true,
      connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
    }),
  );
  return new Client({
    url: urls.httpUrl,
    preferGetMethod: false,
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query: query ?? '', variables: variables ?? {} }, sink as never),
          }),
        }),
      }),
    ],
  });
};

/**
 * The reducer for `useSubscription({ query: notificationReceived }, collect)`. It sees every result, also those that come in one tick.
 * urql hands the last result over again when a stream completes: hence the look at the id.
 */
export const collect: SubscriptionHandler<NotificationReceived, readonly Node[]> = (
  shown = [],
  { notificationReceived },
) => {
  const node = notificationReceived.edge?.node;
  return node === undefined || shown.some(({ id }) => id === node.id) ? shown : [node, ...shown];
};
