import type { Client, ExecutionResult } from 'graphql-ws';

type Variables = Record<string, unknown>;

const cursorIn = (result: unknown): string | null => {
  const { data } = result as ExecutionResult<{ notificationReceived?: { cursor?: string } }>;
  return data?.notificationReceived?.cursor ?? null;
};

/**
 * Makes a graphql-ws client that goes on where it was: when it reconnects, `after` is the cursor it got last instead of the one it began
 * with. Give it to Apollo's GraphQLWsLink or to urql's subscriptionExchange; the operation must have a variable `$after` and select `cursor`.
 */
export const resuming = (client: Client): Client => ({
  ...client,
  subscribe: (payload, sink) => {
    const first = payload.variables?.['after'] ?? null;
    let last: string | null = null;
    const variables: Variables = { ...payload.variables };
    // The payload is serialised for every connection anew: a getter is asked each time.
    Object.defineProperty(variables, 'after', { enumerable: true, get: () => last ?? first });
    const remembering: typeof sink = {
      next: (value) => {
        last = cursorIn(value) ?? last;
        sink.next(value);
      },
      error: (error) => sink.error(error),
      complete: () => sink.complete(),
    };
    return client.subscribe({ ...payload, variables }, remembering);
  },
});
