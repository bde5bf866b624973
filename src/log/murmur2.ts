/**
 * Kafka's default placement of keys, byte for byte as Java's producer computes it (`Utils.murmur2`, `Utils.toPositive`), so that one user's
 * records lie in one partition whichever of our adapters, or Java, wrote them.
 */

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;

const mixTail = (start: number, key: Uint8Array, at: number): number => {
  let hash = start;
  const left = key.length - at;
  if (left >= 3) hash ^= (key[at + 2] ?? 0) << 16;
  if (left >= 2) hash ^= (key[at + 1] ?? 0) << 8;
  if (left >= 1) hash = Math.imul(hash ^ (key[at] ?? 0), multiplier);
  return hash;
};

/** Signed 32-bit murmur2 of `key`, equal to Java's `org.apache.kafka.common.utils.Utils.murmur2`. */
export const murmur2 = (key: Uint8Array): number => {
  let hash = seed ^ key.length;
  const end = key.length & ~3;
  for (let i = 0; i < end; i += 4) {
    const word = (key[i] ?? 0) | ((key[i + 1] ?? 0) << 8) | ((key[i + 2] ?? 0) << 16) | ((key[i + 3] ?? 0) << 24);
    const mixed = Math.imul(word, multiplier);
    hash = Math.imul(hash, multiplier) ^ Math.imul(mixed ^ (mixed >>> 24), multiplier);
  }
  hash = mixTail(hash, key, end);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
};

/** The partition, 0 to `partitionCount` - 1, on which Java's default partitioner puts a record with this key. */
export const partitionOf = (key: Uint8Array, partitionCount: number): number =>
  (murmur2(key) & 0x7fffffff) % partitionCount;
