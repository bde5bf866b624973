import type { IncomingHttpHeaders } from 'node:http';

/**
 * Who may come at all, before any token: the same for requests and upgrades. Browsers come from listed origins, compared as they are. Dev mode has
 * no real tokens, so it is for this machine alone: no other Host (DNS rebinding), nothing that a proxy forwarded, any loopback origin.
 */

export type AccessRules = {
  readonly isDevMode: boolean;
  readonly allowedOrigins: readonly string[];
};

export type Access = {
  /** Why the request is refused (403), null where it may go on. No Origin is no browser, and may go on. */
  refusal(headers: IncomingHttpHeaders): string | null;
};

const isLoopbackName = (hostname: string): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);

const isLoopbackHost = (host: string | undefined): boolean => {
  if (host === undefined || /[/?#@\\\s]/.test(host)) return false;
  return URL.canParse(`http://${host}`) && isLoopbackName(new URL(`http://${host}`).hostname);
};

const isLoopbackOrigin = (origin: string): boolean => {
  if (!/^https?:\/\/[^/?#@\\\s]+$/.test(origin) || !URL.canParse(origin)) return false;
  return isLoopbackName(new URL(origin).hostname);
};

const isForwardedHeader = (name: string): boolean =>
  name === 'forwarded' || name === 'via' || name === 'x-real-ip' || name.startsWith('x-forwarded-');

const devRefusal = (headers: IncomingHttpHeaders): string | null => {
  const forwarded = Object.keys(headers).find(isForwardedHeader);
  if (forwarded !== undefined) {
    return `dev mode takes no forwarded requests (${forwarded}): set CARILLON_JWT_SECRET or CARILLON_JWKS_URL to serve others`;
  }
  if (!isLoopbackHost(headers.host)) {
    return 'dev mode answers on loopback only: use localhost, or set CARILLON_JWT_SECRET or CARILLON_JWKS_URL';
  }
  const { origin } = headers;
  if (origin === undefined || isLoopbackOrigin(origin)) return null;
  return 'dev mode takes browsers from loopback origins only: set CARILLON_JWT_SECRET or CARILLON_JWKS_URL to serve others';
};

/** Creates the rules' judge. */
export const createAccess = ({ isDevMode, allowedOrigins }: AccessRules): Access => {
  if (isDevMode) return { refusal: devRefusal };
  const allowed = new Set(allowedOrigins);
  return {
    refusal({ origin }) {
      if (origin === undefined || allowed.has(origin)) return null;
      return 'this origin is not allowed: add it to CARILLON_ALLOWED_ORIGINS as the browser sends it (https://app.example)';
    },
  };
};
