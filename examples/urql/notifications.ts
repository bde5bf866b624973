import { createClient } from 'graphql-ws';
import {
  Client,
  fetchExchange,
  gql,
  type SubscriptionHandler,
  subscriptionExchange,
  type TypedDocumentNode,
} from 'urql';
import { resuming } from '../resume.ts';

type Node = { id: string; title: string; body: string | null; url: string | null };

/** What `notificationReceived` gives here; generate it from the schema in a project of your own. */
export type NotificationReceived = {
  notificationReceived: { cursor: string; gap: { reason: string } | null; edge: { node: Node } | null };
};

export const notificationReceived: TypedDocumentNode<NotificationReceived, { after?: string | null }> = gql`
  subscription NotificationReceived($after: Cursor) {
    notificationReceived(after: $after) {
      cursor
      gap { reason }
      edge { node { id title body url } }
    }
  }
`;

/** An urql client for a gateway: `wsUrl` for subscriptions, `httpUrl` for the rest. */
export const createNotificationClient = (
  urls: { wsUrl: string; httpUrl: string },
  token: () => Promise<string>,
): Client => {
  const socket = resuming(
    createClient({
      url: urls.wsUrl,
      retryAttempts: Number.POSITIVE_INFINITY,
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
