import { type Client, createClient } from 'graphql-ws';

/** One payload of `notificationReceived`. */
export type StreamStep = {
  readonly cursor: string;
  readonly isLive: boolean;
  readonly gap: { readonly reason: string; readonly since: string | null; readonly until: string | null } | null;
  readonly edge: { readonly node: TailedNotification } | null;
};

export type TailedNotification = {
  readonly id: string;
  readonly type: string;
  readonly createdAt: string;
  readonly audience: 'USER' | 'TOPIC' | 'EVERYONE';
  readonly topic: string | null;
  readonly title: string;
  readonly body: string | null;
  readonly url: string | null;
};

export type FollowOptions = {
  /** The gateway's `/graphql`, http or https. */
  readonly url: string;
  /** Asked before each connection. */
  token(): Promise<string> | string;
  readonly topics: readonly string[];
  readonly after: string | null;
  /** Ends the following. */
  readonly signal: AbortSignal;
};

export type FollowListener = {
  step(step: StreamStep): void;
  /** Something a person may want to know: connected, lost, trying again. */
  note(text: string): void;
};

const document = `subscription Tail($after: Cursor, $filter: StreamFilter) {
  notificationReceived(after: $after, filter: $filter) {
    cursor isLive
    gap { reason since until }
    edge { node { id type createdAt audience topic title body url } }
  }
}`;

type Close = { readonly code: number; readonly reason: string };

const closeOf = (error: unknown): Close | null => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  const { code, reason } = error as { code: unknown; reason?: unknown };
  return typeof code === 'number' ? { code, reason: typeof reason === 'string' ? reason : '' } : null;
};

/** Close codes after which trying again gives the same answer. */
const finalCodes: ReadonlySet<number> = new Set([4400, 4401, 4403, 4406, 4409, 4429]);

const isFinal = (error: unknown, hasConnected: boolean): boolean => {
  const close = closeOf(error);
  if (close !== null && finalCodes.has(close.code)) return true;
  return !hasConnected;
};

const describeEnd = (error: unknown, url: string): Error => {
  if (Array.isArray(error)) {
    const texts = error.map(({ message, extensions }) => `${extensions?.code ?? 'ERROR'}: ${message}`);
    return new Error(texts.join('; '));
  }
  const close = closeOf(error);
  if (close?.code === 4403) return new Error(`the gateway refused the token (${close.reason}): get a new one`);
  if (close !== null && finalCodes.has(close.code))
    return new Error(`the gateway closed the connection: ${close.code} ${close.reason}`);
  return new Error(`no gateway at ${url}: start it with npm start, or set --gateway or CARILLON_URL`, { cause: error });
};

const connect = (options: FollowOptions, listener: FollowListener): Client => {
  let hasConnected = false;
  return createClient({
    url: options.url.replace(/^http/, 'ws'),
    connectionParams: async () => ({ authorization: `Bearer ${await options.token()}` }),
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (error) => !isFinal(error, hasConnected),
    on: {
      connected: () => {
        hasConnected = true;
        listener.note(`connected to ${options.url}`);
      },
      closed: (event) => {
        const { code, reason } = closeOf(event) ?? { code: 0, reason: '' };
        if (hasConnected && code !== 1000 && !finalCodes.has(code))
          listener.note(`connection lost (${code}${reason === '' ? '' : ` ${reason}`}), trying again`);
      },
    },
  });
};

/**
 * Follows the stream until the signal aborts; resolves with the last cursor. Connections that are lost are made again from that cursor.
 * Rejects with a message for the person where the first connection fails, the token is refused, or the subscription is.
 */
export const followStream = async (options: FollowOptions, listener: FollowListener): Promise<string | null> => {
  let cursor: string | null = null;
  const client = connect(options, listener);
  const variables = {
    // graphql-ws sends the same object again when it reconnects: read then, this is where the stream goes on.
    get after(): string | null {
      return cursor ?? options.after;
    },
    filter: { topics: options.topics },
  };
  const ended = new Promise<void>((resolve, reject) => {
    const stop = client.subscribe<{ notificationReceived: StreamStep }>(
      { query: document, variables },
      {
        next: ({ data, errors }) => {
          if (errors !== undefined) return reject(describeEnd(errors, options.url));
          if (!data?.notificationReceived) return;
          cursor = data.notificationReceived.cursor;
          listener.step(data.notificationReceived);
        },
        error: (error) => reject(describeEnd(error, options.url)),
        complete: resolve,
      },
    );
    if (options.signal.aborted) stop();
    options.signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await ended;
    return cursor;
  } finally {
    await client.dispose();
  }
};
