import type { Publisher, PublishRequest, PublishResult } from '../../src/actors/publishing.ts';
import type {
  Batch,
  Delivery,
  NumberedOperations,
  Payload,
  SessionEndReason,
  SessionHandle,
  SessionLink,
  Sessions,
  StreamOperation,
  SubscribeRequest,
} from '../../src/actors/session.ts';
import type { GatewayError } from '../../src/errors.ts';
import type { Envelope, EventContent, NotificationId, UserId } from '../../src/event.ts';
import { partitionId } from '../../src/event.ts';
import type { DeliverSpan, SessionClass } from '../../src/telemetry/facade.ts';
import type { Viewer } from '../../src/viewer.ts';

/** What an actor would hand over. */
export const batchOf = (deliveries: readonly Delivery[]): Batch => ({
  deliveries,
  operation: new Set(deliveries.map(({ operation }) => operation)).size > 1 ? null : (deliveries[0]?.operation ?? null),
  isTraced: deliveries.some(({ trace }) => trace !== null),
});

/** Operations by their place in a list. */
const numbered = (operations: readonly StreamOperation[]): NumberedOperations => ({
  at(operation) {
    const found = operations[operation];
    if (found === undefined) throw new Error(`no operation ${operation}`);
    return found;
  },
});

/** A session that a test looks into and drives: what the actors would do, by hand. */
export class HandDrivenSession implements SessionHandle {
  readonly link: SessionLink;
  readonly kind: 'websocket' | 'sse';
  readonly subscriptions: Map<string, SubscribeRequest> = new Map();
  readonly requests: SubscribeRequest[] = [];
  readonly echoes: { counter: number; by: SessionClass }[] = [];
  viewer: Viewer | null = null;
  isActive = false;
  ended: SessionEndReason | null = null;
  drainedTimes = 0;
  heardTimes = 0;
  /** Set to hold the acknowledgement back. */
  isHeld = false;
  /** What the next subscribe is refused with. */
  refusal: GatewayError | null = null;
  #hasInit = false;

  constructor(link: SessionLink, kind: 'websocket' | 'sse') {
    this.link = link;
    this.kind = kind;
  }

  get subscriptionCount(): number {
    return this.subscriptions.size;
  }

  initReceived(): boolean {
    if (this.#hasInit) this.end('init_repeated');
    const isFirst = !this.#hasInit;
    this.#hasInit = true;
    return isFirst;
  }

  authenticated(viewer: Viewer): void {
    this.viewer = viewer;
    if (!this.isHeld) this.admit();
  }

  admit(): void {
    this.isActive = true;
    this.link.acknowledge();
  }

  refused(reason: 'token_refused' | 'overloaded'): void {
    this.end(reason);
  }

  refreshed(viewer: Viewer): void {
    this.viewer = viewer;
  }

  subscribe(request: SubscribeRequest): GatewayError | null {
    if (this.refusal !== null) return this.refusal;
    this.requests.push(request);
    this.subscriptions.set(request.operationId, request);
    return null;
  }

  unsubscribe(operationId: string): void {
    this.subscriptions.delete(operationId);
  }

  has(operationId: string): boolean {
    return this.subscriptions.has(operationId);
  }

  echoed(counter: number, by: SessionClass): void {
    this.echoes.push({ counter, by });
  }

  heard(): void {
    this.heardTimes++;
  }

  drained(): void {
    this.drainedTimes++;
  }

  closed(reason: SessionEndReason): void {
    if (this.ended === null) this.ended = reason;
    this.isActive = false;
    this.subscriptions.clear();
  }

  /** Ends the session from inside, as its actor would. */
  end(reason: SessionEndReason): void {
    this.closed(reason);
    this.link.close(reason);
  }

  /** Delivers to every subscription, all in one batch. */
  emit(payloads: readonly Payload[], trace: DeliverSpan | null = null): void {
    const operations = [...this.subscriptions.values()];
    const deliveries = operations.flatMap((_, operation) =>
      payloads.map((payload): Delivery => ({ operation, payload, trace })),
    );
    this.link.deliver(batchOf(deliveries), numbered(operations));
  }
}

/** Sessions and a publisher for tests of the transport. Publishing delivers to everybody at once. */
export class HandDrivenCore implements Sessions, Publisher {
  readonly opened: HandDrivenSession[] = [];
  readonly published: PublishRequest[] = [];
  isDraining = false;
  isHeld = false;
  /** Answers publishes instead of the default. */
  onPublish: ((request: PublishRequest) => Promise<PublishResult>) | null = null;

  open(link: SessionLink, { kind }: { kind: 'websocket' | 'sse' }): SessionHandle {
    const session = new HandDrivenSession(link, kind);
    session.isHeld = this.isHeld;
    this.opened.push(session);
    return session;
  }

  currentCursor(): string {
    return 'cursor-now';
  }

  async publish(request: PublishRequest): Promise<PublishResult> {
    this.published.push(request);
    if (this.onPublish !== null) return this.onPublish(request);
    const number = this.published.length;
    const payload = eventPayload(number, { title: request.title });
    for (const session of this.opened) if (session.isActive) session.emit([payload]);
    return published(`n-${number}`);
  }

  /** The session that was opened last. */
  get last(): HandDrivenSession {
    const session = this.opened.at(-1);
    if (session === undefined) throw new Error('no session was opened');
    return session;
  }
}

/** A publish that went well. */
export const published = (id: string): PublishResult => ({
  notificationId: id as NotificationId,
  isDuplicate: false,
  failedUserIds: [],
  userErrors: [],
});

/** A `message` event at offset `number`. */
export const envelope = (number: number, content: Partial<EventContent> & { title?: unknown } = {}): Envelope => ({
  position: { partition: partitionId('notifications', 0), offset: BigInt(number), epoch: 0 },
  id: `id-${number}` as NotificationId,
  dedupeKey: `key-${number}`,
  type: 'message',
  audience: { kind: 'user', userId: 'ada' as UserId },
  createdAtMs: Date.UTC(2026, 0, 1),
  expiresAtMs: null,
  display: { title: String(content.title ?? `event ${number}`), body: null, url: null },
  content: { __typename: 'Message', title: `event ${number}`, body: null, url: null, ...content },
  trace: null,
  fetchedAtMs: Date.UTC(2026, 0, 1),
  bytes: 100,
});

/** The live payload of `envelope(number)`. */
export const eventPayload = (number: number, content: Partial<EventContent> & { title?: unknown } = {}): Payload => ({
  kind: 'event',
  envelope: envelope(number, content),
  cursor: `cursor-${number}`,
  isLive: true,
});
