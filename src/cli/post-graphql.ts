import type { Terminal } from './command.ts';

/** One GraphQL request to a gateway. */

/** What a gateway answered. */
export type GraphqlAnswer<Data> = {
  readonly data?: Data | null;
  readonly errors?: readonly { message: string; extensions?: { code?: string } }[];
};

/** Posts one operation. Rejects where there is no gateway, with what to do. */
export const postGraphql = async <Data>(
  target: { readonly url: string; readonly token: string },
  operation: { readonly query: string; readonly variables: unknown },
): Promise<GraphqlAnswer<Data>> => {
  const { url, token } = target;
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(operation),
    });
  } catch (cause) {
    throw new Error(`no gateway at ${url}: start it with npm start, or set --gateway or CARILLON_URL`, { cause });
  }
  const text = await response.text();
  try {
    return JSON.parse(text) as GraphqlAnswer<Data>;
  } catch (cause) {
    throw new Error(`${url} answered ${response.status} without JSON: is it a Carillon gateway?`, { cause });
  }
};

/** Says every error of the answer, with its code. */
export const tellErrors = ({ errors = [] }: GraphqlAnswer<unknown>, terminal: Terminal): void => {
  for (const { message, extensions } of errors) terminal.say(`${extensions?.code ?? 'ERROR'}: ${message}`);
};
