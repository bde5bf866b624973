import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { Envelope, EventContent } from '../../event.ts';
import type { Payload } from '../../actors/session.ts';
import type { EventPayload, GapPayload } from '../payload-resolvers.ts';
import type { OperationContext } from '../operation-context.ts';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** A signed 64-bit integer as a decimal string (`"9007199254740993"`), since a JSON number loses digits beyond 2^53. Input may be an integer as well. */
  BigInt: { input: string; output: string; }
  /**
   * A position in the stream of notifications. Opaque: keep it, compare it for equality, pass it back; never take it apart. It confers no rights, works
   * on every node, and stays readable across upgrades.
   */
  Cursor: { input: string; output: string; }
  /**
   * An RFC 3339 date-time with zone, for example `2026-03-01T12:00:00.250Z`. Only days that exist. Times that Carillon makes are in UTC with
   * milliseconds; times inside of an event are passed on as the producer wrote them.
   */
  DateTime: { input: string; output: string | number; }
};

/** Exactly one of the members. */
export type AudienceInput =
  /** Every user. Must be true. */
  { readonly everyone: Scalars['Boolean']['input']; readonly topic?: never; readonly userId?: never; readonly userIds?: never; }
  |  /** Whoever follows this topic: segments joined by `.`, no white space, no `*`, at most 256 bytes. */
  { readonly everyone?: never; readonly topic: Scalars['String']['input']; readonly userId?: never; readonly userIds?: never; }
  |  /** One user: 1 to 128 bytes of UTF-8. */
  { readonly everyone?: never; readonly topic?: never; readonly userId: Scalars['ID']['input']; readonly userIds?: never; }
  |  /** Up to 1,000 users. Not all or nothing: users whose part failed come back in `failedUserIds`. */
  { readonly everyone?: never; readonly topic?: never; readonly userId?: never; readonly userIds: ReadonlyArray<Scalars['ID']['input']>; };

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
export type CommentMention = {
  readonly __typename?: 'CommentMention';
  /** Who wrote it, by user id. */
  readonly authorId: Scalars['ID']['output'];
  /** The comment. */
  readonly commentId: Scalars['ID']['output'];
  /** The document that was commented on. */
  readonly documentId: Scalars['ID']['output'];
  /** Its title at that time. */
  readonly documentTitle: Scalars['String']['output'];
  /** The words around the mention, as plain text. Null where the document is confidential. */
  readonly excerpt?: Maybe<Scalars['String']['output']>;
};

/** Somebody mentioned you in a comment. */
export type CommentMentionInput = {
  /** Who wrote it, by user id. */
  readonly authorId: Scalars['ID']['input'];
  /** The comment. */
  readonly commentId: Scalars['ID']['input'];
  /** The document that was commented on. */
  readonly documentId: Scalars['ID']['input'];
  /** Its title at that time. */
  readonly documentTitle: Scalars['String']['input'];
  /** The words around the mention, as plain text. Null where the document is confidential. */
  readonly excerpt?: InputMaybe<Scalars['String']['input']>;
};

/** A service misbehaves. */
export type IncidentAlert = {
  readonly __typename?: 'IncidentAlert';
  /** Share of requests that failed, 0 to 1. Null where it is not measured. */
  readonly errorRatio?: Maybe<Scalars['Float']['output']>;
  /** Requests that failed since it began. */
  readonly failedRequests?: Maybe<Scalars['BigInt']['output']>;
  /** The incident; later alerts of it have the same id. */
  readonly incidentId: Scalars['ID']['output'];
  /** Regions concerned, worst first. Empty for all of them. */
  readonly regions: ReadonlyArray<Scalars['String']['output']>;
  /** What to do. Null where there is no runbook. */
  readonly runbookUrl?: Maybe<Scalars['String']['output']>;
  /** The service, by the name that the catalogue has for it. */
  readonly service: Scalars['String']['output'];
  /** How bad it is. */
  readonly severity: Severity;
  /** When it began. */
  readonly startedAt: Scalars['DateTime']['output'];
  /** One sentence. */
  readonly summary: Scalars['String']['output'];
};

