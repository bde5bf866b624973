import { buildSchema, type GraphQLSchema } from 'graphql';

/** A schema of the peers that are written in GraphQL: what the benchmark's document selects of the product's, with the same types. */

const sdl = `
  scalar DateTime
  scalar Cursor
  type Query { viewer: String }
  type Subscription { notificationReceived: NotificationReceivedPayload! }
  type NotificationReceivedPayload { cursor: Cursor! edge: NotificationEdge gap: StreamGap isLive: Boolean! }
  type NotificationEdge { cursor: Cursor! node: Notification! }
  type StreamGap { reason: String! }
  type Notification { id: ID! type: String! createdAt: DateTime! title: String! body: String url: String }
`;

/** The schema, with the stream's source. What a stream yields is the payload itself. */
export const stockSchema = (subscribe: () => AsyncIterable<unknown>): GraphQLSchema => {
  const schema = buildSchema(sdl);
  const field = schema.getSubscriptionType()?.getFields()['notificationReceived'];
  if (field === undefined) throw new Error('the schema has no stream');
  field.subscribe = subscribe;
  field.resolve = (payload: unknown) => payload;
  return schema;
};
