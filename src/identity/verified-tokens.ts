import { hash } from 'node:crypto';
import type { Viewer } from '../viewer.ts';

/** Tokens that were verified, so that a storm of reconnects costs no signature checks. Holds digests, never tokens. */
export type VerifiedTokens = {
  /** The viewer of a token that was verified and has not expired by `nowMs`. */
  find(token: string, nowMs: number): Viewer | null;
  keep(token: string, viewer: Viewer): void;
  /** Forgets all: the keys changed. */
  clear(): void;
  readonly size: number;
};

const digest = (token: string): string => hash('sha256', token, 'base64');

/** Creates a cache of at most `limit` tokens; the one unused for longest leaves first. */
export const createVerifiedTokens = (limit: number): VerifiedTokens => {
  const viewers = new Map<string, Viewer>();
  return {
    find(token, nowMs) {
      const key = digest(token);
      const viewer = viewers.get(key);
      if (viewer === undefined) return null;
      viewers.delete(key);
      if (viewer.expiresAtMs <= nowMs) return null;
      viewers.set(key, viewer);
      return viewer;
    },
    keep(token, viewer) {
      const oldest = viewers.size >= limit ? viewers.keys().next().value : undefined;
      if (oldest !== undefined) viewers.delete(oldest);
      viewers.set(digest(token), viewer);
    },
    clear: () => viewers.clear(),
    get size() {
      return viewers.size;
    },
  };
};
