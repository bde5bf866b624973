import type { Clock, Timer } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { TokenRevocation, Viewer } from '../viewer.ts';

/**
 * Tokens that were revoked before their end: all of a user, all of a session at the issuer, or one. Kept where every node follows them, for as
 * long as a token may live.
 */

/** Where revocations are kept: the control topic, as far as this room needs it. */
export type RevocationStore = {
  entries(): Iterable<readonly [key: string, value: unknown]>;
  put(key: string, value: Entry | undefined): Promise<void>;
  onChange(listener: (key: string, value: unknown) => void): () => void;
};

export type RevocationDeps = {
  readonly store: RevocationStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a revocation is kept: at least the longest life of a token. Milliseconds. */
  readonly keepMs: number;
};

export type Revocations = {
  /** Whether the viewer's token was revoked. A token without an issue date counts as issued before any revocation. */
  isRevoked(viewer: Viewer): boolean;
  /**
   * Revokes; resolves when that is durable, which binds every node once it reads it.
   * - BAD_USER_INPUT: the id is empty or over 256 bytes, or the time is more than a minute ahead;
   * - LOG_UNAVAILABLE: it may be repeated.
   */
  revoke(revocation: TokenRevocation): Promise<void>;
  /** Calls `listener` after each revocation that comes in. Returns the way to stop. */
  onRevoked(listener: () => void): () => void;
  close(): void;
};

type Entry = { readonly issuedBeforeMs: number; readonly untilMs: number };

const prefix = 'revocation/';
const maxIdBytes = 256;
const aheadMs = 60_000;
const sweepMs = 3_600_000; // 1 h

const keyOf = (kind: TokenRevocation['kind'], id: string): string => `${prefix}${kind}/${id}`;

const isEntry = (value: unknown): value is Entry => {
  const { issuedBeforeMs, untilMs } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  return typeof issuedBeforeMs === 'number' && typeof untilMs === 'number';
};

const check = ({ id, issuedBeforeMs }: TokenRevocation, nowMs: number): void => {
  const bytes = Buffer.byteLength(id);
  if (bytes === 0 || bytes > maxIdBytes)
    throw new GatewayError(
      'BAD_USER_INPUT',
      `an id whose tokens are revoked has 1 to ${maxIdBytes} bytes, not ${bytes}`,
    );
  // One far ahead would lock somebody out for good, and nothing takes a revocation back.
  if (issuedBeforeMs > nowMs + aheadMs)
    throw new GatewayError('BAD_USER_INPUT', 'issuedBefore lies ahead: only tokens that exist can be revoked');
};

/** Starts to follow `store`; what it holds already counts at once. */
export const createRevocations = (deps: RevocationDeps): Revocations => new StoredRevocations(deps);

class StoredRevocations implements Revocations {
  readonly #deps: RevocationDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();
  readonly #unfollow: () => void;
  #sweeping: Timer;

  constructor(deps: RevocationDeps) {
    this.#deps = deps;
    for (const [key, value] of deps.store.entries()) this.#take(key, value);
    this.#unfollow = deps.store.onChange((key, value) => {
      if (this.#take(key, value)) for (const listener of [...this.#listeners]) listener();
    });
    this.#sweeping = this.#sweepLater();
  }

  isRevoked({ userId, sessionId, tokenId, issuedAtMs }: Viewer): boolean {
    if (this.#entries.size === 0) return false;
    const isBefore = (kind: TokenRevocation['kind'], id: string | null): boolean => {
      const entry = id === null ? undefined : this.#entries.get(keyOf(kind, id));
      return entry !== undefined && (issuedAtMs === null || issuedAtMs < entry.issuedBeforeMs);
    };
    return isBefore('user', userId) || isBefore('session', sessionId) || isBefore('token', tokenId);
  }

  async revoke(revocation: TokenRevocation): Promise<void> {
    const { clock, store, keepMs } = this.#deps;
    const nowMs = clock.now();
    check(revocation, nowMs);
    const key = keyOf(revocation.kind, revocation.id);
    const issuedBeforeMs = Math.max(revocation.issuedBeforeMs, this.#entries.get(key)?.issuedBeforeMs ?? 0);
    await store.put(key, { issuedBeforeMs, untilMs: nowMs + keepMs });
  }

  onRevoked(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#unfollow();
    this.#sweeping.cancel();
  }

  /** True where it revokes something. */
  #take(key: string, value: unknown): boolean {
    if (!key.startsWith(prefix)) return false;
    if (value === undefined) this.#entries.delete(key);
    else if (isEntry(value)) this.#entries.set(key, value);
    else this.#deps.logger.warn('a revocation in the control topic cannot be read', { key: key.slice(0, 40) });
    return isEntry(value);
  }

  #sweepLater(): Timer {
    return this.#deps.clock.after(sweepMs, () => {
      this.#sweep();
      this.#sweeping = this.#sweepLater();
    });
  }

  /** What is kept for longer than any token lives goes; several nodes may delete the same. */
  #sweep(): void {
    const { clock, store, logger } = this.#deps;
    const nowMs = clock.now();
    for (const [key, { untilMs }] of [...this.#entries]) {
      if (untilMs > nowMs) continue;
      this.#entries.delete(key);
      store.put(key, undefined).catch((cause: Error) => {
        logger.warn('a revocation that is over could not be deleted', { error: cause.message });
      });
    }
  }
}
