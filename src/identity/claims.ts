import { isUserId } from '../event.ts';
import type { Viewer } from '../viewer.ts';
import type { IdentityOptions } from './options.ts';

/** What a token's claims say, or why they are refused: short, never a value of the token. */
export type ClaimsReading =
  | { readonly ok: true; readonly viewer: Viewer }
  | { readonly ok: false; readonly message: string };

type Claims = Readonly<Record<string, unknown>>;
type Check = (claims: Claims, options: IdentityOptions, nowMs: number) => string | null;

/** How far an issuer's clock may be ahead of ours for `nbf`. `exp` has no such tolerance: it is when the session ends. */
const notBeforeToleranceMs = 5_000;
/** A date of the year 9999, the last that the wire can show. */
const maxExpiryMs = 253_402_300_799_000;

const isRecord = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (claims: Claims, name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined);

/** The claim of exactly that name (which may be a URL with dots), else the one at that path. */
const claimAt = (claims: Claims, name: string): unknown => {
  const direct = own(claims, name);
  if (direct !== undefined || !name.includes('.')) return direct;
  let value: unknown = claims;
  for (const step of name.split('.')) {
    if (!isRecord(value)) return undefined;
    value = own(value, step);
  }
  return value;
};

const checkExpiry: Check = (claims, _options, nowMs) => {
  const exp = own(claims, 'exp');
  if (exp === undefined) return 'token has no exp claim: every token must expire';
  if (typeof exp !== 'number') return 'token exp claim is not a number of seconds';
  return exp * 1000 <= nowMs ? 'token has expired' : null;
};

const checkNotBefore: Check = (claims, _options, nowMs) => {
  const nbf = own(claims, 'nbf');
  if (nbf === undefined) return null;
  if (typeof nbf !== 'number') return 'token nbf claim is not a number of seconds';
  return nbf * 1000 > nowMs + notBeforeToleranceMs ? 'token is not valid yet' : null;
};

const checkIssuer: Check = (claims, options) =>
  options.issuer === null || own(claims, 'iss') === options.issuer ? null : 'token issuer is not accepted';

const checkAudience: Check = (claims, options) => {
  if (options.audience === null) return null;
  const aud = own(claims, 'aud');
  const isAccepted = Array.isArray(aud) ? aud.includes(options.audience) : aud === options.audience;
  return isAccepted ? null : 'token audience is not accepted';
};

const checks: readonly Check[] = [checkExpiry, checkNotBefore, checkIssuer, checkAudience];

/** Words of a claim given as an array of strings or as one space-separated string; null where it is anything else. */
const words = (value: unknown): readonly string[] | null => {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return value.split(' ').filter((word) => word !== '');
  return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : null;
};

/** Segments are never empty; `*` is a whole segment; `**` is the last. Anything else would match other topics than its author meant. */
const isGlob = (glob: string): boolean => {
  const segments = glob.split('.');
  return segments.every((segment, index) => {
    if (segment === '**') return index === segments.length - 1;
    return segment === '*' || (segment !== '' && !segment.includes('*'));
  });
};

const optionalString = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** An odd date is none: such a token counts as old, which only revocation asks. */
const issuedAtMs = (iat: unknown): number | null =>
  typeof iat === 'number' && Number.isFinite(iat) ? Math.floor(iat * 1000) : null;

/** Most tokens have none: one for all. */
const noScopes: ReadonlySet<string> = new Set();
const noTopics: readonly string[] = [];

const toViewer = (claims: Claims, options: IdentityOptions): ClaimsReading => {
  const userId = claimAt(claims, options.userClaim);
  if (typeof userId !== 'string' || !isUserId(userId))
    return { ok: false, message: 'token user claim is not a string of 1 to 128 bytes' };
  const scopes = words(claimAt(claims, options.scopeClaim));
  if (scopes === null) return { ok: false, message: 'token scope claim is neither a string nor an array of strings' };
  const topics = words(claimAt(claims, options.topicsClaim));
  if (topics === null) return { ok: false, message: 'token topics claim is neither a string nor an array of strings' };
  if (!topics.every(isGlob)) return { ok: false, message: 'token topics claim holds a malformed glob' };
  const viewer: Viewer = {
    userId,
    scopes: scopes.length === 0 ? noScopes : new Set(scopes),
    topics: topics.length === 0 ? noTopics : topics,
    expiresAtMs: Math.min(Math.floor((own(claims, 'exp') as number) * 1000), maxExpiryMs),
    issuer: optionalString(own(claims, 'iss')) ?? '',
    tokenId: optionalString(own(claims, 'jti')),
    sessionId: optionalString(own(claims, 'sid')),
    issuedAtMs: issuedAtMs(own(claims, 'iat')),
  };
  return { ok: true, viewer };
};

/** Reads a token's claims as of `nowMs`: dates, issuer and audience first, then who it is and what it may. Never throws. */
export const readClaims = (claims: unknown, options: IdentityOptions, nowMs: number): ClaimsReading => {
  if (!isRecord(claims)) return { ok: false, message: 'token claims are not an object' };
  for (const check of checks) {
    const message = check(claims, options, nowMs);
    if (message !== null) return { ok: false, message };
  }
  return toViewer(claims, options);
};
