import type { Clock } from '../clock.ts';

/** Client credentials (RFC 6749, 4.4) that get tokens for SASL/OAUTHBEARER. */
export type OauthClient = {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | null;
};

/** The part of `fetch` that is used. */
export type FetchToken = (url: string, init: RequestInit) => Promise<Response>;

type TokenDeps = { readonly clock: Clock; readonly fetch: FetchToken };
type Token = { readonly value: string; readonly refreshAtMs: number };

const answerTimeoutMs = 5_000;
/** A server that does not say how long its token lives (RFC 6749 only recommends it) is asked again after this. */
const unknownLifetimeS = 60;
/** Share of its life after which a token is replaced. */
const usableShare = 0.8;

const requestOf = (client: OauthClient): RequestInit => {
  const credentials = `${encodeURIComponent(client.clientId)}:${encodeURIComponent(client.clientSecret)}`;
  const scope: Record<string, string> = client.scope === null ? {} : { scope: client.scope };
  return {
    method: 'POST',
    redirect: 'error',
    headers: {
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...scope }).toString(),
    signal: AbortSignal.timeout(answerTimeoutMs),
  };
};

/** Neither status text nor body is quoted: servers echo credentials. */
const failure = (client: OauthClient, why: string, cause?: unknown): Error =>
  new Error(`kafka's oauth token server ${new URL(client.tokenUrl).origin} ${why}`, { cause });

const readToken = (client: OauthClient, body: unknown, nowMs: number): Token => {
  const { access_token: value, expires_in: lifetime } = Object(body) as Record<string, unknown>;
  if (typeof value !== 'string' || value === '') throw failure(client, 'answered without access_token');
  const seconds = Number(lifetime);
  const lifetimeS = Number.isFinite(seconds) && seconds > 0 ? seconds : unknownLifetimeS;
  return { value, refreshAtMs: nowMs + lifetimeS * 1_000 * usableShare };
};

/**
 * A function that gives a valid token: kept until four fifths of its life are over, callers at the same time share one request.
 * It rejects when the server does not answer within 5 s or refuses; nothing of a failure is kept, the next call asks again.
 */
export const createTokenSource = (client: OauthClient, { clock, fetch }: TokenDeps): (() => Promise<string>) => {
  let token: Token | null = null;
  let asking: Promise<Token> | null = null;

  const ask = async (): Promise<Token> => {
    const askedAtMs = clock.monotonic();
    const answer = await fetch(client.tokenUrl, requestOf(client)).catch((cause: unknown) => {
      throw failure(client, 'does not answer: is CARILLON_KAFKA_SASL_OAUTH_TOKEN_URL right?', cause);
    });
    if (!answer.ok) throw failure(client, `refuses the client credentials (HTTP ${answer.status})`);
    const body: unknown = await answer.json().catch((cause: unknown) => {
      throw failure(client, 'answered with something that is not JSON', cause);
    });
    return readToken(client, body, askedAtMs);
  };

  return async () => {
    if (token !== null && clock.monotonic() < token.refreshAtMs) return token.value;
    asking ??= ask().finally(() => {
      asking = null;
    });
    token = await asking;
    return token.value;
  };
};
