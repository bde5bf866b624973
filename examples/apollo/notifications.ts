import { ApolloClient, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { NotificationReceivedDocument, type NotificationReceivedSubscription } from '../__generated__/operations.ts';
import { resuming } from '../resume.ts';

/** Typed by codegen from `examples/operations.graphql` and the schema. */
export const notificationReceived: typeof NotificationReceivedDocument = NotificationReceivedDocument;

export type NotificationReceived = NotificationReceivedSubscription;

/** An Apollo client for a gateway. `token` is asked before every connection, so that it can be renewed. */
export const createNotificationClient = (url: string, token: () => Promise<string>): ApolloClient =>
  new ApolloClient({
    cache: new InMemoryCache(),
    link: new GraphQLWsLink(
      resuming(
        createClient({
          url,
          retryAttempts: Number.POSITIVE_INFINITY,
          // Also while nobody listens there: by itself the client gives up on a connection that cannot be made.
          shouldRetry: () => true,
          connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
        }),
      ),
    ),
  });

/** Calls `show` for each notification and `refetch` where some cannot be delivered any more. Returns the way to stop. */
export const followNotifications = (
  client: ApolloClient,
  on: {
    show(node: NonNullable<NotificationReceived['notificationReceived']['edge']>['node']): void;
    refetch(): void;
  },
): (() => void) => {
  // Each result on its own: state that is set from `data` in an effect would show only the last of those that come in one tick.
  const running = client
    .subscribe({ query: notificationReceived, variables: { after: null } })
    .subscribe(({ data }) => {
      if (data?.notificationReceived.edge) on.show(data.notificationReceived.edge.node);
      if (data?.notificationReceived.gap) on.refetch();
    });
  return () => running.unsubscribe();
};
