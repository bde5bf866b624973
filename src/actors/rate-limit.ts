/** Token buckets by key, bounded in number: a bucket that is full again says nothing and is forgotten. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #monotonic: () => number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(deps: { perSecond: number; burst: number; monotonic(): number }) {
    this.#perSecond = deps.perSecond;
    this.#burst = deps.burst;
    this.#monotonic = deps.monotonic;
  }

  /** Takes one token of `key`; null, or the milliseconds until there is one. */
  take(key: string): number | null {
    const now = this.#monotonic();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, atMs: now };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + ((now - bucket.atMs) / 1_000) * this.#perSecond);
    bucket.atMs = now;
    // Put at the end: the first in the map is the one that was used least recently.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#forgetFull(now);
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / this.#perSecond) * 1_000);
    bucket.tokens -= 1;
    return null;
  }

  #forgetFull(now: number): void {
    const refillMs = (this.#burst / this.#perSecond) * 1_000;
    for (const [key, bucket] of this.#buckets) {
      if (now - bucket.atMs < refillMs) return;
      this.#buckets.delete(key);
    }
  }
}