/** A service misbehaves. */
export type IncidentAlertInput = {
  /** Share of requests that failed, 0 to 1. Null where it is not measured. */
  readonly errorRatio?: InputMaybe<Scalars['Float']['input']>;
  /** Requests that failed since it began. */
  readonly failedRequests?: InputMaybe<Scalars['BigInt']['input']>;
  /** The incident; later alerts of it have the same id. */
  readonly incidentId: Scalars['ID']['input'];
  /** Regions concerned, worst first. Empty for all of them. */
  readonly regions: ReadonlyArray<Scalars['String']['input']>;
  /** What to do. Null where there is no runbook. */
  readonly runbookUrl?: InputMaybe<Scalars['String']['input']>;
  /** The service, by the name that the catalogue has for it. */
  readonly service: Scalars['String']['input'];
  /** How bad it is. */
  readonly severity: Severity;
  /** When it began. */
  readonly startedAt: Scalars['DateTime']['input'];
  /** One sentence. */
  readonly summary: Scalars['String']['input'];
};

/** A plain text message; what records without a type are. */
export type Message = {
  readonly __typename?: 'Message';
  /** More text. */
  readonly body?: Maybe<Scalars['String']['output']>;
  /** One line. */
  readonly title: Scalars['String']['output'];
  /** A path of your site or an https address. */
  readonly url?: Maybe<Scalars['String']['output']>;
};

/** A plain text message; what records without a type are. */
export type MessageInput = {
  /** More text. */
  readonly body?: InputMaybe<Scalars['String']['input']>;
  /** One line. */
  readonly title: Scalars['String']['input'];
  /** A path of your site or an https address. */
  readonly url?: InputMaybe<Scalars['String']['input']>;
};

export type Mutation = {
  readonly __typename?: 'Mutation';
  /**
   * Publishes one event. Needs the scope `notifications:publish`, for everyone `notifications:publish:everyone`. When it returns without errors the event is in
   * the log and survives restarts. An error with `extensions.outcome` `unknown` may still land: repeat it with the same `idempotencyKey`.
   */
  readonly publishNotification: PublishNotificationPayload;
  /** Publishes up to 500 events in order. Each has its own result, at the same index; one that fails does not stop the others. */
  readonly publishNotifications: PublishNotificationsPayload;
  /**
   * Makes tokens count no more before they end, on every node: live sockets close with 4403 within seconds, and the tokens are refused from then on. Needs the scope
   * `notifications:admin`. It cannot be taken back; who may come again needs a token that is issued later.
   */
  readonly revokeTokens: RevokeTokensPayload;
  /**
   * Renews the identity of the socket this is sent over, without a reconnect. The user must be the same. Over HTTP it fails with the code `NOT_A_SESSION`, and a
   * token that is refused with `UNAUTHENTICATED`; the old identity then stays.
   */
  readonly sessionRefresh: SessionRefreshPayload;
};


export type MutationPublishNotificationArgs = {
  input: PublishNotificationInput;
};


export type MutationPublishNotificationsArgs = {
  input: ReadonlyArray<PublishNotificationInput>;
};


export type MutationRevokeTokensArgs = {
  input: RevokeTokensInput;
};


export type MutationSessionRefreshArgs = {
  token: Scalars['String']['input'];
};

/** An event as its recipient sees it. */
export type Notification = {
  readonly __typename?: 'Notification';
  /** Whom it is addressed to. */
  readonly audience: AudienceKind;
  /** More text to show. Null where the event has none. */
  readonly body?: Maybe<Scalars['String']['output']>;
  /** The typed event. Null where this server's schema does not know the type; title, body and url are there all the same. */
  readonly content?: Maybe<NotificationContent>;
  /** When it happened, as its producer says, else when it entered the log. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** When it loses its meaning; it is not delivered from then on. Null for never. */
  readonly expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** Opaque. One event has one id for all of its recipients; use it to recognise repeats. */
  readonly id: Scalars['ID']['output'];
  /** One line to show, always there. */
  readonly title: Scalars['String']['output'];
  /** The topic it is addressed to. Null for other audiences. */
  readonly topic?: Maybe<Scalars['String']['output']>;
  /** The event's type, for example `com.acme.order.shipped`; also of types that this schema does not know. */
  readonly type: Scalars['String']['output'];
  /** Where a click leads: a path of your site or an https address. Null where the event has none or where it would lead elsewhere. */
  readonly url?: Maybe<Scalars['String']['output']>;
};

