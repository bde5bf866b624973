import { type CompactJWSHeaderParameters, decodeJwt, decodeProtectedHeader } from 'jose';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Viewer } from '../viewer.ts';
import { readClaims } from './claims.ts';
import { type Fetch, KeysUnavailable } from './fetch-keys.ts';
import { createKeySet, jwksUrl } from './key-set.ts';
import type { IdentityOptions } from './options.ts';
import { secretKey } from './sign-token.ts';
import { checkPublished, checkSecret, type Keys, keyKind, type SignatureResult } from './signature.ts';
import { createVerifiedTokens } from './verified-tokens.ts';

/**
 * What a token is worth.
 * - `refused`: the token is bad, and stays so; the client needs another.
 * - `unavailable`: the issuer's keys cannot be had, so nobody can say; the same token may be good in a moment.
 * `message` is short and holds nothing of the token.
 */
export type Verification =
  | { readonly ok: true; readonly viewer: Viewer }
  | { readonly ok: false; readonly reason: 'refused' | 'unavailable'; readonly message: string };

/** Turns tokens into viewers. Never rejects; answers within about 5 s even where the key set endpoint hangs. */
export type TokenVerifier = { verify(token: string): Promise<Verification> };

export type VerifierDeps = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** @default Node's own */
  readonly fetch?: Fetch;
  /** Asked about every token that is good otherwise, known ones too. @default none is */
  readonly isRevoked?: (viewer: Viewer) => boolean;
};

/** A token with a thousand topics fits; nobody makes us hash or parse more. */
const maxTokenLength = 16 * 1024;
/** About 10 MB at most. */
const maxVerifiedTokens = 10_000;
/** Three base64url parts: anything else is no signed token, and jose is not asked. */
const compactForm = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const refuse = (message: string): Verification => ({ ok: false, reason: 'refused', message });

type Parsed = { readonly header: CompactJWSHeaderParameters; readonly claims: unknown };

const parse = (token: unknown): Parsed | string => {
  if (typeof token !== 'string' || token === '') return 'token is missing';
  if (token.length > maxTokenLength) return `token is longer than ${maxTokenLength} characters`;
  if (!compactForm.test(token)) return 'token is malformed';
  try {
    const header = decodeProtectedHeader(token) as CompactJWSHeaderParameters;
    // `crit` changes how the rest is to be read (an unencoded payload, for one), and no token that is a JWT needs it.
    return header.crit === undefined ? { header, claims: decodeJwt(token) } : 'token header is not supported';
  } catch {
    return 'token is malformed';
  }
};

const checkSignature = (
  token: string,
  header: CompactJWSHeaderParameters,
  keys: Keys,
): Promise<SignatureResult> | null => {
  const kind = keyKind(header.alg, keys);
  if (kind === 'secret' && keys.secret !== null) return checkSecret(token, keys.secret);
  if (kind === 'published' && keys.published !== null) return checkPublished(token, header, keys.published);
  return null;
};

/**
 * Creates the verifier. Throws CONFIG_INVALID when neither secret nor key set is given, the secret is shorter than 32 bytes, or the key
 * set's URL is neither https nor loopback. Verified tokens are kept (10,000 at most, until they expire or the published keys change).
 */
export const createVerifier = (options: IdentityOptions, deps: VerifierDeps): TokenVerifier => {
  const { clock, logger, fetch = globalThis.fetch, isRevoked = () => false } = deps;
  if (options.secret === null && options.jwksUrl === null)
    throw new GatewayError('CONFIG_INVALID', 'no way to verify tokens: set CARILLON_JWT_SECRET or CARILLON_JWKS_URL');
  const verified = createVerifiedTokens(maxVerifiedTokens);
  const secret = options.secret === null ? null : secretKey(options.secret);
  const url = options.jwksUrl === null ? null : jwksUrl(options.jwksUrl);
  const published = url === null ? null : createKeySet(url, { clock, fetch, logger, onChange: () => verified.clear() });
  const keys: Keys = { secret, published };

  const verifyAnew = async (token: string): Promise<Verification> => {
    const parsed = parse(token);
    if (typeof parsed === 'string') return refuse(parsed);
    // Claims first: a token that is bad whoever signed it is refused even while keys cannot be had, and causes no fetch.
    const reading = readClaims(parsed.claims, options, clock.now());
    if (!reading.ok) return refuse(reading.message);
    // The keys may change while the signature is checked: then the token counts this once, and is asked about by the new keys next time.
    const { generation } = verified;
    const signature = await checkSignature(token, parsed.header, keys);
    if (signature === null) return refuse('token algorithm is not allowed');
    if (signature === 'fails') return refuse('token signature does not match');
    // It may have expired while keys were fetched.
    if (reading.viewer.expiresAtMs <= clock.now()) return refuse('token has expired');
    verified.keep(token, reading.viewer, generation);
    return { ok: true, viewer: reading.viewer };
  };

  const onThrow = (cause: unknown): Verification => {
    if (!(cause instanceof KeysUnavailable))
      logger.error('token verification failed unexpectedly', {
        error: cause instanceof Error ? cause.name : 'unknown',
      });
    return { ok: false, reason: 'unavailable', message: 'tokens cannot be verified at the moment' };
  };

  const findVerified = (token: unknown): Viewer | null => {
    if (typeof token !== 'string' || token.length > maxTokenLength) return null;
    // Asked for hits too: without it, nobody would learn that a key was withdrawn while all tokens are known.
    if (published !== null && !published.isCurrent()) return null;
    return verified.find(token, clock.now());
  };

  return {
    async verify(token) {
      try {
        const known = findVerified(token);
        const verification = known === null ? await verifyAnew(token) : ({ ok: true, viewer: known } as const);
        if (verification.ok && isRevoked(verification.viewer)) return refuse('token was revoked');
        return verification;
      } catch (cause) {
        return onThrow(cause);
      }
    },
  };
};
