/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** Exactly one of the members. */
export type AudienceInput =
  {   /** Every user. Must be true. */
  readonly everyone: boolean; readonly topic?: never; readonly userId?: never; readonly userIds?: never; }
  |  { readonly everyone?: never;   /** Whoever follows this topic: segments joined by `.`, no white space, no `*`, at most 256 bytes. */
  readonly topic: string; readonly userId?: never; readonly userIds?: never; }
  |  { readonly everyone?: never; readonly topic?: never;   /** One user: 1 to 128 bytes of UTF-8. */
  readonly userId: string | number; readonly userIds?: never; }
  |  { readonly everyone?: never; readonly topic?: never; readonly userId?: never;   /** Up to 1,000 users. Not all or nothing: users whose part failed come back in `failedUserIds`. */
  readonly userIds: ReadonlyArray<string | number>; };

/** Kinds of audience. */
export type AudienceKind =
  /** Every connected user. */
  | 'EVERYONE'
  /** Whoever follows a topic. */
  | 'TOPIC'
  /** One user, by id. */
  | 'USER';

/** Carriers that are integrated. */
export type Carrier =
  | 'DHL'
  | 'FEDEX'
  | 'UPS';

/** Somebody mentioned you in a comment. */
export type CommentMentionInput = {
  /** Who wrote it, by user id. */
  readonly authorId: string | number;
  /** The comment. */
  readonly commentId: string | number;
  /** The document that was commented on. */
  readonly documentId: string | number;
  /** Its title at that time. */
  readonly documentTitle: string;
  /** The words around the mention, as plain text. Null where the document is confidential. */
  readonly excerpt?: string | null | undefined;
};

/** A service misbehaves. */
export type IncidentAlertInput = {
  /** Share of requests that failed, 0 to 1. Null where it is not measured. */
  readonly errorRatio?: number | null | undefined;
  /** Requests that failed since it began. */
  readonly failedRequests?: string | number | null | undefined;
  /** The incident; later alerts of it have the same id. */
  readonly incidentId: string | number;
  /** Regions concerned, worst first. Empty for all of them. */
  readonly regions: ReadonlyArray<string>;
  /** What to do. Null where there is no runbook. */
  readonly runbookUrl?: string | null | undefined;
  /** The service, by the name that the catalogue has for it. */
  readonly service: string;
  /** How bad it is. */
  readonly severity: Severity;
  /** When it began. */
  readonly startedAt: string;
  /** One sentence. */
  readonly summary: string;
};

/** A plain text message; what records without a type are. */
export type MessageInput = {
  /** More text. */
  readonly body?: string | null | undefined;
  /** One line. */
  readonly title: string;
  /** A path of your site or an https address. */
  readonly url?: string | null | undefined;
};

/** Exactly one event type and its fields. */
export type NotificationContentInput =
  {   /** Publishes `com.acme.comment.mentioned`. */
  readonly commentMention: CommentMentionInput; readonly incidentAlert?: never; readonly message?: never; readonly orderShipped?: never; }
  |  { readonly commentMention?: never;   /** Publishes `com.acme.incident.alert`. */
  readonly incidentAlert: IncidentAlertInput; readonly message?: never; readonly orderShipped?: never; }
  |  { readonly commentMention?: never; readonly incidentAlert?: never;   /** Publishes `message`. */
  readonly message: MessageInput; readonly orderShipped?: never; }
  |  { readonly commentMention?: never; readonly incidentAlert?: never; readonly message?: never;   /** Publishes `com.acme.order.shipped`. */
  readonly orderShipped: OrderShippedInput; };

/** An order has left the warehouse. */
export type OrderShippedInput = {
  /** Who carries it. Null where the carrier is not one of those listed. */
  readonly carrier?: Carrier | null | undefined;
  /** When it should arrive. Null where the carrier does not say. */
  readonly expectedAt?: string | null | undefined;
  /** How many pieces are in the parcels. */
  readonly itemCount: number;
  /** The number that the customer knows. */
  readonly orderNumber: string;
  /** What each parcel holds. */
  readonly parcels: ReadonlyArray<ParcelInput>;
};

/** One parcel of an order. */
export type ParcelInput = {
  /** The carrier's number. */
  readonly trackingNumber: string;
  /** In grams. Null where it was not weighed. */
  readonly weightGrams?: number | null | undefined;
};

/** What can be wrong with a publish. */
export type PublishErrorCode =
  /** The token does not allow this audience. */
  | 'FORBIDDEN_AUDIENCE'
  /** The idempotency key was used for other content. */
  | 'IDEMPOTENCY_CONFLICT'
  /** The content does not fit its event type, or its link leads to a place that is not allowed. */
  | 'INVALID_CONTENT'
  /** Too many publishes by this caller; wait a second. */
  | 'RATE_LIMITED'
  /** The event is larger than 256 KiB. */
  | 'TOO_LARGE'
  /** More than 1,000 user ids. */
  | 'TOO_MANY_USERS'
  /** The topic is not a topic name. */
  | 'UNKNOWN_TOPIC';

