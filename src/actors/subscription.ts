import type { Timer } from '../clock.ts';
import type { Audience, Envelope, GapReason } from '../event.ts';
import type { DeliverSpan, SessionClass } from '../telemetry/facade.ts';
import type { Viewer } from '../viewer.ts';
import type { Addressee } from './entry.ts';
import type { Outbox } from './outbox.ts';
import type { PolicyGuard } from './policy-guard.ts';
import type { StreamFilter, StreamOperation, SubscribeRequest } from './session.ts';
import { Offer } from './waiting.ts';

/**
 * One operation of a session. Live, it takes what dispatch offers and has no position; catching up, dispatch passes it by. It belongs to the
 * data plane: no machine, no promise, nothing that can throw.
 */

/** The session as its subscriptions see it. */
export type SubscriptionHost = {
  readonly viewer: Viewer | null;
  readonly sessionClass: SessionClass;
  readonly outbox: Outbox;
  /** Asks for a flush at the end of this turn. */
  touch(): void;
  /** A bug met on this session's behalf: it ends, and nobody else. */
  fail(thrown: unknown): void;
};

/** What a subscription needs of the node. */
export type SubscriptionPort = {
  monotonic(): number;
  after(delayMs: number, task: () => void): Timer;
  count(name: 'gaps', label: GapReason): void;
  /** Its outbox passed the mark: it reads the log from here on. Called at most once until it is live again. */
  startCatchUp(subscription: Subscription): void;
  /** Dispatch and catch-up must not find it any more. */
  forget(subscription: Subscription): void;
  readonly unreadableFoldMs: number;
  readonly canReceive: PolicyGuard['canReceive'];
};

type Unreadable = { sinceMs: number; untilMs: number; cursor: string; readonly timer: Timer };

/** A subscription without payloads: what the tail's version was, and when it is due to be told of another (on the monotonic clock). */
export type Rest = { readonly version: number; readonly dueMs: number };

export class Subscription implements StreamOperation {
  readonly operationId: string;
  readonly plan: unknown;
  readonly filter: StreamFilter;
  readonly host: SubscriptionHost;
  readonly resumeKey: string | null;
  /** The position that its client asked for. */
  readonly after: string | null;
  /** Where it really began. */
  begunAt: string;
  /** The cursor of the last payload that its client acknowledged. */
  acknowledged: string | null = null;
  isLive = false;
  isEnded = false;
  /** Since when it has had no payload, once that was noticed. */
  rest: Rest | null = null;
  readonly #types: StreamFilter['types'];
  readonly #port: SubscriptionPort;
  /** In its session. */
  readonly #number: number;
  #unreadable: Unreadable | null = null;
  #lastUnreadableAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    request: SubscribeRequest & { readonly begunAt: string },
    host: SubscriptionHost,
    port: SubscriptionPort,
  ) {
    this.operationId = request.operationId;
    this.filter = request.filter;
    this.#types = request.filter.types;
    this.resumeKey = request.resumeKey;
    this.after = request.after;
    this.begunAt = request.begunAt;
    this.plan = request.plan;
    this.host = host;
    this.#port = port;
    this.#number = host.outbox.enter(this);
  }

  /** Whether it takes an event that is addressed to it: by filter, and by the deployer's policy. */
  takes(envelope: Envelope): boolean {
    if (this.#types !== null && !this.#types.has(envelope.type)) return false;
    const { canReceive } = this.#port;
    if (canReceive === null) return true;
    const { viewer } = this.host;
    return viewer !== null && canReceive(viewer, envelope);
  }

  /** Whether `audience` includes this subscription, by identity and filter; what the directory answers for dispatch. */
  isAddressed(audience: Audience): boolean {
    switch (audience.kind) {
      case 'user':
        return this.filter.viewer && this.host.viewer?.userId === audience.userId;
      case 'topic':
        return this.filter.topics.includes(audience.topic);
      case 'everyone':
        return this.filter.everyone;
    }
  }

  /** Whom it stands for, as `isAddressed` says it. */
  get addressee(): Addressee {
    const { viewer, topics, everyone } = this.filter;
    return { userId: viewer ? (this.host.viewer?.userId ?? null) : null, topics, takesEveryone: everyone };
  }

  wants(envelope: Envelope): boolean {
    return this.isAddressed(envelope.audience) && this.takes(envelope);
  }

  /** Queues one payload; what was held back goes first. Live, and over the mark by it: this was the last for now. */
  offer(offer: Offer, trace: DeliverSpan | null = null): void {
    if (this.#unreadable !== null) this.flushUnreadable();
    this.#queue(offer, trace);
    if (this.isLive && this.host.outbox.isSaturated) {
      this.isLive = false;
      this.#port.startCatchUp(this);
    }
  }

  offerGap(reason: GapReason, cursor: string, times: { sinceMs?: number; untilMs?: number } = {}): void {
    this.#port.count('gaps', reason);
    const { sinceMs = null, untilMs = null } = times;
    this.offer(new Offer({ kind: 'gap', reason, sinceMs, untilMs, cursor, isLive: this.isLive }));
  }

  offerCheckpoint(cursor: string): void {
    this.offer(new Offer({ kind: 'checkpoint', cursor, isLive: this.isLive }));
  }

  /** Something for this subscription could not be read; `cursor` is right after it. Adjacent ones become one gap. */
  offerUnreadable(createdAtMs: number, cursor: string): void {
    const held = this.#unreadable;
    if (held !== null) {
      held.sinceMs = Math.min(held.sinceMs, createdAtMs);
      held.untilMs = Math.max(held.untilMs, createdAtMs);
      held.cursor = cursor;
      return;
    }
    const waitMs = this.#lastUnreadableAtMs + this.#port.unreadableFoldMs - this.#port.monotonic();
    if (waitMs <= 0) {
      this.#announceUnreadable(createdAtMs, createdAtMs, cursor);
      return;
    }
    const timer = this.#port.after(waitMs, () => this.flushUnreadable());
    this.#unreadable = { sinceMs: createdAtMs, untilMs: createdAtMs, cursor, timer };
  }

  flushUnreadable(): void {
    const held = this.#unreadable;
    if (held === null) return;
    this.#unreadable = null;
    held.timer.cancel();
    this.#announceUnreadable(held.sinceMs, held.untilMs, held.cursor);
  }

  /** Ends it: nothing more is offered, what waits is dropped. */
  end(): void {
    this.leave();
    this.host.outbox.leave(this);
    // That may have made room for the session's other subscriptions: the flush tells them.
    this.host.touch();
  }

  /** Ends it with its session: nothing more is offered, what waits may still go out. */
  leave(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.isLive = false;
    this.#unreadable?.timer.cancel();
    this.#unreadable = null;
    this.#port.forget(this);
  }

  #announceUnreadable(sinceMs: number, untilMs: number, cursor: string): void {
    this.#lastUnreadableAtMs = this.#port.monotonic();
    this.offerGap('UNREADABLE', cursor, { sinceMs, untilMs });
  }

  #queue(offer: Offer, trace: DeliverSpan | null): void {
    if (this.isEnded) return;
    this.host.outbox.offer(offer, this.#number, trace);
    this.rest = null;
    this.host.touch();
  }
}
