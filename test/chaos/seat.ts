import type { Scribe, Style } from './history.ts';

/** What a client of the campaign is given: who it is, the way to the gateways, and what to write its history with. */
export type Seat = {
  readonly user: string;
  readonly topics: readonly string[];
  readonly style: Style;
  /** Comes back within half a second; else as graphql-ws does, which waits longer with each attempt in vain. */
  readonly isHasty: boolean;
  /** Port of the relay in front of the gateways. */
  readonly port: number;
  readonly scribe: Scribe;
  token(): Promise<string>;
};

/** A client that stays connected, come what may, until it is closed. */
export type Client = {
  /** Cursors so far, in order of arrival. */
  readonly cursors: readonly string[];
  readonly titles: ReadonlySet<string>;
  /** Its subscription has brought something on the connection that it has now. */
  readonly isHere: boolean;
  /** The next connection begins at this cursor instead of the last one; for clients that pass cursors. */
  beginAt(cursor: string): void;
  close(): Promise<void>;
};

/** The subscription of every client. */
export const query =
  'subscription Chaos($after: Cursor, $filter: StreamFilter) { notificationReceived(after: $after, filter: $filter) { cursor isLive gap { reason since until } edge { node { id title body } } } }';

type Payload = {
  readonly cursor: string;
  readonly isLive: boolean;
  readonly gap: { readonly reason: string; readonly since: string | null; readonly until: string | null } | null;
  readonly edge: { readonly node: { readonly id: string; readonly title: string } } | null;
};

/** Keeps what came, and writes it down. */
export class Notebook {
  readonly cursors: string[] = [];
  readonly titles: Set<string> = new Set();
  isHere = false;
  readonly #scribe: Scribe;
  #detour: string | null = null;

  constructor(seat: Seat) {
    this.#scribe = seat.scribe;
    seat.scribe({ kind: 'client', user: seat.user, topics: seat.topics, style: seat.style });
  }

  /** The cursor to come back with. */
  after(): string | null {
    const after = this.#detour ?? this.cursors.at(-1) ?? null;
    this.#detour = null;
    return after;
  }

  beginAt(cursor: string): void {
    this.#detour = cursor;
  }

  /** Takes an execution result of the subscription. */
  take(result: unknown): void {
    const { data, errors } = result as { data?: { notificationReceived?: Payload } | null; errors?: unknown };
    const payload = data?.notificationReceived;
    if (payload === undefined) {
      this.#scribe({ kind: 'error', text: JSON.stringify(errors ?? result) });
      return;
    }
    const { cursor, isLive, gap, edge } = payload;
    this.cursors.push(cursor);
    this.isHere = true;
    if (edge !== null) this.titles.add(edge.node.title);
    this.#scribe({ kind: 'payload', cursor, title: edge?.node.title ?? null, id: edge?.node.id ?? null, isLive, gap });
  }

  /** The connection has ended; `code` as in the history. */
  closed(code: number | null, reason: string): void {
    this.isHere = false;
    this.#scribe({ kind: 'closed', code, reason });
  }

  /** The client answered a marker. */
  echoed(): void {
    const cursor = this.cursors.at(-1);
    if (cursor !== undefined) this.#scribe({ kind: 'echoed', cursor });
  }
}

/** A client that keeps this notebook. */
export const clientOf = (notebook: Notebook, close: () => Promise<void>): Client => ({
  cursors: notebook.cursors,
  titles: notebook.titles,
  get isHere() {
    return notebook.isHere;
  },
  beginAt: (cursor) => notebook.beginAt(cursor),
  close,
});

/** A question to ask again and again: whether each of these clients was here at one time or another that it was asked. */
export const haveAllBeenHere = (clients: readonly Pick<Client, 'isHere'>[]): (() => boolean) => {
  const unseen = new Set(clients);
  return () => {
    for (const client of unseen) if (client.isHere) unseen.delete(client);
    return unseen.size === 0;
  };
};

/** Variables of the subscription without a position. */
export const filterOf = (seat: Seat): { readonly topics: readonly string[] } => ({ topics: seat.topics });

/** The pause before a client tries again, milliseconds; the jitter keeps them from marching in step. */
export const retryPauseMs = (): number => 100 + Math.random() * 300;

/**
 * The same as graphql-ws has it, after `retries` attempts in vain, but no longer than 11 s: it doubles without end, and whether a client is back in
 * time is to depend on the gateways alone.
 */
export const libraryPauseMs = (retries: number): number =>
  1_000 * 2 ** Math.min(retries, 3) + 300 + Math.random() * 2_700;
