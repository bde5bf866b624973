/** How tokens are verified. Secret, key set or both; with neither there is no identity, and `createVerifier` refuses. */
export type IdentityOptions = {
  /** Shared secret of HS256 tokens, at least 32 bytes of UTF-8; null = no such tokens. */
  readonly secret: string | null;
  /** Where the issuer's public keys are: https, or http on a loopback address; null = no such tokens. */
  readonly jwksUrl: string | null;
  /** What `iss` must be, exactly; null = any or none. */
  readonly issuer: string | null;
  /** What `aud` must be, or hold, exactly; null = any or none. */
  readonly audience: string | null;
  /** The claim that holds the user id: its name, else a `.`-separated path of names. @default 'sub' */
  readonly userClaim: string;
  /** The claim that holds the scopes, as array or space-separated string. @default 'scope' */
  readonly scopeClaim: string;
  /** The claim that holds the topic globs, as array or space-separated string. @default 'topics' */
  readonly topicsClaim: string;
};

/** Names of the claims where the deployer says nothing. */
export const defaultClaims = { userClaim: 'sub', scopeClaim: 'scope', topicsClaim: 'topics' } as const;
