/**
 * Every operational error of the gateway, in one catalogue. A GatewayError is what a caller may act on; anything else that
 * is thrown is a bug and is masked.
 */

type Entry = { readonly retryable: boolean };

/** Code -> whether the same call may be repeated. The codes are `extensions.code` in GraphQL and stable for clients. */
export type ErrorCode =
  | 'LOG_UNAVAILABLE'
  | 'DRAINING'
  | 'OVERLOADED'
  | 'RATE_LIMITED'
  | 'TOPIC_FORBIDDEN'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_A_SESSION'
  | 'BAD_USER_INPUT'
  | 'TOO_LARGE'
  | 'CONFIG_INVALID'
  | 'ALREADY_LOCKED'
  | 'INTERNAL_SERVER_ERROR';

export const catalogue: Readonly<Record<ErrorCode, Entry>> = {
  LOG_UNAVAILABLE: { retryable: true },
  DRAINING: { retryable: true },
  OVERLOADED: { retryable: true },
  RATE_LIMITED: { retryable: true },
  TOPIC_FORBIDDEN: { retryable: false },
  UNAUTHENTICATED: { retryable: false },
  FORBIDDEN: { retryable: false },
  NOT_A_SESSION: { retryable: false },
  BAD_USER_INPUT: { retryable: false },
  TOO_LARGE: { retryable: false },
  CONFIG_INVALID: { retryable: false },
  ALREADY_LOCKED: { retryable: false },
  INTERNAL_SERVER_ERROR: { retryable: true },
};

/** Whether a failed publish may have reached the log. */
export type PublishOutcome = 'not_written' | 'unknown';

type Details = { cause?: unknown; retryAfterMs?: number; outcome?: PublishOutcome };

/** An operational error: lower case, names the thing and the value, says what to do. Never holds secrets. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly outcome: PublishOutcome | undefined;

  constructor(code: ErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
    this.outcome = details.outcome;
  }

  get isRetryable(): boolean {
    return catalogue[this.code].retryable;
  }

  /** Whether the process cannot start until a person has changed something: EX_CONFIG (78) of sysexits.h. */
  get isForPerson(): boolean {
    return this.code === 'CONFIG_INVALID' || this.code === 'ALREADY_LOCKED';
  }
}
