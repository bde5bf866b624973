import type { Clock } from '../clock.ts';
import type { SessionClass, Telemetry } from '../telemetry/facade.ts';
import type { Viewer } from '../viewer.ts';
import { isExpired } from './entry.ts';
import type { FlushQueue } from './flush-queue.ts';
import type { Markers } from './markers.ts';
import type { CoreOptions } from './options.ts';
import { Outbox } from './outbox.ts';
import type { Delivery, SessionLink } from './session.ts';
import type { SubscriptionHost } from './subscription.ts';
import { Waiting } from './waiting.ts';

/**
 * The data plane of one session: its outbox, and the flush that hands batches to the link while that takes them. Dispatch only touches it;
 * edges go to the machine from the flush, so that no dispatch ever runs a machine.
 */

/** What all sessions share. */
export type SessionFlowDeps = {
  readonly clock: Clock;
  readonly flushes: FlushQueue;
  readonly telemetry: Telemetry;
  readonly options: CoreOptions;
};

/** The session that a flow belongs to. */
export type SessionFlowOwner = {
  readonly link: SessionLink;
  readonly markers: Markers;
  /** The outbox passed its mark, or fell under half of it. Each is said once, in turn. */
  saturated(): void;
  relieved(): void;
  /** Something was written. */
  progressed(): void;
  /** The token has ended, and its timer is late: nothing is handed over. */
  expired(): void;
  /** A bug met on this session's behalf, or the link threw: the session cannot go on. */
  fail(thrown: unknown): void;
};

export class SessionFlow implements SubscriptionHost {
  #viewer: Viewer | null = null;
  /** When the token ends, whole seconds since 1970, rounded down: before that, nothing else need be looked at. */
  #expiresAtS = 0;
  sessionClass: SessionClass;
  readonly outbox: Outbox;
  readonly #owner: SessionFlowOwner;
  readonly #link: SessionLink;
  readonly #markers: Markers;
  readonly #deps: SessionFlowDeps;
  #isTouched = false;
  #isOpen = false;
  #isReportedSaturated = false;

  constructor(owner: SessionFlowOwner, sessionClass: SessionClass, deps: SessionFlowDeps) {
    this.#owner = owner;
    this.#link = owner.link;
    this.#markers = owner.markers;
    this.#deps = deps;
    this.sessionClass = sessionClass;
    this.outbox = new Outbox(deps.options);
  }

  get viewer(): Viewer | null {
    return this.#viewer;
  }

  set viewer(viewer: Viewer) {
    this.#viewer = viewer;
    this.#expiresAtS = Math.floor(viewer.expiresAtMs / 1_000);
  }

  get #isExpired(): boolean {
    const nowMs = this.#deps.clock.now();
    return nowMs / 1_000 >= this.#expiresAtS && this.#viewer !== null && this.#viewer.expiresAtMs <= nowMs;
  }

  /** From here on the link takes deliveries. */
  open(): void {
    this.#isOpen = true;
  }

  /** Hands over what is left if the link takes it, then nothing more. */
  close(): void {
    if (this.#isOpen) this.#write();
    this.end();
  }

  /** Nothing more is handed over; what waits is thrown away. */
  end(): void {
    this.#isOpen = false;
    this.outbox.clear();
    this.#markers.end();
  }

  /** Whether the client may not have all that was offered to the operation. */
  isOutstanding(operationId: string): boolean {
    return this.outbox.has(operationId) || this.#markers.isOutstanding(operationId);
  }

  touch(): void {
    if (this.#isTouched || !this.#isOpen) return;
    this.#isTouched = true;
    this.#deps.flushes.add(this);
  }

  fail(thrown: unknown): void {
    this.#owner.fail(thrown);
  }

  /** Called by the flush queue, once per turn. */
  flush(): void {
    this.#isTouched = false;
    if (!this.#isOpen) return;
    if (this.#isExpired) {
      this.#owner.expired();
      return;
    }
    try {
      // Said before writing: a burst that fits the socket is an edge all the same, since subscriptions read the log because of it.
      this.#reportSaturated();
      this.#write();
      this.#reportRelieved();
    } catch (thrown) {
      // Others wait behind this one in the same turn.
      this.#owner.fail(thrown);
    }
  }

  #write(): void {
    const { options, telemetry } = this.#deps;
    const [link, markers] = [this.#link, this.#markers];
    try {
      while (this.outbox.count > 0 && link.bufferedBytes < options.socketHighWaterBytes) {
        const batch = this.#withoutExpired(this.outbox.take(options.socketHighWaterBytes));
        if (batch === null) continue;
        telemetry.counts.deliveries += batch.events;
        link.deliver(batch, this.outbox);
        if (this.sessionClass !== 'none') markers.delivered(batch, this.outbox);
        if (this.#isReportedSaturated) this.#owner.progressed();
      }
    } catch (thrown) {
      this.#owner.fail(thrown);
    }
  }

  /** What waited here for a slow client may be over by now. */
  #withoutExpired(batch: Waiting | null): Waiting | null {
    if (batch?.canExpire !== true) return batch;
    const nowMs = this.#deps.clock.now();
    const over = batch.deliveries.filter((each) => isOver(each, nowMs));
    if (over.length === 0) return batch;
    for (const { trace } of over) trace?.end('closed');
    this.#deps.telemetry.counts.recordsExpired += over.length;
    return Waiting.of(batch.deliveries.filter((each) => !isOver(each, nowMs)));
  }

  #reportSaturated(): void {
    if (!this.outbox.takeEdge() || this.#isReportedSaturated) return;
    this.#isReportedSaturated = true;
    this.#owner.saturated();
  }

  #reportRelieved(): void {
    if (!this.#isReportedSaturated || this.outbox.isSaturated || !this.#isOpen) return;
    this.#isReportedSaturated = false;
    this.#owner.relieved();
  }
}

const isOver = ({ payload }: Delivery, nowMs: number): boolean =>
  payload.kind === 'event' && isExpired(payload.envelope, nowMs);
