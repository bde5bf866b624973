import { parseDuration, readSettings, type Settings } from '../config.ts';
import { devSecret, signToken } from '../identity/index.ts';
import { ConfigProblems, type Terminal, UsageError } from './command.ts';

/** Whom a token is for, and what it allows. */
export type Grant = {
  readonly user: string;
  readonly scopes: readonly string[];
  readonly topics: readonly string[];
  readonly expiresInSeconds: number;
};

const names = [
  'CARILLON_DATA_DIR',
  'CARILLON_JWT_SECRET',
  'CARILLON_JWKS_URL',
  'CARILLON_JWT_ISSUER',
  'CARILLON_JWT_AUDIENCE',
  'CARILLON_JWT_USER_CLAIM',
  'CARILLON_JWT_SCOPE_CLAIM',
  'CARILLON_JWT_TOPICS_CLAIM',
] as const;

const secretFrom = (settings: Settings): Promise<string> | string => {
  if (settings.CARILLON_JWT_SECRET !== null) return settings.CARILLON_JWT_SECRET;
  if (settings.CARILLON_JWKS_URL !== null)
    throw new ConfigProblems([
      'CARILLON_JWKS_URL is set, so tokens come from your issuer: get one there and pass it with --token or CARILLON_TOKEN',
    ]);
  return devSecret(settings.CARILLON_DATA_DIR);
};

/**
 * Signs a token as the gateway with the same environment would accept it: with `CARILLON_JWT_SECRET`, in dev mode with the secret in
 * the data folder. Rejects with ConfigProblems where tokens come from elsewhere.
 */
export const signGrant = async (grant: Grant, terminal: Terminal): Promise<string> => {
  const { settings, problems } = readSettings(terminal.env, names);
  if (problems.length > 0) throw new ConfigProblems(problems);
  return signToken(await secretFrom(settings), {
    ...grant,
    issuer: settings.CARILLON_JWT_ISSUER,
    audience: settings.CARILLON_JWT_AUDIENCE,
    userClaim: settings.CARILLON_JWT_USER_CLAIM,
    scopeClaim: settings.CARILLON_JWT_SCOPE_CLAIM,
    topicsClaim: settings.CARILLON_JWT_TOPICS_CLAIM,
  });
};

/** A gateway to talk to, and the token given for it, if any. */
export type Target = { readonly url: string; readonly token: string | null };

/** Where to: `--gateway` and `--token`, else `CARILLON_URL` and `CARILLON_TOKEN`. */
export const readTarget = (
  flags: { gateway: string | undefined; token: string | undefined },
  terminal: Terminal,
): Target => {
  const env = {
    CARILLON_URL: flags.gateway ?? terminal.env['CARILLON_URL'],
    CARILLON_TOKEN: flags.token ?? terminal.env['CARILLON_TOKEN'],
  };
  const { settings, problems } = readSettings(env, ['CARILLON_URL', 'CARILLON_TOKEN']);
  if (problems.length > 0) throw new ConfigProblems(problems);
  return { url: settings.CARILLON_URL, token: settings.CARILLON_TOKEN };
};

/** Reads a duration flag into seconds. Throws UsageError. */
export const secondsOf = (flag: string, text: string): number => {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new UsageError(`--${flag} is ${text}: ${parsed.expected}`);
  return parsed.value / 1_000;
};
