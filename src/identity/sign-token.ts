import { createSecretKey } from 'node:crypto';
import { type CryptoKey, SignJWT } from 'jose';
import { type Clock, systemClock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { defaultClaims } from './options.ts';

/** What a token is to say. Claim names default to those of `defaultClaims`. */
export type TokenClaims = {
  readonly user: string;
  readonly scopes?: readonly string[];
  readonly topics?: readonly string[];
  /** How long the token is good for, from now. Negative: it has expired already, for tests. */
  readonly expiresInSeconds: number;
  readonly issuer?: string | null;
  readonly audience?: string | null;
  readonly tokenId?: string | null;
  readonly sessionId?: string | null;
  readonly userClaim?: string;
  readonly scopeClaim?: string;
  readonly topicsClaim?: string;
};

/** The fewest bytes an HS256 secret may have (RFC 7518 §3.2: at least the size of the hash). */
export const minSecretBytes = 32;

/** The key that a secret stands for. Throws CONFIG_INVALID when it is shorter than 32 bytes. */
export const secretKey = (secret: string): CryptoKey => {
  const bytes = Buffer.from(secret);
  if (bytes.length < minSecretBytes)
    throw new GatewayError(
      'CONFIG_INVALID',
      `the token secret has ${bytes.length} bytes: set CARILLON_JWT_SECRET to at least ${minSecretBytes}`,
    );
  // In this form the key is set up once; as bytes, for every token.
  const key = createSecretKey(bytes).toCryptoKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  // Node's type of it knows usages that jose's does not.
  return key as CryptoKey;
};

/** Signs an HS256 token, for the command line, development and tests. Rejects with CONFIG_INVALID when the secret is too short. */
export const signToken = async (secret: string, claims: TokenClaims, clock: Clock = systemClock): Promise<string> => {
  const key = secretKey(secret);
  const { userClaim, scopeClaim, topicsClaim } = { ...defaultClaims, ...claims };
  const payload: Record<string, unknown> = { [userClaim]: claims.user };
  if (claims.scopes !== undefined && claims.scopes.length > 0) payload[scopeClaim] = claims.scopes.join(' ');
  if (claims.topics !== undefined && claims.topics.length > 0) payload[topicsClaim] = claims.topics;
  if (claims.issuer) payload['iss'] = claims.issuer;
  if (claims.audience) payload['aud'] = claims.audience;
  if (claims.tokenId) payload['jti'] = claims.tokenId;
  if (claims.sessionId) payload['sid'] = claims.sessionId;
  const issuedAt = Math.floor(clock.now() / 1000);
  payload['iat'] = issuedAt;
  payload['exp'] = issuedAt + claims.expiresInSeconds;
  return new SignJWT(payload).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(key);
};
