import { type CompactJWSHeaderParameters, type CryptoKey, compactVerify, errors, type LocalJWKSet } from 'jose';
import { KeysUnavailable } from './fetch-keys.ts';
import type { KeySet } from './key-set.ts';

/**
 * Whether a token's signature holds. The algorithm decides the kind of key, never the other way round: HS256 goes with the secret alone,
 * the rest with published keys alone, so that nobody signs with a public key as if it were the secret.
 */

/** `holds`; `fails`: no key of the issuer made it. Rejects with KeysUnavailable where the keys cannot be had or used. */
export type SignatureResult = 'holds' | 'fails';

/** The keys of one verifier; null = none of that kind. */
export type Keys = { readonly secret: CryptoKey | null; readonly published: KeySet | null };

const secretAlgorithms: readonly string[] = ['HS256'];
const publishedAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** The kind of key that `alg` goes with, null where it is not allowed here. */
export const keyKind = (alg: unknown, keys: Keys): 'secret' | 'published' | null => {
  if (typeof alg !== 'string') return null;
  if (keys.secret !== null && secretAlgorithms.includes(alg)) return 'secret';
  return keys.published !== null && publishedAlgorithms.includes(alg) ? 'published' : null;
};

const check = async (token: string, key: CryptoKey, algorithms: readonly string[]): Promise<SignatureResult> => {
  try {
    await compactVerify(token, key, { algorithms: [...algorithms] });
    return 'holds';
  } catch (cause) {
    if (cause instanceof errors.JOSEError) return 'fails';
    // An RSA key under 2048 bits and its like: what the issuer publishes cannot be used.
    throw new KeysUnavailable('key set holds a key that cannot be used', { cause });
  }
};

/** The set's keys that fit the header: one, several where the token names none, or none. */
async function* candidates(set: LocalJWKSet, header: CompactJWSHeaderParameters): AsyncGenerator<CryptoKey> {
  try {
    yield await set(header);
  } catch (cause) {
    if (cause instanceof errors.JWKSNoMatchingKey) return;
    if (!(cause instanceof errors.JWKSMultipleMatchingKeys))
      throw new KeysUnavailable('key set holds a key that cannot be used', { cause });
    yield* cause;
  }
}

const checkBySet = async (
  token: string,
  header: CompactJWSHeaderParameters,
  set: LocalJWKSet,
): Promise<SignatureResult | 'no_key'> => {
  let isTried = false;
  for await (const key of candidates(set, header)) {
    if ((await check(token, key, publishedAlgorithms)) === 'holds') return 'holds';
    isTried = true;
  }
  // A token that names its key and does not fit it is bad; one that names none may have been made by a newer key.
  return isTried && header.kid !== undefined ? 'fails' : 'no_key';
};

/** Checks by the published keys, and once more by newer ones where the issuer may have rotated since. */
export const checkPublished = async (
  token: string,
  header: CompactJWSHeaderParameters,
  published: KeySet,
): Promise<SignatureResult> => {
  const set = await published.current();
  const first = await checkBySet(token, header, set);
  if (first !== 'no_key') return first;
  const newer = await published.newerThan(set);
  if (newer === null) return 'fails';
  return (await checkBySet(token, header, newer)) === 'holds' ? 'holds' : 'fails';
};

/** Checks by the shared secret. */
export const checkSecret = (token: string, secret: CryptoKey): Promise<SignatureResult> =>
  check(token, secret, secretAlgorithms);