/** Every event type. */
export type NotificationContent = CommentMention | IncidentAlert | Message | OrderShipped;

/** Exactly one event type and its fields. */
export type NotificationContentInput =
  /** Publishes `com.acme.comment.mentioned`. */
  { readonly commentMention: CommentMentionInput; readonly incidentAlert?: never; readonly message?: never; readonly orderShipped?: never; }
  |  /** Publishes `com.acme.incident.alert`. */
  { readonly commentMention?: never; readonly incidentAlert: IncidentAlertInput; readonly message?: never; readonly orderShipped?: never; }
  |  /** Publishes `message`. */
  { readonly commentMention?: never; readonly incidentAlert?: never; readonly message: MessageInput; readonly orderShipped?: never; }
  |  /** Publishes `com.acme.order.shipped`. */
  { readonly commentMention?: never; readonly incidentAlert?: never; readonly message?: never; readonly orderShipped: OrderShippedInput; };

/** An event and its place in the stream. */
export type NotificationEdge = {
  readonly __typename?: 'NotificationEdge';
  /** The same as the payload's cursor. */
  readonly cursor: Scalars['Cursor']['output'];
  /** The notification. */
  readonly node: Notification;
};

/**
 * One step of the stream: an event (`edge`), or positions that cannot be replayed (`gap`), or neither: then only the position moved, so that a
 * client that comes back later need not go through what was not for it.
 */
export type NotificationReceivedPayload = {
  readonly __typename?: 'NotificationReceivedPayload';
  /** The position after this step; pass the last one you got as `after`. */
  readonly cursor: Scalars['Cursor']['output'];
  /** The event. Null in a gap and in a checkpoint. */
  readonly edge?: Maybe<NotificationEdge>;
  /** Positions that cannot be replayed: refetch the state that notifications keep fresh. Null in an event and in a checkpoint. */
  readonly gap?: Maybe<StreamGap>;
  /** False while older events are being replayed, true from the moment the stream is at its end. */
  readonly isLive: Scalars['Boolean']['output'];
};

/** An order has left the warehouse. */
export type OrderShipped = {
  readonly __typename?: 'OrderShipped';
  /** Who carries it. Null where the carrier is not one of those listed. */
  readonly carrier?: Maybe<Carrier>;
  /** When it should arrive. Null where the carrier does not say. */
  readonly expectedAt?: Maybe<Scalars['DateTime']['output']>;
  /** How many pieces are in the parcels. */
  readonly itemCount: Scalars['Int']['output'];
  /** The number that the customer knows. */
  readonly orderNumber: Scalars['String']['output'];
  /** What each parcel holds. */
  readonly parcels: ReadonlyArray<Parcel>;
};

/** An order has left the warehouse. */
export type OrderShippedInput = {
  /** Who carries it. Null where the carrier is not one of those listed. */
  readonly carrier?: InputMaybe<Carrier>;
  /** When it should arrive. Null where the carrier does not say. */
  readonly expectedAt?: InputMaybe<Scalars['DateTime']['input']>;
  /** How many pieces are in the parcels. */
  readonly itemCount: Scalars['Int']['input'];
  /** The number that the customer knows. */
  readonly orderNumber: Scalars['String']['input'];
  /** What each parcel holds. */
  readonly parcels: ReadonlyArray<ParcelInput>;
};

/** One parcel of an order. */
export type Parcel = {
  readonly __typename?: 'Parcel';
  /** The carrier's number. */
  readonly trackingNumber: Scalars['String']['output'];
  /** In grams. Null where it was not weighed. */
  readonly weightGrams?: Maybe<Scalars['Int']['output']>;
};

/** One parcel of an order. */
export type ParcelInput = {
  /** The carrier's number. */
  readonly trackingNumber: Scalars['String']['input'];
  /** In grams. Null where it was not weighed. */
  readonly weightGrams?: InputMaybe<Scalars['Int']['input']>;
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
  readonly expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
  /**
   * Makes repeating safe: a second publish under the same key by the same caller, within the window of duplicates, adds nothing. 1 to 256 characters. Without a
   * key a publish whose outcome is unknown cannot be repeated safely.
   */
  readonly idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};

