/** GraphQL over HTTP: what a request asks for, from its body or its query string. */
export type HttpParams = {
  readonly query: string;
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
  const variables = search.get('variables');
  return {
    query: search.get('query'),
    operationName: search.get('operationName'),
    variables: variables === null ? null : jsonRecord(variables),
  };
};

/** Reads the parameters of a request; null where they have not the form: whoever executes it will say why. */
export const readHttpParams = (url: string, body: string | null): HttpParams | null => {
  const raw = body === null ? fromQueryString(url) : jsonRecord(body);
  const { query, operationName = null, variables = null } = raw ?? {};
  if (typeof query !== 'string') return null;
  if (operationName !== null && typeof operationName !== 'string') return null;
  if (variables !== null && !isRecord(variables)) return null;
  return { query, operationName, variables: variables ?? {} };
};
