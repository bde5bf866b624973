import type { Publisher } from '../actors/publishing.ts';
import type { SessionHandle, Sessions } from '../actors/session.ts';
import type { TraceContext } from '../event.ts';
import type { TokenRevocation, Viewer } from '../viewer.ts';
import type { ReadPublishInput } from './schema/index.ts';

/** What a token turns out to be. `unavailable`: it could not be checked; the same token may pass later. */
export type Verification =
  | { readonly ok: true; readonly viewer: Viewer }
  | { readonly ok: false; readonly reason: 'refused' | 'unavailable'; readonly message: string };

/** Verifies one token. Never rejects. */
export type VerifyToken = (token: string) => Promise<Verification>;

/** What resolvers use beyond their arguments; the same for every operation of a server. */
export type OperationServices = {
  readonly sessions: Sessions;
  readonly publisher: Publisher;
  readonly verify: VerifyToken;
  /** Makes tokens count no more; rejects with a GatewayError. */
  readonly revoke: (revocation: TokenRevocation) => Promise<void>;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  readonly publishInput: ReadPublishInput;
  /** The policy's key of those who may share renderings. May throw: that refuses the subscribe. */
  readonly scopeOf: (viewer: Viewer) => string;
};

/** One query or mutation as resolvers see it. */
export type OperationContext = {
  readonly services: OperationServices;
  /** Null only for introspection. */
  readonly viewer: Viewer | null;
  /** The socket's session; null over HTTP. */
  readonly session: SessionHandle | null;
  /** The caller's trace, already cleared of callers without the publish scope. */
  readonly trace: TraceContext | null;
};
