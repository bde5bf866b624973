import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { createVerifier, defaultClaims, type IdentityOptions, type TokenVerifier } from '../../src/identity/index.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createSimulatedClock, type SimulatedClock } from '../support/simulated-clock.ts';

/** A signing key of an issuer, with what it publishes of it. */
export type IssuerKey = {
  readonly jwk: JWK;
  sign(claims: JWTPayload, header?: { kid?: string | null }): Promise<string>;
};

/** Makes a real key pair for `alg`. */
export const issuerKey = async (alg: string, kid: string): Promise<IssuerKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return {
    jwk,
    sign(claims, header = {}) {
      const named = header.kid === null ? {} : { kid: header.kid ?? kid };
      return new SignJWT(claims).setProtectedHeader({ alg, ...named }).sign(privateKey);
    },
  };
};

export const secret = 'a secret of the tests, with more than 32 bytes';

export const options: IdentityOptions = { secret: null, jwksUrl: null, issuer: null, audience: null, ...defaultClaims };

/** A verifier on a simulated clock, with the lines that it logged. */
export const verifierOf = (
  overrides: Partial<IdentityOptions>,
  clock: SimulatedClock = createSimulatedClock(),
): { verifier: TokenVerifier; clock: SimulatedClock; lines: string[]; claims(more?: JWTPayload): JWTPayload } => {
  const lines: string[] = [];
  const logger = createLogger({ clock, stream: { write: (line) => lines.push(line) } });
  const verifier = createVerifier({ ...options, ...overrides }, { clock, logger });
  const claims = (more: JWTPayload = {}): JWTPayload => ({ sub: 'ada', exp: clock.now() / 1000 + 600, ...more });
  return { verifier, clock, lines, claims };
};

/** A token of `header` and `claims` as they are, with `signature` for its third part. */
export const rawToken = (header: unknown, claims: unknown, signature = 'c2ln'): string =>
  `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
