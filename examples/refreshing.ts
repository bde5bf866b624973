import { type Client, type ClientOptions, createClient } from 'graphql-ws';

const refresh = 'mutation Refresh($token: String!) { sessionRefresh(token: $token) { viewer { expiresAt } } }';

/** What the server says in a ping when the token is about to end. */
const expiresInMs = (payload: unknown): number | null => {
  const left = (payload as { tokenExpiresInMs?: unknown } | undefined)?.tokenExpiresInMs;
  return typeof left === 'number' ? left : null;
};

/**
 * A graphql-ws client that renews its session in place when the server says that the token ends soon, so that no subscription is interrupted.
 * `getToken` gives a new token each time; it is also what a reconnect uses.
 */
export const createRefreshingClient = (
  options: Omit<ClientOptions, 'connectionParams' | 'on'> & { readonly getToken: () => Promise<string> },
): Client => {
  const { getToken, ...rest } = options;
  let isRefreshing = false;
  const renew = async (): Promise<void> => {
    if (isRefreshing) return;
    isRefreshing = true;
    try {
      const variables = { token: await getToken() };
      // A refusal is in the result. The session then ends with its token, and the client reconnects with a new one.
      for await (const _ of client.iterate({ query: refresh, variables })) break;
    } catch {
      // The socket went meanwhile: the reconnect brings a new token anyway.
    } finally {
      isRefreshing = false;
    }
  };
  const client: Client = createClient({
    ...rest,
    connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
    on: { ping: (received, payload) => void (received && expiresInMs(payload) !== null && renew()) },
  });
  return client;
};
