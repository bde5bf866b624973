import type { Readiness } from '../admin.ts';
import type { Config } from '../config.ts';
import type { GatewayUrls } from '../gateway.ts';

/** What supervisor and worker tell each other over the channel that `fork` makes: plain JSON, in order, lost with the worker. */

/** What a worker can be asked for, and what it answers. */
export type Answers = {
  /** Nothing: the answer itself shows that its event loop runs. */
  readonly alive: null;
  readonly readiness: Readiness;
  /** Prometheus text. */
  readonly metrics: string;
  readonly snapshot: unknown;
};
export type Question = keyof Answers;

export type ToWorker =
  /** The first message, once. `config.worker` says which worker it is, `config.http` has the port that is held for all. */
  | { readonly kind: 'start'; readonly config: Config }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  /** End as a node does, then exit 0. */
  | { readonly kind: 'drain' };

export type FromWorker =
  /** Heard of the start: from now on it answers. */
  | { readonly kind: 'hello' }
  /** Listens. */
  | { readonly kind: 'ready'; readonly urls: GatewayUrls }
  /** A person has to change something, and exit 78 follows. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: string };
