import type { Envelope, GapReason } from '../event.ts';
import type { DeliverSpan, ProcessSpan, SessionClass, Telemetry } from '../telemetry/facade.ts';
import type { Directory } from './directory.ts';
import type { Entry } from './entry.ts';
import type { Subscription } from './subscription.ts';
import type { Tail } from './tail.ts';
import { Offer } from './waiting.ts';

/**
 * Gives one entry to every live subscription that it is addressed to, in one synchronous turn. Nothing here waits, throws, logs or calls a
 * machine; per recipient nothing is allocated, where they wait for the same. The tail must stand right after the entry already.
 */
export class Router {
  readonly #directory: Directory;
  readonly #tail: Tail;
  readonly #telemetry: Telemetry;

  constructor(deps: { directory: Directory; tail: Tail; telemetry: Telemetry }) {
    this.#directory = deps.directory;
    this.#tail = deps.tail;
    this.#telemetry = deps.telemetry;
  }

  route(entry: Entry): void {
    if (entry.kind === 'event') this.#routeEvent(entry.envelope);
    else this.#routeUnreadable(entry);
  }

  /** Tells every live subscription that positions are gone. */
  gap(reason: GapReason): void {
    for (const subscription of this.#directory.all) {
      if (subscription.isLive) subscription.offerGap(reason, this.#tail.cursor());
    }
  }

  #routeEvent(envelope: Envelope): void {
    let offer: Offer | null = null;
    let process: ProcessSpan | null = null;
    let recipients = 0;
    for (const subscription of this.#directory.find(envelope.audience)) {
      if (!subscription.isLive || !subscription.takes(envelope)) continue;
      if (offer === null) {
        // Only now, with a first recipient, does the cursor cost anything.
        offer = new Offer({ kind: 'event', envelope, cursor: this.#tail.cursor(), isLive: true });
        process = this.#telemetry.startProcess(envelope, 'live');
      }
      recipients += 1;
      subscription.offer(offer, process === null ? null : startDeliver(process, envelope, subscription));
    }
    process?.end(recipients);
  }

  #routeUnreadable(entry: Extract<Entry, { kind: 'unreadable' }>): void {
    for (const subscription of this.#directory.find(entry.audience)) {
      if (subscription.isLive) subscription.offerUnreadable(entry.createdAtMs, this.#tail.cursor());
    }
  }
}

const startDeliver = (process: ProcessSpan, envelope: Envelope, to: Subscription): DeliverSpan | null =>
  openDeliver(process, envelope, { mode: 'live', sessionClass: to.host.sessionClass });

/** Opens one recipient's span, with what happened so far. */
export const openDeliver = (
  process: ProcessSpan,
  envelope: Envelope,
  how: { mode: 'live' | 'catchup'; sessionClass: SessionClass },
): DeliverSpan | null => {
  const logWaitMs = Math.max(0, envelope.fetchedAtMs - envelope.createdAtMs);
  const span = process.deliver({ ...how, logWaitMs });
  span?.event('fetched', envelope.fetchedAtMs);
  span?.event('routed');
  return span;
};
