import { persistedHash } from './persisted-documents.ts';

/** GraphQL over HTTP: what a request asks for, from its body or its query string. */
export type HttpParams = {
  /** Empty where the hash of a persisted document stands for it. */
  readonly query: string;
  readonly sha256Hash: string | null;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const jsonRecord = (text: string): Readonly<Record<string, unknown>> | null => {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
};

const fromQueryString = (url: string): Readonly<Record<string, unknown>> => {
  const search = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '');
  const [variables, extensions] = [search.get('variables'), search.get('extensions')];
  return {
    query: search.get('query'),
    operationName: search.get('operationName'),
    variables: variables === null ? null : jsonRecord(variables),
    extensions: extensions === null ? null : jsonRecord(extensions),
  };
};

const fromRecord = (raw: Readonly<Record<string, unknown>> | null): HttpParams | null => {
  const { query: text, operationName = null, variables = null, extensions } = raw ?? {};
  const sha256Hash = persistedHash(extensions);
  const query = sha256Hash === null ? text : (text ?? '');
  if (typeof query !== 'string') return null;
  if (operationName !== null && typeof operationName !== 'string') return null;
  if (variables !== null && !isRecord(variables)) return null;
  return { query, sha256Hash, operationName, variables: variables ?? {} };
};

/** Reads the parameters of a request; null where they have not the form: whoever executes it will say why. */
export const readHttpParams = (url: string, body: string | null): HttpParams | null =>
  fromRecord(body === null ? fromQueryString(url) : jsonRecord(body));

const members: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions']);

/** The same for a body, by the letter of GraphQL over HTTP: null also where a member is not of the request, or `extensions` is no object. */
export const readStrictParams = (body: string): HttpParams | null => {
  const raw = jsonRecord(body);
  if (raw === null) return null;
  for (const [member, value] of Object.entries(raw)) if (value !== null && !members.has(member)) return null;
  const { extensions = null } = raw;
  return extensions === null || isRecord(extensions) ? fromRecord(raw) : null;
};
