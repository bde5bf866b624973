import { createLocalJWKSet, type JSONWebKeySet, type LocalJWKSet } from 'jose';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type Fetch, fetchKeys, KeysUnavailable } from './fetch-keys.ts';

/** The issuer's public keys as this node knows them. */
export type KeySet = {
  /** Whether there are keys young enough to be relied on, also for what they verified before. Starts a fetch where one is due. */
  isCurrent(): boolean;
  /** The keys to try first: those in hand while they are young enough, else those of a fetch. Rejects with KeysUnavailable. */
  current(): Promise<LocalJWKSet>;
  /**
   * The keys to try where `tried` had no fitting one: newer keys, or null where there are none because the set was fetched a moment ago
   * and the key is not in it. Rejects with KeysUnavailable where that cannot be known.
   */
  newerThan(tried: LocalJWKSet): Promise<LocalJWKSet | null>;
};

export type KeySetDeps = {
  readonly clock: Clock;
  readonly fetch: Fetch;
  readonly logger: Logger;
  /** Runs when other keys than before were fetched: what was verified by the old ones is to be forgotten. */
  readonly onChange: () => void;
};

/** Keys older than this are fetched anew in the background; nobody waits for it. */
export const refreshAfterMs: number = 10 * 60_000;
/** Keys older than this are used no more: a withdrawn key works at most this long while the endpoint is away. */
export const maxKeyAgeMs: number = 60 * 60_000;
/** Between a successful fetch and one that an unknown key may cause. */
export const cooldownMs = 10_000;
/** Between a failed fetch and the next, while there are no keys to rely on; with keys in hand it is the cooldown. */
export const retryAfterMs = 1_000;

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The URL, if keys from it can be trusted: https, or http that does not leave the machine. Throws CONFIG_INVALID. */
export const jwksUrl = (text: string): URL => {
  const url = URL.parse(text);
  if (url === null) throw new GatewayError('CONFIG_INVALID', 'CARILLON_JWKS_URL is no URL: set https://host/path');
  const isTrusted = url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.has(url.hostname));
  if (!isTrusted)
    throw new GatewayError('CONFIG_INVALID', 'CARILLON_JWKS_URL is neither https nor on a loopback address: use https');
  return url;
};

/** Creates the key set behind `url` and starts its first fetch. One fetch runs at a time and is shared by all who wait. */
export const createKeySet = (url: URL, deps: KeySetDeps): KeySet => {
  const { clock, logger } = deps;
  let keys: { readonly set: LocalJWKSet; readonly text: string; readonly fetchedAt: number } | null = null;
  let failure: { readonly error: KeysUnavailable; readonly at: number } | null = null;
  let inFlight: Promise<LocalJWKSet> | null = null;

  const accept = (fetched: JSONWebKeySet): LocalJWKSet => {
    const text = JSON.stringify(fetched);
    const isChange = keys !== null && keys.text !== text;
    // The same object as before where nothing changed: imported keys are cached in it.
    const set = keys !== null && !isChange ? keys.set : createLocalJWKSet(fetched);
    keys = { set, text, fetchedAt: clock.monotonic() };
    failure = null;
    if (isChange) {
      logger.info('token keys changed', { keys: fetched.keys.length });
      deps.onChange();
    }
    return set;
  };

  const fail = (cause: unknown): KeysUnavailable => {
    const error = cause instanceof KeysUnavailable ? cause : new KeysUnavailable('key set cannot be used', { cause });
    failure = { error, at: clock.monotonic() };
    logger.warn('token keys cannot be fetched', { host: url.host, reason: error.message });
    return error;
  };

  const load = async (): Promise<LocalJWKSet> => {
    try {
      return accept(await fetchKeys(url.href, deps));
    } catch (cause) {
      throw fail(cause);
    } finally {
      inFlight = null;
    }
  };

  const ageMs = (): number => (keys === null ? Number.POSITIVE_INFINITY : clock.monotonic() - keys.fetchedAt);

  const fetchNow = (): Promise<LocalJWKSet> => {
    const pauseMs = ageMs() < maxKeyAgeMs ? cooldownMs : retryAfterMs;
    if (inFlight === null && failure !== null && clock.monotonic() - failure.at < pauseMs)
      return Promise.reject(failure.error);
    inFlight ??= load();
    return inFlight;
  };

  const fetchBehind = (): void => {
    // Whoever needs the outcome asks for it; the failure is logged where it happens.
    fetchNow().catch(() => {});
  };

  const isCurrent = (): boolean => {
    if (ageMs() >= refreshAfterMs) fetchBehind();
    return ageMs() < maxKeyAgeMs;
  };

  fetchBehind();
  return {
    isCurrent,
    async current() {
      return isCurrent() && keys !== null ? keys.set : fetchNow();
    },
    async newerThan(tried) {
      if (keys !== null && keys.set !== tried) return keys.set;
      if (keys !== null && failure === null && ageMs() < cooldownMs) return null;
      const set = await fetchNow();
      return set === tried ? null : set;
    },
  };
};