/** An event to publish. */
export type PublishNotificationInput = {
  /** Whom it is for. */
  readonly audience: AudienceInput;
  /** What it says: exactly one event type and its fields. */
  readonly content: NotificationContentInput;
  /** When the event loses its meaning. Null for never. */
  readonly expiresAt?: string | null | undefined;
  /**
   * Makes repeating safe: a second publish under the same key by the same caller, within the window of duplicates, adds nothing. 1 to 256 characters. Without a
   * key a publish whose outcome is unknown cannot be repeated safely.
   */
  readonly idempotencyKey?: string | null | undefined;
};

/** From worst to mildest. */
export type Severity =
  /** Users cannot work. */
  | 'CRITICAL'
  /** Users notice. */
  | 'MAJOR'
  /** Nobody notices yet. */
  | 'MINOR';

/** Which notifications a subscription delivers. Null, for the whole or for a member, is the default. */
export type StreamFilter = {
  /** What is addressed to everyone. */
  readonly everyone?: boolean | null | undefined;
  /** Topics to follow, by full name. A topic that the token does not allow fails the operation with the code `TOPIC_FORBIDDEN`. */
  readonly topics?: ReadonlyArray<string> | null | undefined;
  /** Event types (`Notification.type`) to deliver; null is all of them, an empty list none. */
  readonly types?: ReadonlyArray<string> | null | undefined;
  /** What is addressed to the viewer's own user id. */
  readonly viewer?: boolean | null | undefined;
};

/** Why positions cannot be replayed. */
export type StreamGapReason =
  /** They are older than what the log keeps. */
  | 'EXPIRED'
  /** `after` was not a cursor of this service. The stream goes on live. */
  | 'INVALID_CURSOR'
  /** They are more than the server replays to one client; the rest follows live. */
  | 'LIMIT'
  /** The log was deleted and created anew. */
  | 'RECREATED'
  /** The log lost them: its end is before the position, as after an unclean failover. */
  | 'TRUNCATED'
  /** An event for you was there but could not be read. */
  | 'UNREADABLE';

export type FollowSubscriptionVariables = Exact<{
  after?: string | null | undefined;
  filter?: StreamFilter | null | undefined;
}>;


export type FollowSubscription = { readonly notificationReceived: { readonly cursor: string, readonly isLive: boolean, readonly gap: { readonly reason: StreamGapReason } | null, readonly edge: { readonly node: { readonly id: string, readonly type: string, readonly title: string, readonly body: string | null, readonly audience: AudienceKind, readonly content:
          | { readonly __typename: 'CommentMention' }
          | { readonly __typename: 'IncidentAlert' }
          | { readonly __typename: 'Message', readonly title: string, readonly body: string | null, readonly url: string | null }
          | { readonly __typename: 'OrderShipped' }
         | null } } | null } };

export type PublishMutationVariables = Exact<{
  input: PublishNotificationInput;
}>;


export type PublishMutation = { readonly publishNotification: { readonly notificationId: string | null, readonly duplicate: boolean, readonly failedUserIds: ReadonlyArray<string>, readonly userErrors: ReadonlyArray<{ readonly code: PublishErrorCode, readonly field: ReadonlyArray<string> | null, readonly message: string }> } };


export const FollowDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"Follow"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"Cursor"}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"StreamFilter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"notificationReceived"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"cursor"}},{"kind":"Field","name":{"kind":"Name","value":"isLive"}},{"kind":"Field","name":{"kind":"Name","value":"gap"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reason"}}]}},{"kind":"Field","name":{"kind":"Name","value":"edge"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"node"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"type"}},{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"body"}},{"kind":"Field","name":{"kind":"Name","value":"audience"}},{"kind":"Field","name":{"kind":"Name","value":"content"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Message"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"title"}},{"kind":"Field","name":{"kind":"Name","value":"body"}},{"kind":"Field","name":{"kind":"Name","value":"url"}}]}}]}}]}}]}}]}}]}}]} as unknown as DocumentNode<FollowSubscription, FollowSubscriptionVariables>;
export const PublishDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"Publish"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"PublishNotificationInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"publishNotification"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"notificationId"}},{"kind":"Field","name":{"kind":"Name","value":"duplicate"}},{"kind":"Field","name":{"kind":"Name","value":"failedUserIds"}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"field"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}}]} as unknown as DocumentNode<PublishMutation, PublishMutationVariables>;