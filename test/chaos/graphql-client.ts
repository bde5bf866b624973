import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type Client, clientOf, filterOf, libraryPauseMs, Notebook, query, retryPauseMs, type Seat } from './seat.ts';

/**
 * A page on graphql-ws. Zero-code, it repeats its first variables at each reconnect and knows of no cursor; with cursors, `after` follows the stream, by
 * the getter that examples/resume.ts shows.
 */

const variablesOf = (seat: Seat, notebook: Notebook): Record<string, unknown> => {
  const variables: Record<string, unknown> = { filter: filterOf(seat) };
  if (seat.style === 'zero-code') return variables;
  const get = (): string | null => {
    const after = notebook.after();
    seat.scribe({ kind: 'resumed', after });
    return after;
  };
  return Object.defineProperty(variables, 'after', { enumerable: true, get });
};

/** Connects, and stays. */
export const openGraphqlClient = (seat: Seat): Client => {
  const notebook = new Notebook(seat);
  const client = createClient({
    url: `ws://127.0.0.1:${seat.port}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: (retries) => delay(seat.isHasty ? retryPauseMs() : libraryPauseMs(retries)),
    connectionParams: async () => ({ authorization: `Bearer ${await seat.token()}` }),
    on: {
      connected: () => {
        if (seat.style === 'zero-code') seat.scribe({ kind: 'resumed', after: null });
      },
      pong: (isReceived) => {
        if (!isReceived) notebook.echoed();
      },
      closed: (event) => {
        const { code, reason } = event as { code: number; reason: string };
        notebook.closed(code, reason);
      },
    },
  });
  client.subscribe(
    { query, variables: variablesOf(seat, notebook) },
    {
      next: (result) => notebook.take(result),
      error: (error) => seat.scribe({ kind: 'error', text: `gave up: ${JSON.stringify(error) ?? String(error)}` }),
      complete: () => {},
    },
  );
  return clientOf(notebook, async () => {
    await client.dispose();
  });
};
