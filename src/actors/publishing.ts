import type { NotificationId, TopicName, TraceContext, UserId } from '../event.ts';
import type { Viewer } from '../viewer.ts';

/** Publishing as the mutation calls it. Content is validated by then; authorisation, id, idempotency and append happen behind it. */

export type PublishAudience =
  | { readonly kind: 'users'; readonly userIds: readonly UserId[] }
  | { readonly kind: 'topic'; readonly topic: TopicName }
  | { readonly kind: 'everyone' };

export type PublishRequest = {
  readonly viewer: Viewer;
  readonly audience: PublishAudience;
  readonly type: string;
  readonly title: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly idempotencyKey: string | null;
  readonly expiresAtMs: number | null;
  /** The caller's trace context, from the request's headers. */
  readonly parent: TraceContext | null;
};

export type PublishErrorCode =
  | 'INVALID_CONTENT'
  | 'UNKNOWN_TOPIC'
  | 'TOO_LARGE'
  | 'TOO_MANY_USERS'
  | 'FORBIDDEN_AUDIENCE'
  | 'RATE_LIMITED'
  | 'IDEMPOTENCY_CONFLICT';

export type PublishUserError = {
  readonly code: PublishErrorCode;
  /** Path below `input`, null where no single field is at fault. */
  readonly field: readonly string[] | null;
  readonly message: string;
};

export type PublishResult = {
  readonly notificationId: NotificationId | null;
  readonly isDuplicate: boolean;
  /** Users whose append failed while another's succeeded: repeat with the same idempotency key. */
  readonly failedUserIds: readonly UserId[];
  readonly userErrors: readonly PublishUserError[];
};

export type Publisher = {
  /** Rejects with a GatewayError (LOG_UNAVAILABLE, OVERLOADED, DRAINING) and its `outcome` when nothing is known to be written. */
  publish(request: PublishRequest): Promise<PublishResult>;
};
