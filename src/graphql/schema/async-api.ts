import { type GraphQLSchema, isObjectType } from 'graphql';
import type { EventType } from './event-types.ts';
import { type JsonSchema, JsonSchemaWriter } from './json-schema.ts';

/** What the document says of one deployment. */
export type AsyncApiOptions = {
  /** Kafka topic that producers write to. */
  readonly topic: string;
  /** Version of the contract, for `info.version`. */
  readonly version: string;
};

const text = (description: string, more: JsonSchema = {}): JsonSchema => ({ type: 'string', description, ...more });

/** CloudEvents 1.0 in binary mode, as Kafka headers. */
const headersOf = (type: string): JsonSchema => ({
  type: 'object',
  required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type'],
  properties: {
    ce_specversion: text('CloudEvents version.', { const: '1.0' }),
    ce_id: text('Unique within the source; with it repeats are recognised.'),
    ce_source: text('Who produced the event.', { format: 'uri-reference' }),
    ce_type: text('Names the event type.', { const: type }),
    ce_time: text('When it happened; else the time of the record counts.', { format: 'date-time' }),
    ce_expirytime: text('When it loses its meaning; it is not delivered from then on.', { format: 'date-time' }),
    ce_audience: text('Whom it is addressed to.', { enum: ['user', 'topic', 'everyone'], default: 'user' }),
    ce_subject: text('The user id or topic name. For a user the key of the record stands in for it.'),
    ce_title: text('One line to show on nodes that do not know the type yet.'),
    'content-type': text('Media type of the value.', { default: 'application/json' }),
    traceparent: text('W3C trace context; deliveries continue this trace.'),
    tracestate: text('W3C trace state.'),
  },
});

const recordMessage = (event: EventType): JsonSchema => ({
  name: event.typename,
  title: event.typename,
  ...(event.node.description === undefined ? {} : { summary: event.node.description.value }),
  contentType: 'application/json',
  headers: headersOf(event.type),
  payload: { $ref: `#/components/schemas/${event.typename}` },
  bindings: {
    kafka: { key: text('The user id, or anything where ce_subject is given.'), bindingVersion: '0.5.0' },
  },
});

const recordsChannel = (events: readonly EventType[], topic: string): JsonSchema => ({
  address: topic,
  description: 'Events as producers write them: CloudEvents 1.0, binary mode.',
  messages: Object.fromEntries(events.map(({ typename }) => [typename, { $ref: `#/components/messages/${typename}` }])),
  bindings: { kafka: { topic, bindingVersion: '0.5.0' } },
});

const subscriptionChannel: JsonSchema = {
  address: '/graphql',
  description:
    'GraphQL over WebSocket, subprotocol graphql-transport-ws: `subscription { notificationReceived { … } }`. The payload is what a document that selects everything gets.',
  messages: { notificationReceived: { $ref: '#/components/messages/NotificationReceived' } },
  bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
};

const notificationMessage: JsonSchema = {
  name: 'NotificationReceived',
  summary: 'One step of the stream: an event, a gap or a checkpoint.',
  contentType: 'application/json',
  payload: { $ref: '#/components/schemas/NotificationReceivedPayload' },
};

const schemasOf = (schema: GraphQLSchema): Readonly<Record<string, JsonSchema>> => {
  const writer = new JsonSchemaWriter({ refPrefix: '#/components/schemas/', hasTypename: true });
  const payload = schema.getType('NotificationReceivedPayload');
  if (!isObjectType(payload)) throw new Error('NotificationReceivedPayload is not in the schema');
  // Reaches every event type, through the union of contents.
  writer.reference(payload);
  return writer.definitions();
};

/** The AsyncAPI 3.0 document: the gateway receives records from the topic and sends payloads to subscribers. */
export const asyncApiOf = (
  schema: GraphQLSchema,
  events: readonly EventType[],
  { topic, version }: AsyncApiOptions,
): JsonSchema => ({
  asyncapi: '3.0.0',
  info: {
    title: 'Carillon notifications',
    version,
    description: 'Events that services publish and frontends receive. Derived from the GraphQL schema.',
  },
  defaultContentType: 'application/json',
  channels: { records: recordsChannel(events, topic), subscription: subscriptionChannel },
  operations: {
    receiveRecords: { action: 'receive', channel: { $ref: '#/channels/records' } },
    sendNotifications: { action: 'send', channel: { $ref: '#/channels/subscription' } },
  },
  components: {
    messages: {
      ...Object.fromEntries(events.map((event) => [event.typename, recordMessage(event)])),
      NotificationReceived: notificationMessage,
    },
    schemas: schemasOf(schema),
  },
});
