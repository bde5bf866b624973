import { GatewayError } from '../errors.ts';
import { parseRfc3339 } from '../rfc3339.ts';
import { scopes, type TokenRevocation } from '../viewer.ts';
import type { OperationContext } from './operation-context.ts';

/** The mutation `revokeTokens`: from its input to a revocation, for whom the token lets do it. */

/** The coerced input; times are milliseconds since 1970. */
export type RevokeTokensArguments = {
  readonly input: {
    readonly of: {
      readonly userId?: string | null;
      readonly sessionId?: string | null;
      readonly tokenId?: string | null;
    };
    readonly issuedBefore?: string | null;
  };
};

const whoseOf = ({ of }: RevokeTokensArguments['input']): Pick<TokenRevocation, 'kind' | 'id'> => {
  if (typeof of.userId === 'string') return { kind: 'user', id: of.userId };
  if (typeof of.sessionId === 'string') return { kind: 'session', id: of.sessionId };
  return { kind: 'token', id: of.tokenId ?? '' };
};

/** Revokes, and resolves with the payload once that is durable. Rejects with FORBIDDEN without the admin scope, else as the revocation does. */
export const revokeTokens = async (
  _: unknown,
  { input }: RevokeTokensArguments,
  { viewer, services }: OperationContext,
): Promise<unknown> => {
  if (viewer === null || !viewer.scopes.has(scopes.admin))
    throw new GatewayError('FORBIDDEN', `revoking tokens needs the scope ${scopes.admin}`);
  const issuedBeforeMs = input.issuedBefore == null ? services.now() : (parseRfc3339(input.issuedBefore) ?? Number.NaN);
  await services.revoke({ ...whoseOf(input), issuedBeforeMs });
  return { issuedBefore: issuedBeforeMs };
};
