import type { GatewayError } from '../errors.ts';
import type { Envelope, GapReason, TopicName } from '../event.ts';
import type { DeliverSpan, SessionClass } from '../telemetry/facade.ts';
import type { Viewer } from '../viewer.ts';

/**
 * The front door between a transport (WebSocket, SSE) and the actors. The transport implements SessionLink and drives a SessionHandle;
 * the actors own state, order, queueing and time-outs; the transport owns grammar, rendering and bytes.
 */

/** What a subscription wants to see; already validated and authorised against the viewer's topic claim. */
export type StreamFilter = {
  readonly viewer: boolean;
  readonly everyone: boolean;
  readonly topics: readonly TopicName[];
  /** Event types to deliver; null = all. */
  readonly types: ReadonlySet<string> | null;
};

/** What one `next` says. `cursor` is opaque; `isLive` false while catching up. */
export type Payload =
  | { readonly kind: 'event'; readonly envelope: Envelope; readonly cursor: string; readonly isLive: boolean }
  | {
      readonly kind: 'gap';
      readonly reason: GapReason;
      readonly sinceMs: number | null;
      readonly untilMs: number | null;
      readonly cursor: string;
      readonly isLive: boolean;
    }
  | { readonly kind: 'checkpoint'; readonly cursor: string; readonly isLive: boolean };

/** One payload on its way to one operation of a session, which is named by its number there. */
export type Delivery = {
  readonly operation: number;
  readonly payload: Payload;
  readonly trace: DeliverSpan | null;
};

/** Deliveries, oldest first; at least one. Sessions that get the same get the same object. */
export type Batch = {
  readonly deliveries: readonly Delivery[];
  /** The one operation that all are for; null: several. */
  readonly operation: number | null;
  /** Whether one of them has a trace. */
  readonly isTraced: boolean;
};

/** An operation as the transport knows it. `plan` is what it gave at subscribe. */
export type StreamOperation = { readonly operationId: string; readonly plan: unknown };

/** The operations of one session, by the numbers that deliveries have for them. */
export type NumberedOperations = {
  /** Throws for a number that names none: a bug. */
  at(operation: number): StreamOperation;
};

/** Why a session ended; each has one close code in `graphql/close-codes.ts`. */
export type SessionEndReason =
  | 'client_closed'
  | 'init_timeout'
  | 'init_repeated'
  | 'token_refused'
  | 'token_expired'
  | 'revoked'
  | 'overloaded'
  | 'too_many_sockets'
  | 'stalled'
  | 'heartbeat_missed'
  | 'superseded'
  | 'draining'
  | 'protocol_violation'
  | 'actor_failed'
  | 'stopped';

/** Heartbeat and acknowledgement in one. */
export type Marker = {
  /** What the peer is to echo: rises by one. */
  readonly counter: number;
  /** How long the token is still good for, where that is short. */
  readonly tokenExpiresInMs: number | null;
  /** Nothing was heard for a while: whatever there is at the other end is to answer, not its application alone. */
  readonly isProbe: boolean;
};

/** Implemented by the transport, called by the session actor. No method throws; after `close` or `terminate` all are no-ops. */
export type SessionLink = {
  /** Sends `connection_ack` (WebSocket) or nothing (SSE). Called once. */
  acknowledge(): void;
  /** Renders and writes, in order, in one write. Called from the flush of a tick, never from dispatch. */
  deliver(batch: Batch, operations: NumberedOperations): void;
  /** Bytes handed over and not yet taken by the kernel. */
  readonly bufferedBytes: number;
  mark(marker: Marker): void;
  /** Ends the operation with an `error` for its id: a subscription that has just ended, or SSE's only one. The session lives on. */
  fail(operationId: string, error: GatewayError): void;
  /** Closes with the reason's code after what was delivered. */
  close(reason: SessionEndReason): void;
  /** Cuts the connection at once. */
  terminate(): void;
};

/** Driven by the transport. */
export type SessionHandle = {
  readonly viewer: Viewer | null;
  /** True from `connection_ack` on: operations may run. */
  readonly isActive: boolean;
  /** `connection_init` came. False: it came before (the session closes itself with `init_repeated`). */
  initReceived(): boolean;
  /** The token was verified; the session is admitted in its turn and `acknowledge` is called. */
  authenticated(viewer: Viewer): void;
  /** The token was refused, or could not be verified. */
  refused(reason: 'token_refused' | 'overloaded'): void;
  /** A new identity in place. Subscriptions that lost their right end by `fail`. */
  refreshed(viewer: Viewer): void;
  /** Starts a subscription under an operation id that is free in this session; a refusal is returned, never thrown. */
  subscribe(request: SubscribeRequest): GatewayError | null;
  /** Ends a subscription; unknown ids are ignored. */
  unsubscribe(operationId: string): void;
  /** Whether `operationId` names a running subscription. */
  has(operationId: string): boolean;
  /** How many run. */
  readonly subscriptionCount: number;
  /** The peer echoed marker `counter`, by protocol pong (`echo`) or RFC 6455 pong (`bare`). */
  echoed(counter: number, by: SessionClass): void;
  /** Anything at all came from the peer: it is there. */
  heard(): void;
  /** `bufferedBytes` fell to zero or under half of the high-water mark. */
  drained(): void;
  /** The connection is gone, or the transport saw a violation and closed it. Idempotent. */
  closed(reason: SessionEndReason): void;
};

export type SubscribeRequest = {
  readonly operationId: string;
  readonly filter: StreamFilter;
  /** First position; null = now. */
  readonly after: string | null;
  /** Opaque to the actors, returned with each delivery. */
  readonly plan: unknown;
  /**
   * What a client that reconnects by itself brings again, the same for nobody else: user, operation id (a UUID), document and filter in one. Null:
   * this operation is not recognised when it comes back.
   */
  readonly resumeKey: string | null;
};

/** Opens sessions; one per socket or SSE stream. */
export type Sessions = {
  open(link: SessionLink, options: { kind: 'websocket' | 'sse' }): SessionHandle;
  /** The node's tail as a cursor: "now". */
  currentCursor(): string;
  readonly isDraining: boolean;
};
