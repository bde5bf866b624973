/** Where a token may stand: the Authorization header, or the payload of `connection_init`. Never the URL: those end up in logs. */

const bearer = /^Bearer[ \t]+(\S+)$/i;

/** The token of an Authorization value; null for anything but text of the form `Bearer <token>`. */
export const bearerToken = (value: unknown): string | null => {
  if (typeof value !== 'string') return null;
  return bearer.exec(value.trim())?.[1] ?? null;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value under `name` in any case; undefined where there is none. */
const anyCase = (record: Readonly<Record<string, unknown>>, name: string): unknown => {
  const key = Object.keys(record).find((candidate) => candidate.toLowerCase() === name);
  return key === undefined ? undefined : record[key];
};

/** What a `connection_init` payload says of authorization: a token, nothing (`absent`), or something that is no token (`malformed`). */
export type InitToken = { readonly token: string } | 'absent' | 'malformed';

/** Looks for `authorization` in any case, at the top and under `headers`. Null values are absent. */
export const initToken = (payload: unknown): InitToken => {
  if (!isRecord(payload)) return 'absent';
  const headers = anyCase(payload, 'headers');
  const value =
    anyCase(payload, 'authorization') ?? (isRecord(headers) ? anyCase(headers, 'authorization') : undefined);
  if (value === undefined || value === null) return 'absent';
  const token = bearerToken(value);
  return token === null ? 'malformed' : { token };
};