/** What became of one publish. */
export type PublishNotificationPayload = {
  readonly __typename?: 'PublishNotificationPayload';
  /** True where an event under this idempotency key was seen in the log already; nothing was added for it. */
  readonly duplicate: Scalars['Boolean']['output'];
  /** Users of `userIds` whose part is not in the log. Publish again with the same idempotency key to reach them. Empty when all went well. */
  readonly failedUserIds: ReadonlyArray<Scalars['ID']['output']>;
  /** The id under which recipients see it. Null where `userErrors` say why nothing was published. */
  readonly notificationId?: Maybe<Scalars['ID']['output']>;
  /** What is wrong with the input. Empty when the event was published. */
  readonly userErrors: ReadonlyArray<UserError>;
};

/** What became of several publishes. */
export type PublishNotificationsPayload = {
  readonly __typename?: 'PublishNotificationsPayload';
  /**
   * One result for each event, at its index. Null where the log did not take the event: `errors` then has an entry with this path, and its
   * `extensions.outcome` says whether the event may still land.
   */
  readonly results: ReadonlyArray<Maybe<PublishNotificationPayload>>;
};

export type Query = {
  readonly __typename?: 'Query';
  /** Who the server takes you for. */
  readonly viewer: Viewer;
};

/** Tokens to revoke. */
export type RevokeTokensInput = {
  /** Only those issued before this time (`iat`; a token without one counts as older). Null for now. At most a minute ahead. */
  readonly issuedBefore?: InputMaybe<Scalars['DateTime']['input']>;
  /** Whose. */
  readonly of: TokenOwnerInput;
};

/** Tokens that were revoked, for good. */
export type RevokeTokensPayload = {
  readonly __typename?: 'RevokeTokensPayload';
  /** Tokens issued before this time count no more. */
  readonly issuedBefore: Scalars['DateTime']['output'];
};

/** The renewed session. */
export type SessionRefreshPayload = {
  readonly __typename?: 'SessionRefreshPayload';
  /** The identity from now on. */
  readonly viewer: Viewer;
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
  readonly everyone?: InputMaybe<Scalars['Boolean']['input']>;
  /** Topics to follow, by full name. A topic that the token does not allow fails the operation with the code `TOPIC_FORBIDDEN`. */
  readonly topics?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  /** Event types (`Notification.type`) to deliver; null is all of them, an empty list none. */
  readonly types?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  /** What is addressed to the viewer's own user id. */
  readonly viewer?: InputMaybe<Scalars['Boolean']['input']>;
};

