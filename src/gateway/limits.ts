import type { CoreOptions } from '../actors/index.ts';
import type { Limits } from '../config.ts';
import type { GraphqlLimits } from '../graphql/index.ts';

/** Which room holds which limit. */

/** The limits of the actors. */
export const coreLimits = (limits: Limits): Partial<CoreOptions> => ({
  initTimeoutMs: limits.INIT_TIME,
  ackDeadlineMs: limits.ACK_TIME,
  heartbeatMs: limits.HEARTBEAT_TIME,
  progressDeadlineMs: limits.LAGGING_TIME,
  stalledDeadlineMs: limits.STALLED_TIME,
  awayWindowMs: limits.AWAY_TIME,
  maxSocketsPerUser: limits.SOCKETS_PER_USER,
  maxSubscriptionsPerSession: limits.OPERATIONS,
  admissionsPerSecond: limits.ACKS_PER_SECOND,
  admissionBurst: limits.ACKS_PER_SECOND,
  maxWaitingAdmissions: limits.WAITING_ACKS,
  outboxHighWaterBytes: limits.OUTBOX_BYTES,
  publishPerSecond: limits.PUBLISHES_PER_SECOND,
  publishBurst: limits.PUBLISH_BURST,
  maxEventBytes: limits.EVENT_BYTES,
});

/** The limits of the transports. */
export const transportLimits = (limits: Limits): Partial<GraphqlLimits> => ({
  documents: {
    maxTokens: limits.DOCUMENT_TOKENS,
    maxDepth: limits.DOCUMENT_DEPTH,
    maxFields: limits.DOCUMENT_FIELDS,
    maxRootFields: limits.DOCUMENT_ROOT_FIELDS,
    maxAliases: limits.DOCUMENT_ALIASES,
    maxDirectives: limits.DOCUMENT_DIRECTIVES,
  },
  maxHeaderBytes: limits.HEADER_BYTES,
  maxFrameBytes: limits.FRAME_BYTES,
  messages: { perSecond: limits.MESSAGES_PER_SECOND, burst: limits.MESSAGE_BURST },
  maxOperations: limits.OPERATIONS,
  maxOpeningPerAddress: limits.OPENING_SOCKETS,
  upgradesPerSecond: limits.UPGRADES_PER_SECOND,
  maxWaitingUpgrades: limits.WAITING_ACKS,
  maxBodyBytes: limits.BODY_BYTES,
  maxPublishBodyBytes: limits.PUBLISH_BODY_BYTES,
  requestDeadlineMs: limits.REQUEST_TIME,
});
