import type { SessionEndReason } from '../actors/session.ts';

/**
 * Close codes, chosen against what stock clients do with them: they never retry 1011, 4400, 4401, 4406, 4409, 4429 and 4500, retry 4403 with
 * fresh connection params, and retry 1012 and 1013 with back-off. 1000 with live subscriptions makes them loop without pause.
 */

/** A WebSocket close: code, and a reason of at most 123 bytes (RFC 6455 §5.5.1). */
export type Close = { readonly code: number; readonly reason: string };

const maxReasonBytes = 123;

/** Violations of the protocol that the transport itself sees; the session then ends as `protocol_violation`. */
export const violations = {
  /** [GQLWS-8.1] to [GQLWS-8.5]. */
  badMessage: (why: string): Close => ({ code: 4400, reason: fitReason(why) }),
  /** [GQLWS-4.1]. */
  unauthorized: { code: 4401, reason: 'Unauthorized: subscribe comes after connection_ack' },
  /** [GQLWS-1.2]. */
  wrongSubprotocol: { code: 4406, reason: 'Subprotocol not acceptable: use graphql-transport-ws' },
  /** [GQLWS-4.2]. */
  idTaken: (id: string): Close => ({ code: 4409, reason: takenReason(id) }),
  tooManyMessages: { code: 1013, reason: 'Too many messages: slow down' },
} as const;

const closes: Readonly<Record<SessionEndReason, Close>> = {
  client_closed: { code: 1000, reason: 'Closed by the client' },
  // [GQLWS-2.3] [GQLWS-2.4] [GQLWS-2.5]
  init_timeout: { code: 4408, reason: 'Connection initialisation timeout' },
  init_repeated: { code: 4429, reason: 'Too many initialisation requests' },
  token_refused: { code: 4403, reason: 'Forbidden: the token is missing or refused' },
  token_expired: { code: 4403, reason: 'Forbidden: the token has expired' },
  revoked: { code: 4403, reason: 'Forbidden: the token was revoked' },
  overloaded: { code: 1013, reason: 'Overloaded: try again later' },
  too_many_sockets: { code: 1013, reason: 'Too many sockets of this user' },
  stalled: { code: 1013, reason: 'Stalled: nothing was read for too long' },
  heartbeat_missed: { code: 1013, reason: 'No answer to the last ping' },
  superseded: { code: 1013, reason: 'Taken over by a newer connection' },
  draining: { code: 1012, reason: 'Restarting: reconnect' },
  protocol_violation: { code: 4400, reason: 'Bad request' },
  actor_failed: { code: 1012, reason: 'The session failed: reconnect' },
  stopped: { code: 1012, reason: 'Stopped: reconnect' },
};

/** Every reason there is. */
export const sessionEndReasons = Object.keys(closes) as readonly SessionEndReason[];

/** The close that tells the peer of `reason`. */
export const closeOf = (reason: SessionEndReason): Close => closes[reason];

/** `text`, cut to what a close frame can carry without tearing a character. */
export const fitReason = (text: string): string => {
  if (Buffer.byteLength(text) <= maxReasonBytes) return text;
  let cut = Buffer.from(text).toString('utf8', 0, maxReasonBytes - 3);
  while (cut.endsWith('\ufffd')) cut = cut.slice(0, -1);
  return `${cut}…`;
};

const takenReason = (id: string): string => {
  const whole = `Subscriber for ${id} already exists`;
  return Buffer.byteLength(whole) <= maxReasonBytes ? whole : fitReason(`Subscriber already exists for ${id}`);
};
