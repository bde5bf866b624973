import type { JSONWebKeySet } from 'jose';
import type { Clock } from '../clock.ts';

/** The part of `fetch` that key fetching uses; a test may give its own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Thrown where the issuer's keys cannot be had: the trouble is theirs or ours, never the token's. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** What one fetch may take, from request to last byte. */
export const fetchDeadlineMs = 5_000;
/** A key set is a few KiB; whatever is larger is none. */
const maxBodyBytes = 512 * 1024;

const readBody = async (response: Response): Promise<string> => {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBodyBytes) throw new KeysUnavailable(`key set is larger than ${maxBodyBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
};

const isKeySet = (value: unknown): value is JSONWebKeySet =>
  typeof value === 'object' &&
  value !== null &&
  'keys' in value &&
  Array.isArray(value.keys) &&
  value.keys.every((key) => typeof key === 'object' && key !== null && !Array.isArray(key));

const request = async (url: string, fetch: Fetch, signal: AbortSignal): Promise<JSONWebKeySet> => {
  const response = await fetch(url, {
    method: 'GET',
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal,
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new KeysUnavailable(`key set endpoint answered ${response.status}`);
  }
  const value: unknown = JSON.parse(await readBody(response));
  if (!isKeySet(value)) throw new KeysUnavailable('key set endpoint answered something that is no key set');
  return value;
};

/** Node hides what went wrong in the cause; its code (`ECONNREFUSED`) is what an operator needs. */
const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return 'key set cannot be fetched';
  if (cause instanceof KeysUnavailable) return cause.message;
  if (cause instanceof SyntaxError) return 'key set endpoint answered something that is not JSON';
  const inner = cause.cause;
  const code = inner instanceof Error && 'code' in inner ? ` (${String(inner.code)})` : '';
  return `key set cannot be fetched${code}`;
};

/**
 * Fetches a key set once: no redirect, status 200, at most 512 KiB, within 5 s even where the endpoint or `fetch` hangs.
 * Rejects with KeysUnavailable, and with nothing else.
 */
export const fetchKeys = async (url: string, deps: { clock: Clock; fetch: Fetch }): Promise<JSONWebKeySet> => {
  const abort = new AbortController();
  const deadline = Promise.withResolvers<never>();
  const timer = deps.clock.after(fetchDeadlineMs, () => {
    deadline.reject(new KeysUnavailable(`key set endpoint did not answer within ${fetchDeadlineMs} ms`));
    abort.abort();
  });
  try {
    return await Promise.race([request(url, deps.fetch, abort.signal), deadline.promise]);
  } catch (cause) {
    throw cause instanceof KeysUnavailable ? cause : new KeysUnavailable(reasonOf(cause), { cause });
  } finally {
    timer.cancel();
  }
};