/** A stretch of the stream that is missing. There may have been events for you in it, or none. */
export type StreamGap = {
  readonly __typename?: 'StreamGap';
  /** Why it cannot be delivered. */
  readonly reason: StreamGapReason;
  /** No event before this time is missing. Null where it is not known. */
  readonly since?: Maybe<Scalars['DateTime']['output']>;
  /** No event after this time is missing. Null where it is not known. */
  readonly until?: Maybe<Scalars['DateTime']['output']>;
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

export type Subscription = {
  readonly __typename?: 'Subscription';
  /**
   * What is addressed to the viewer: to their user id, to everyone, and to topics they ask for. Events of one user, one topic, or for everyone come in
   * the order of the log; there is no order between them. The stream does not complete by itself.
   */
  readonly notificationReceived: NotificationReceivedPayload;
};


export type SubscriptionNotificationReceivedArgs = {
  after?: InputMaybe<Scalars['Cursor']['input']>;
  filter?: InputMaybe<StreamFilter>;
};

/** Exactly one of the members, 1 to 256 bytes. */
export type TokenOwnerInput =
  /** All tokens of a session at the issuer: their claim `sid`. */
  { readonly sessionId: Scalars['ID']['input']; readonly tokenId?: never; readonly userId?: never; }
  |  /** One token: its claim `jti`. */
  { readonly sessionId?: never; readonly tokenId: Scalars['ID']['input']; readonly userId?: never; }
  |  /** All tokens of a user. */
  { readonly sessionId?: never; readonly tokenId?: never; readonly userId: Scalars['ID']['input']; };

/** A mistake in the input that the caller can mend. */
export type UserError = {
  readonly __typename?: 'UserError';
  /** For programs. */
  readonly code: PublishErrorCode;
  /** Path of the field at fault, below `input`. Null where no single field is. */
  readonly field?: Maybe<ReadonlyArray<Scalars['String']['output']>>;
  /** For people: what is wrong and what to do. */
  readonly message: Scalars['String']['output'];
};

/** The identity behind the request, as its token says. */
export type Viewer = {
  readonly __typename?: 'Viewer';
  /**
   * "Now" in the stream. To start without a hole: take this cursor, load your state, then subscribe with `after` set to it; what happened in
   * between is delivered.
   */
  readonly cursor: Scalars['Cursor']['output'];
  /** When the token ends. Live sockets are closed then unless `sessionRefresh` renews them. */
  readonly expiresAt: Scalars['DateTime']['output'];
  /** What the token allows, in no particular order: `notifications:publish`, `notifications:publish:everyone`, `notifications:admin`. */
  readonly scopes: ReadonlyArray<Scalars['String']['output']>;
  /** Your user id; notifications addressed to it are yours. */
  readonly userId: Scalars['ID']['output'];
};



export type ResolverTypeWrapper<T> = Promise<T> | T;


export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;





/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  AudienceInput: AudienceInput;
  AudienceKind: AudienceKind;
  BigInt: ResolverTypeWrapper<Scalars['BigInt']['output']>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  Carrier: Carrier;
  CommentMention: ResolverTypeWrapper<CommentMention>;
  CommentMentionInput: CommentMentionInput;
  Cursor: ResolverTypeWrapper<Scalars['Cursor']['output']>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  IncidentAlert: ResolverTypeWrapper<IncidentAlert>;
  IncidentAlertInput: IncidentAlertInput;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  Message: ResolverTypeWrapper<Message>;
  MessageInput: MessageInput;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Notification: ResolverTypeWrapper<Envelope>;
  NotificationContent: ResolverTypeWrapper<EventContent>;
  NotificationContentInput: NotificationContentInput;
  NotificationEdge: ResolverTypeWrapper<EventPayload>;
  NotificationReceivedPayload: ResolverTypeWrapper<Payload>;
  OrderShipped: ResolverTypeWrapper<OrderShipped>;
  OrderShippedInput: OrderShippedInput;
  Parcel: ResolverTypeWrapper<Parcel>;
  ParcelInput: ParcelInput;
  PublishErrorCode: PublishErrorCode;
  PublishNotificationInput: PublishNotificationInput;
  PublishNotificationPayload: ResolverTypeWrapper<PublishNotificationPayload>;
  PublishNotificationsPayload: ResolverTypeWrapper<PublishNotificationsPayload>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  RevokeTokensInput: RevokeTokensInput;
  RevokeTokensPayload: ResolverTypeWrapper<RevokeTokensPayload>;
  SessionRefreshPayload: ResolverTypeWrapper<SessionRefreshPayload>;
  Severity: Severity;
  StreamFilter: StreamFilter;
  StreamGap: ResolverTypeWrapper<GapPayload>;
  StreamGapReason: StreamGapReason;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  TokenOwnerInput: TokenOwnerInput;
  UserError: ResolverTypeWrapper<UserError>;
  Viewer: ResolverTypeWrapper<Viewer>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  AudienceInput: AudienceInput;
  BigInt: Scalars['BigInt']['output'];
  Boolean: Scalars['Boolean']['output'];
  CommentMention: CommentMention;
  CommentMentionInput: CommentMentionInput;
  Cursor: Scalars['Cursor']['output'];
  DateTime: Scalars['DateTime']['output'];
  Float: Scalars['Float']['output'];
  ID: Scalars['ID']['output'];
  IncidentAlert: IncidentAlert;
  IncidentAlertInput: IncidentAlertInput;
  Int: Scalars['Int']['output'];
  Message: Message;
  MessageInput: MessageInput;
  Mutation: Record<PropertyKey, never>;
  Notification: Envelope;
  NotificationContent: EventContent;
  NotificationContentInput: NotificationContentInput;
  NotificationEdge: EventPayload;
  NotificationReceivedPayload: Payload;
  OrderShipped: OrderShipped;
  OrderShippedInput: OrderShippedInput;
  Parcel: Parcel;
  ParcelInput: ParcelInput;
  PublishNotificationInput: PublishNotificationInput;
  PublishNotificationPayload: PublishNotificationPayload;
  PublishNotificationsPayload: PublishNotificationsPayload;
  Query: Record<PropertyKey, never>;
  RevokeTokensInput: RevokeTokensInput;
  RevokeTokensPayload: RevokeTokensPayload;
  SessionRefreshPayload: SessionRefreshPayload;
  StreamFilter: StreamFilter;
  StreamGap: GapPayload;
  String: Scalars['String']['output'];
  Subscription: Record<PropertyKey, never>;
  TokenOwnerInput: TokenOwnerInput;
  UserError: UserError;
  Viewer: Viewer;
};

