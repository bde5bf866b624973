import { ApolloClient, gql, InMemoryCache, type TypedDocumentNode } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { resuming } from '../resume.ts';

/** What `notificationReceived` gives here; generate it from the schema in a project of your own. */
export type NotificationReceived = {
  notificationReceived: {
    cursor: string;
    isLive: boolean;
    gap: { reason: string } | null;
    edge: { node: { id: string; title: string; body: string | null; url: string | null } } | null;
  };
};

export const notificationReceived: TypedDocumentNode<NotificationReceived, { after?: string | null }> = gql`
  subscription NotificationReceived($after: Cursor) {
    notificationReceived(after: $after) {
      cursor
      isLive
      gap { reason }
      edge { node { id title body url } }
    }
  }
`;

/** An Apollo client for a gateway. `token` is asked before every connection, so that it can be renewed. */
export const createNotificationClient = (url: string, token: () => Promise<string>): ApolloClient =>
  new ApolloClient({
    cache: new InMemoryCache(),
    link: new GraphQLWsLink(
      resuming(
        createClient({
          url,
          retryAttempts: Number.POSITIVE_INFINITY,
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
