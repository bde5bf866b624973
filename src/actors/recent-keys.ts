import { hash } from 'node:crypto';
import type { NotificationId } from '../event.ts';
import type { PublishRequest, PublishResult } from './publishing.ts';

/**
 * What this node knows of idempotency keys: publishes that are under way, which the same key joins, and digests of what was published here
 * under an id. Bounded: the oldest are forgotten, and then the same key is a new event.
 */

type Known = { readonly digest: string; pending: Promise<PublishResult> | null };

const maxKnown = 50_000;

/** What makes two publishes the same: audience, type, value and expiry; not who asked, when, or under which trace. */
export const contentDigest = (request: PublishRequest): string => {
  const { audience, type, value, expiresAtMs } = request;
  const users = audience.kind === 'users' ? [...new Set(audience.userIds)].sort() : null;
  const topic = audience.kind === 'topic' ? audience.topic : null;
  const text = JSON.stringify([audience.kind, users, topic, type, sorted(value), expiresAtMs], (_, each: unknown) =>
    typeof each === 'bigint' ? `${each}n` : each,
  );
  return hash('sha256', text, 'base64url');
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([name, inner]): [string, unknown] => [name, sorted(inner)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
};

export class RecentKeys {
  readonly #known = new Map<NotificationId, Known>();

  find(id: NotificationId): Readonly<Known> | undefined {
    return this.#known.get(id);
  }

  /** Notes a publish that begins; when it has settled the id is known by its digest, if anything may have been written. */
  begin(id: NotificationId, digest: string, pending: Promise<PublishResult>): void {
    const entry: Known = { digest, pending };
    this.#known.delete(id);
    this.#known.set(id, entry);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest);
    const settle = (): void => {
      entry.pending = null;
    };
    pending.then(settle, settle);
  }

  /** Nothing of this publish was written: the key is free for any content. */
  forget(id: NotificationId): void {
    this.#known.delete(id);
  }
}
