import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { testToken } from '../support/token.ts';

/** What a token of the campaign says. */
export type Claims = { readonly scopes?: readonly string[]; readonly topics?: readonly string[] };

/** Where tokens come from: half of the clients bring the shared secret's, half those of an issuer whose keys gateways fetch. */
export type Issuer = {
  readonly jwksUrl: string;
  /** Lets the issuer's key set hang, or answer again. */
  away(isAway: boolean): void;
  token(user: string, how: 'secret' | 'published', claims?: Claims): Promise<string>;
  close(): Promise<void>;
};

/** Starts the issuer's endpoint. */
export const startIssuer = async (): Promise<Issuer> => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const server: JwksServer = await startJwksServer([{ ...(await exportJWK(publicKey)), kid: 'chaos', alg: 'ES256' }]);
  return {
    jwksUrl: server.url,
    away: (isAway) => server.answer(isAway ? 'hang' : 'keys'),
    token(user, how, claims = {}) {
      if (how === 'secret') return testToken(user, claims);
      return new SignJWT({ scope: (claims.scopes ?? []).join(' '), topics: claims.topics ?? [] })
        .setProtectedHeader({ alg: 'ES256', kid: 'chaos' })
        .setSubject(user)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey);
    },
    close: () => server.close(),
  };
};
