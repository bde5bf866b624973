import type { TopicName, UserId } from './event.ts';

/** A verified identity: what a token said, once. Immutable; a refresh makes a new one. */
export type Viewer = {
  readonly userId: UserId;
  readonly scopes: ReadonlySet<string>;
  /** Globs from the topics claim: `*` is one `.`-segment, `**` the rest. Empty = no topics. */
  readonly topics: readonly string[];
  /** Milliseconds since 1970 at which the token ends. */
  readonly expiresAtMs: number;
  /** `iss` of the token, empty where it has none; part of the idempotency key. */
  readonly issuer: string;
  /** `jti`, for revocation. */
  readonly tokenId: string | null;
  /** `sid`, the session at the issuer, for revocation. */
  readonly sessionId: string | null;
  /** `iat` in milliseconds since 1970; null where the token has none. */
  readonly issuedAtMs: number | null;
};

/** Tokens that count no more: those of a user, of a session at the issuer, or one, as far as they were issued before a time. */
export type TokenRevocation = {
  readonly kind: 'user' | 'session' | 'token';
  /** User id, `sid` or `jti`: 1 to 256 bytes. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly issuedBeforeMs: number;
};

/** The scopes that Carillon knows. */
export const scopes = {
  publish: 'notifications:publish',
  publishEveryone: 'notifications:publish:everyone',
  admin: 'notifications:admin',
} as const;

const segmentMatches = (glob: readonly string[], name: readonly string[]): boolean => {
  for (let i = 0; i < glob.length; i++) {
    if (glob[i] === '**') return i < name.length;
    if (i >= name.length || (glob[i] !== '*' && glob[i] !== name[i])) return false;
  }
  return glob.length === name.length;
};

/** Whether the viewer's topic claim allows following `topic`. `**` needs at least one segment in its place. */
export const mayFollow = (viewer: Viewer, topic: TopicName): boolean => {
  const name = topic.split('.');
  return viewer.topics.some((glob) => segmentMatches(glob.split('.'), name));
};
