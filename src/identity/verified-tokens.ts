import { hash } from 'node:crypto';
import type { Viewer } from '../viewer.ts';

/** Tokens that were verified, so that a storm of reconnects costs no signature checks. Holds digests, never tokens. */
export type VerifiedTokens = {
  /** The viewer of a token that was verified and has not expired by `nowMs`. */
  find(token: string, nowMs: number): Viewer | null;
  /** Changes with every `clear`; to be asked before a token is verified. */
  readonly generation: number;
  /** Keeps a token that was verified by the keys of `generation`; nothing happens where the keys have changed since. */
  keep(token: string, viewer: Viewer, generation: number): void;
  /** Forgets all: the keys changed. */
  clear(): void;
  readonly size: number;
};

const digest = (token: string): string => hash('sha256', token, 'base64');

/** Creates a cache of at most `limit` tokens; the one unused for longest leaves first. */
export const createVerifiedTokens = (limit: number): VerifiedTokens => {
  const viewers = new Map<string, Viewer>();
  let generation = 0;
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
    get generation() {
      return generation;
    },
    keep(token, viewer, verifiedBy) {
      if (verifiedBy !== generation) return;
      const oldest = viewers.size >= limit ? viewers.keys().next().value : undefined;
      if (oldest !== undefined) viewers.delete(oldest);
      viewers.set(digest(token), viewer);
    },
    clear() {
      generation += 1;
      viewers.clear();
    },
    get size() {
      return viewers.size;
    },
  };
};
