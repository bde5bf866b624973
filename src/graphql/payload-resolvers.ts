import type { Payload } from '../actors/session.ts';
import type {
  NotificationEdgeResolvers,
  NotificationReceivedPayloadResolvers,
  NotificationResolvers,
  StreamGapResolvers,
} from './__generated__/resolvers.ts';

/** What payloads show of what the actors deliver. Synchronous and the same for every viewer: renderings are shared. */

/** Source of `NotificationEdge`. */
export type EventPayload = Extract<Payload, { kind: 'event' }>;
/** Source of `StreamGap`. */
export type GapPayload = Extract<Payload, { kind: 'gap' }>;

const subscription = { notificationReceived: (step: Payload) => step };

const payload: NotificationReceivedPayloadResolvers = {
  cursor: (step) => step.cursor,
  edge: (step) => (step.kind === 'event' ? step : null),
  gap: (step) => (step.kind === 'gap' ? step : null),
  isLive: (step) => step.isLive,
};

const edge: NotificationEdgeResolvers = { cursor: (step) => step.cursor, node: (step) => step.envelope };

const gap: StreamGapResolvers = {
  reason: (step) => step.reason,
  since: (step) => step.sinceMs,
  until: (step) => step.untilMs,
};

const audienceKinds = { user: 'USER', topic: 'TOPIC', everyone: 'EVERYONE' } as const;

const notification: NotificationResolvers = {
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
