import type { Audience } from '../event.ts';
import type { Addressee } from './entry.ts';

/**
 * A Bloom filter over audiences (Bloom, CACM 13(7), 1970): says for sure that nothing in a block of records is for somebody, or that
 * something may be. About 14 bits per audience and 10 probes: one in a thousand asks in vain. Everyone has a bit of its own: every subscriber
 * asks for it, so one block that answered in vain would be read by all of them.
 */

/** An audience as a number of 52 bits: two hashes in one. */
export type AudienceKey = number;

const bitsPerKey = 14;
const probes = 10;
const minBits = 64;
const stepBits = 20;
/** More than these are found sooner in a set. */
const fewKeys = 8;

/** FNV-1a over UTF-16 units, with the kind of audience as its seed, then mixed so that the last characters reach every bit. */
const hash = (text: string, seed: number): number => {
  let value = seed ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
};

const keyOf = (text: string, kind: number): AudienceKey =>
  hash(text, kind) * 2 ** stepBits + (hash(text, kind ^ 0x5bd1e995) >>> (32 - stepBits));

/** No hash. */
const everyoneKey: AudienceKey = -1;

/** The key of an audience. */
export const audienceKeyOf = (audience: Audience): AudienceKey => {
  switch (audience.kind) {
    case 'user':
      return keyOf(audience.userId, 1);
    case 'topic':
      return keyOf(audience.topic, 2);
    case 'everyone':
      return everyoneKey;
  }
};

/** The keys of all audiences that an addressee is part of. */
export class AddresseeKeys {
  readonly all: readonly AudienceKey[];
  /** Where there are many. */
  readonly #set: ReadonlySet<AudienceKey> | null;

  constructor({ userId, topics, takesEveryone }: Addressee) {
    const keys = topics.map((topic) => keyOf(topic, 2));
    if (userId !== null) keys.push(keyOf(userId, 1));
    if (takesEveryone) keys.push(everyoneKey);
    this.all = keys;
    this.#set = keys.length > fewKeys ? new Set(keys) : null;
  }

  has(key: AudienceKey): boolean {
    return this.#set === null ? this.all.includes(key) : this.#set.has(key);
  }
}

/**
 * Immutable. `bits` may be kept and given back to the constructor, also by another process: none where there is nobody; else one byte, 1 where something
 * is for everyone, and the Bloom filter over the others.
 */
export class AudienceFilter {
  readonly bits: Uint8Array;

  constructor(bits: Uint8Array) {
    this.bits = bits;
  }

  static of(keys: Iterable<AudienceKey>): AudienceFilter {
    const all = [...keys];
    if (all.length === 0) return new AudienceFilter(new Uint8Array(0));
    const hashed = all.filter((key) => key !== everyoneKey);
    const bits = hashed.length === 0 ? 0 : Math.max(minBits, hashed.length * bitsPerKey);
    const filter = new AudienceFilter(new Uint8Array(1 + Math.ceil(bits / 8)));
    filter.bits[0] = hashed.length < all.length ? 1 : 0;
    for (const key of hashed) filter.#set(key);
    return filter;
  }

  /** False: none of them is in it. */
  mayHold(keys: readonly AudienceKey[]): boolean {
    if (this.bits.length === 0) return false;
    for (const key of keys) if (this.#has(key)) return true;
    return false;
  }

  #set(key: AudienceKey): void {
    const { bits } = this;
    const size = (bits.length - 1) * 8;
    const { start, step } = parts(key);
    let at = start % size;
    for (let n = 0; n < probes; n++) {
      bits[1 + (at >> 3)] = (bits[1 + (at >> 3)] ?? 0) | (1 << (at & 7));
      at = (at + step) % size;
    }
  }

  #has(key: AudienceKey): boolean {
    const { bits } = this;
    if (key === everyoneKey) return bits[0] === 1;
    const size = (bits.length - 1) * 8;
    if (size === 0) return false;
    const { start, step } = parts(key);
    let at = start % size;
    for (let n = 0; n < probes; n++) {
      if (((bits[1 + (at >> 3)] ?? 0) & (1 << (at & 7))) === 0) return false;
      at = (at + step) % size;
    }
    return true;
  }
}

/** An odd step: the sizes are even, so it visits as many places as it can. */
const parts = (key: AudienceKey): { readonly start: number; readonly step: number } => {
  const step = key % 2 ** stepBits;
  return { start: (key - step) / 2 ** stepBits, step: step | 1 };
};
