import { print } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { FollowDocument, type FollowSubscription } from './__generated__/operations.ts';

/** One notification as a test looks at it. */
export type Received = {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly body: string | null;
  readonly audience: string;
  readonly content: Readonly<Record<string, unknown>> | null;
  readonly cursor: string;
  readonly isLive: boolean;
  readonly extensions: Readonly<Record<string, unknown>> | undefined;
};

/** A stock client that follows one subscription and keeps what it got, in order. */
export type Follower = {
  readonly events: readonly Received[];
  readonly gaps: readonly { readonly reason: string; readonly cursor: string }[];
  /** The last cursor of any payload; null before the first. */
  readonly cursor: string | null;
  /** Close codes of every socket that ended. */
  readonly closes: readonly number[];
  readonly errors: readonly unknown[];
  /** Resolves once `condition` holds; looked at after each payload, close and error. */
  until(condition: (follower: Follower) => boolean): Promise<void>;
  /** Stops reading from the socket, as a client that hangs does, until `resume`. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
};

export type FollowOptions = {
  readonly token: string | (() => string | Promise<string>);
  readonly after?: string | null;
  readonly topics?: readonly string[];
  readonly types?: readonly string[];
  readonly viewer?: boolean;
  readonly everyone?: boolean;
  readonly retryAttempts?: number;
};

const document = print(FollowDocument);

type Answer = FollowSubscription['notificationReceived'];

const filterOf = (options: FollowOptions) => ({
  topics: options.topics ?? [],
  types: options.types ?? null,
  viewer: options.viewer ?? true,
  everyone: options.everyone ?? true,
});

/** Subscribes and resolves after the first payload: from then on nothing is missed. Rejects when the subscription is refused. */
export const follow = async (wsUrl: string, options: FollowOptions): Promise<Follower> => {
  const events: Received[] = [];
  const gaps: { reason: string; cursor: string }[] = [];
  const closes: number[] = [];
  const errors: unknown[] = [];
  let cursor: string | null = null;
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of [...waiting]) look();
  };
  let socket: WebSocket | null = null;
  const client: Client = createClient({
    url: wsUrl,
    webSocketImpl: WebSocket,
    lazy: false,
    retryAttempts: options.retryAttempts ?? 0,
    retryWait: () => new Promise((resolve) => setImmediate(resolve)),
    onNonLazyError: (error) => {
      errors.push(error);
      changed();
    },
    connectionParams: async () => ({
      authorization: `Bearer ${typeof options.token === 'string' ? options.token : await options.token()}`,
    }),
    on: {
      connected: (connected) => {
        socket = connected as WebSocket;
      },
      closed: (event) => {
        closes.push((event as { code: number }).code);
        changed();
      },
    },
  });
  const follower: Follower = {
    events,
    gaps,
    closes,
    errors,
    get cursor() {
      return cursor;
    },
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition(follower)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    pause: () => socket?.pause(),
    resume: () => socket?.resume(),
    close: async () => {
      await client.dispose();
    },
  };
  const take = (payload: Answer, extensions: Received['extensions']): void => {
    cursor = payload.cursor;
    if (payload.gap !== null) gaps.push({ reason: payload.gap.reason, cursor: payload.cursor });
    if (payload.edge !== null) {
      events.push({ ...payload.edge.node, cursor: payload.cursor, isLive: payload.isLive, extensions });
    }
    changed();
  };
  client.subscribe<{ notificationReceived: Answer }>(
    { query: document, variables: { after: options.after ?? null, filter: filterOf(options) } },
    {
      next: ({ data, errors: problems, extensions }) => {
        if (problems !== undefined) errors.push(...problems);
        if (data?.notificationReceived) take(data.notificationReceived, extensions as Received['extensions']);
        else changed();
      },
      error: (error) => {
        errors.push(error);
        changed();
      },
      complete: changed,
    },
  );
  await follower.until(() => cursor !== null || errors.length > 0);
  if (cursor === null) {
    await client.dispose();
    throw new Error(`subscription refused: ${JSON.stringify(errors)}`);
  }
  return follower;
};