export type EventDirectiveArgs = {
  body?: Maybe<Scalars['String']['input']>;
  title: Scalars['String']['input'];
  type: Scalars['String']['input'];
  url?: Maybe<Scalars['String']['input']>;
};

export type EventDirectiveResolver<Result, Parent, ContextType = OperationContext, Args = EventDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export interface BigIntScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['BigInt'], any> {
  name: 'BigInt';
}

export type CommentMentionResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['CommentMention'] = ResolversParentTypes['CommentMention']> = {
  authorId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  commentId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  documentId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  documentTitle?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  excerpt?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export interface CursorScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['Cursor'], any> {
  name: 'Cursor';
}

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type IncidentAlertResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['IncidentAlert'] = ResolversParentTypes['IncidentAlert']> = {
  errorRatio?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  failedRequests?: Resolver<Maybe<ResolversTypes['BigInt']>, ParentType, ContextType>;
  incidentId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  regions?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  runbookUrl?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  severity?: Resolver<ResolversTypes['Severity'], ParentType, ContextType>;
  startedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  summary?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type MessageResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['Message'] = ResolversParentTypes['Message']> = {
  body?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  title?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  url?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type MutationResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  publishNotification?: Resolver<ResolversTypes['PublishNotificationPayload'], ParentType, ContextType, RequireFields<MutationPublishNotificationArgs, 'input'>>;
  publishNotifications?: Resolver<ResolversTypes['PublishNotificationsPayload'], ParentType, ContextType, RequireFields<MutationPublishNotificationsArgs, 'input'>>;
  revokeTokens?: Resolver<ResolversTypes['RevokeTokensPayload'], ParentType, ContextType, RequireFields<MutationRevokeTokensArgs, 'input'>>;
  sessionRefresh?: Resolver<ResolversTypes['SessionRefreshPayload'], ParentType, ContextType, RequireFields<MutationSessionRefreshArgs, 'token'>>;
};

export type NotificationResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['Notification'] = ResolversParentTypes['Notification']> = {
  audience?: Resolver<ResolversTypes['AudienceKind'], ParentType, ContextType>;
  body?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  content?: Resolver<Maybe<ResolversTypes['NotificationContent']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  expiresAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  title?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  topic?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  type?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  url?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type NotificationContentResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['NotificationContent'] = ResolversParentTypes['NotificationContent']> = {
  __resolveType: TypeResolveFn<'CommentMention' | 'IncidentAlert' | 'Message' | 'OrderShipped', ParentType, ContextType>;
};

export type NotificationEdgeResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['NotificationEdge'] = ResolversParentTypes['NotificationEdge']> = {
  cursor?: Resolver<ResolversTypes['Cursor'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Notification'], ParentType, ContextType>;
};

export type NotificationReceivedPayloadResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['NotificationReceivedPayload'] = ResolversParentTypes['NotificationReceivedPayload']> = {
  cursor?: Resolver<ResolversTypes['Cursor'], ParentType, ContextType>;
  edge?: Resolver<Maybe<ResolversTypes['NotificationEdge']>, ParentType, ContextType>;
  gap?: Resolver<Maybe<ResolversTypes['StreamGap']>, ParentType, ContextType>;
  isLive?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
};

export type OrderShippedResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['OrderShipped'] = ResolversParentTypes['OrderShipped']> = {
  carrier?: Resolver<Maybe<ResolversTypes['Carrier']>, ParentType, ContextType>;
  expectedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  itemCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  orderNumber?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  parcels?: Resolver<ReadonlyArray<ResolversTypes['Parcel']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type ParcelResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['Parcel'] = ResolversParentTypes['Parcel']> = {
  trackingNumber?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  weightGrams?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type PublishNotificationPayloadResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['PublishNotificationPayload'] = ResolversParentTypes['PublishNotificationPayload']> = {
  duplicate?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  failedUserIds?: Resolver<ReadonlyArray<ResolversTypes['ID']>, ParentType, ContextType>;
  notificationId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  userErrors?: Resolver<ReadonlyArray<ResolversTypes['UserError']>, ParentType, ContextType>;
};

export type PublishNotificationsPayloadResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['PublishNotificationsPayload'] = ResolversParentTypes['PublishNotificationsPayload']> = {
  results?: Resolver<ReadonlyArray<Maybe<ResolversTypes['PublishNotificationPayload']>>, ParentType, ContextType>;
};

export type QueryResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  viewer?: Resolver<ResolversTypes['Viewer'], ParentType, ContextType>;
};

export type RevokeTokensPayloadResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['RevokeTokensPayload'] = ResolversParentTypes['RevokeTokensPayload']> = {
  issuedBefore?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type SessionRefreshPayloadResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['SessionRefreshPayload'] = ResolversParentTypes['SessionRefreshPayload']> = {
  viewer?: Resolver<ResolversTypes['Viewer'], ParentType, ContextType>;
};

export type StreamGapResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['StreamGap'] = ResolversParentTypes['StreamGap']> = {
  reason?: Resolver<ResolversTypes['StreamGapReason'], ParentType, ContextType>;
  since?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  until?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type SubscriptionResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  notificationReceived?: SubscriptionResolver<ResolversTypes['NotificationReceivedPayload'], "notificationReceived", ParentType, ContextType, Partial<SubscriptionNotificationReceivedArgs>>;
};

export type UserErrorResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['UserError'] = ResolversParentTypes['UserError']> = {
  code?: Resolver<ResolversTypes['PublishErrorCode'], ParentType, ContextType>;
  field?: Resolver<Maybe<ReadonlyArray<ResolversTypes['String']>>, ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type ViewerResolvers<ContextType = OperationContext, ParentType extends ResolversParentTypes['Viewer'] = ResolversParentTypes['Viewer']> = {
  cursor?: Resolver<ResolversTypes['Cursor'], ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  scopes?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  userId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
};

export type Resolvers<ContextType = OperationContext> = {
  BigInt?: GraphQLScalarType;
  CommentMention?: CommentMentionResolvers<ContextType>;
  Cursor?: GraphQLScalarType;
  DateTime?: GraphQLScalarType;
  IncidentAlert?: IncidentAlertResolvers<ContextType>;
  Message?: MessageResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  Notification?: NotificationResolvers<ContextType>;
  NotificationContent?: NotificationContentResolvers<ContextType>;
  NotificationEdge?: NotificationEdgeResolvers<ContextType>;
  NotificationReceivedPayload?: NotificationReceivedPayloadResolvers<ContextType>;
  OrderShipped?: OrderShippedResolvers<ContextType>;
  Parcel?: ParcelResolvers<ContextType>;
  PublishNotificationPayload?: PublishNotificationPayloadResolvers<ContextType>;
  PublishNotificationsPayload?: PublishNotificationsPayloadResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  RevokeTokensPayload?: RevokeTokensPayloadResolvers<ContextType>;
  SessionRefreshPayload?: SessionRefreshPayloadResolvers<ContextType>;
  StreamGap?: StreamGapResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  UserError?: UserErrorResolvers<ContextType>;
  Viewer?: ViewerResolvers<ContextType>;
};

export type DirectiveResolvers<ContextType = OperationContext> = {
  event?: EventDirectiveResolver<any, any, ContextType>;
};
