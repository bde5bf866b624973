import type { GraphQLFieldResolver } from 'graphql';
import type { Payload } from '../actors/session.ts';
import type { Envelope } from '../event.ts';

/** What payloads show of what the actors deliver. Synchronous and the same for every viewer: renderings are shared. */

type Resolvers<Source> = Readonly<Record<string, GraphQLFieldResolver<Source, unknown>>>;
type EventPayload = Extract<Payload, { kind: 'event' }>;
type GapPayload = Extract<Payload, { kind: 'gap' }>;

const subscription: Resolvers<Payload> = { notificationReceived: (payload) => payload };

const payload: Resolvers<Payload> = {
  cursor: (step) => step.cursor,
  edge: (step) => (step.kind === 'event' ? step : null),
  gap: (step) => (step.kind === 'gap' ? step : null),
  isLive: (step) => step.isLive,
};

const edge: Resolvers<EventPayload> = { cursor: (step) => step.cursor, node: (step) => step.envelope };

const gap: Resolvers<GapPayload> = {
  reason: (step) => step.reason,
  since: (step) => step.sinceMs,
  until: (step) => step.untilMs,
};

const audienceKinds = { user: 'USER', topic: 'TOPIC', everyone: 'EVERYONE' } as const;

const notification: Resolvers<Envelope> = {
  id: (envelope) => envelope.id,
  type: (envelope) => envelope.type,
  createdAt: (envelope) => envelope.createdAtMs,
  expiresAt: (envelope) => envelope.expiresAtMs,
  audience: (envelope) => audienceKinds[envelope.audience.kind],
  topic: (envelope) => (envelope.audience.kind === 'topic' ? envelope.audience.topic : null),
  title: (envelope) => envelope.display.title,
  body: (envelope) => envelope.display.body,
  url: (envelope) => envelope.display.url,
  content: (envelope) => envelope.content,
};

/** By type name. */
export const payloadResolvers: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Subscription: subscription,
  NotificationReceivedPayload: payload,
  NotificationEdge: edge,
  StreamGap: gap,
  Notification: notification,
};
