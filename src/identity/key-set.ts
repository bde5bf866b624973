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

type Fetched = { readonly set: LocalJWKSet; readonly text: string; readonly at: number };

class RemoteKeySet implements KeySet {
  readonly #url: URL;
  readonly #deps: KeySetDeps;
  #keys: Fetched | null = null;
  #failure: { readonly error: KeysUnavailable; readonly at: number } | null = null;
  #inFlight: Promise<LocalJWKSet> | null = null;

  constructor(url: URL, deps: KeySetDeps) {
    this.#url = url;
    this.#deps = deps;
    this.#fetchBehind();
  }

  isCurrent(): boolean {
    if (this.#ageMs() >= refreshAfterMs) this.#fetchBehind();
    return this.#ageMs() < maxKeyAgeMs;
  }

  async current(): Promise<LocalJWKSet> {
    return this.isCurrent() && this.#keys !== null ? this.#keys.set : this.#fetch();
  }

  async newerThan(tried: LocalJWKSet): Promise<LocalJWKSet | null> {
    if (this.#keys !== null && this.#keys.set !== tried) return this.#keys.set;
    if (this.#failure === null && this.#ageMs() < cooldownMs) return null;
    const set = await this.#fetch();
    return set === tried ? null : set;
  }

  #ageMs(): number {
    return this.#keys === null ? Number.POSITIVE_INFINITY : this.#deps.clock.monotonic() - this.#keys.at;
  }

  #fetch(): Promise<LocalJWKSet> {
    const pauseMs = this.#ageMs() < maxKeyAgeMs ? cooldownMs : retryAfterMs;
    const isPausing = this.#failure !== null && this.#deps.clock.monotonic() - this.#failure.at < pauseMs;
    if (this.#inFlight === null && this.#failure !== null && isPausing) return Promise.reject(this.#failure.error);
    this.#inFlight ??= this.#load();
    return this.#inFlight;
  }

  #fetchBehind(): void {
    // Whoever needs the outcome asks for it; the failure is logged where it happens.
    this.#fetch().catch(() => {});
  }

  async #load(): Promise<LocalJWKSet> {
    try {
      return this.#accept(await fetchKeys(this.#url.href, this.#deps));
    } catch (cause) {
      throw this.#fail(cause);
    } finally {
      this.#inFlight = null;
    }
  }

  #accept(fetched: JSONWebKeySet): LocalJWKSet {
    const before = this.#keys;
    const text = JSON.stringify(fetched);
    // The same object as before where nothing changed: imported keys are cached in it.
    const set = before?.text === text ? before.set : createLocalJWKSet(fetched);
    this.#keys = { set, text, at: this.#deps.clock.monotonic() };
    this.#failure = null;
    if (before !== null && before.text !== text) {
      this.#deps.logger.info('token keys changed', { keys: fetched.keys.length });
      this.#deps.onChange();
    }
    return set;
  }

  #fail(cause: unknown): KeysUnavailable {
    const error = cause instanceof KeysUnavailable ? cause : new KeysUnavailable('key set cannot be used', { cause });
    this.#failure = { error, at: this.#deps.clock.monotonic() };
    this.#deps.logger.warn('token keys cannot be fetched', { host: this.#url.host, reason: error.message });
    return error;
  }
}

/** Creates the key set behind `url` and starts its first fetch. One fetch runs at a time and is shared by all who wait. */
export const createKeySet = (url: URL, deps: KeySetDeps): KeySet => new RemoteKeySet(url, deps);
