import { signToken } from '../../src/identity/index.ts';
import { testSecret } from './gateway.ts';

/** A token that gateways in tests accept, good for an hour. */
export const testToken = (
  user: string,
  claims: {
    readonly scopes?: readonly string[];
    readonly topics?: readonly string[];
    readonly seconds?: number;
    readonly tokenId?: string;
    readonly sessionId?: string;
  } = {},
): Promise<string> =>
  signToken(testSecret, {
    user,
    scopes: claims.scopes ?? [],
    topics: claims.topics ?? [],
    expiresInSeconds: claims.seconds ?? 3600,
    tokenId: claims.tokenId ?? null,
    sessionId: claims.sessionId ?? null,
  });
