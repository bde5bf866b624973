import type { Clock } from '../clock.ts';
import type { GatewayError } from '../errors.ts';
import type { SessionClass, Telemetry } from '../telemetry/facade.ts';
import type { Logger } from '../telemetry/logger.ts';
import { mayFollow, type Viewer } from '../viewer.ts';
import type { Admission, Applicant } from './admission.ts';
import type { FlushQueue } from './flush-queue.ts';
import type { MachineRunner, RunningMachine } from './machine-runner.ts';
import { Markers, type MarkersOwner } from './markers.ts';
import { Operations } from './operations.ts';
import type { CoreOptions } from './options.ts';
import type { PolicyGuard } from './policy-guard.ts';
import type { Holder, Resumption } from './resumption.ts';
import type { PulseLevel, SessionContext, SessionEvent, SessionTag } from './session.machine.ts';
import type { SessionEndReason, SessionHandle, SessionLink, SubscribeRequest } from './session.ts';
import { SessionFlow, type SessionFlowOwner } from './session-flow.ts';
import { refusalOf, takenOver, topicForbidden } from './session-refusals.ts';
import { Subscription, type SubscriptionPort } from './subscription.ts';
import type { WheelTimer } from './timer-wheel.ts';
import type { UserActor } from './user-actor.ts';
import type { Users } from './users.ts';

/** The runner beside the session machine: carries out its effects, and is what the transport drives. */

export type SessionDeps = {
  /** 0 (inclusive) to 1 (exclusive). */
  random(): number;
  readonly clock: Clock;
  readonly runner: MachineRunner;
  /** From `wireSessionMachine`. */
  readonly machine: unknown;
  readonly users: Users;
  readonly admission: Admission;
  readonly flushes: FlushQueue;
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly options: CoreOptions;
  readonly port: SubscriptionPort;
  readonly policy: PolicyGuard;
  readonly resumption: Resumption;
  after(delayMs: number, task: () => void): WheelTimer;
  /** Asked once more when a session begins: its token was verified a while ago. */
  isRevoked(viewer: Viewer): boolean;
  /** The node's tail as a cursor. */
  currentCursor(): string;
  /** Starts delivering to a subscription: live at once, or from its `after`. */
  attach(subscription: Subscription, after: string | null): void;
  /** Where a subscription stands that has nothing outstanding; null where it has not begun. */
  placeOf(subscription: Subscription): string | null;
  /** There is room in the outbox again. */
  relieved(subscription: Subscription): void;
  /** The session has ended. */
  ended(session: SessionActor): void;
};

export class SessionActor implements SessionHandle, Applicant, Holder, SessionFlowOwner, MarkersOwner {
  user: UserActor | null = null;
  readonly link: SessionLink;
  readonly canEcho: boolean;
  readonly markers: Markers;
  readonly #deps: SessionDeps;
  readonly #flow: SessionFlow;
  readonly #subscriptions = new Operations();
  readonly #machine: RunningMachine<SessionEvent, SessionTag>;
  #isEnded = false;
  #isParking = false;
  /** An echo is due: what its machine says, as a flag, since it is asked for each frame. */
  #isWaiting = false;

  constructor(link: SessionLink, kind: 'websocket' | 'sse', deps: SessionDeps) {
    this.#deps = deps;
    this.link = link;
    this.markers = new Markers(this, deps);
    this.#flow = new SessionFlow(this, kind === 'sse' ? 'none' : 'bare', deps);
    this.canEcho = kind === 'websocket';
    const input = { openedAtMs: deps.clock.now() };
    this.#machine = deps.runner.start<SessionEvent, SessionTag>(deps.machine, input, this);
  }

  get viewer(): Viewer | null {
    return this.#flow.viewer;
  }

  get isActive(): boolean {
    return !this.#isEnded && this.#machine.hasTag('operating');
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get outboxBytes(): number {
    return this.#flow.outbox.bytes;
  }

  describe(): string {
    return this.#machine.describe();
  }

  send(event: SessionEvent): void {
    if (!this.#isEnded) this.#machine.send(event);
  }

  // What the transport drives.

  initReceived(): boolean {
    this.send({ type: 'init.received' });
    return !this.#isEnded && this.#machine.hasTag('handshaking');
  }

  authenticated(viewer: Viewer): void {
    if (this.#isEnded || this.#flow.viewer !== null) return;
    if (viewer.expiresAtMs <= this.#deps.clock.now() || this.#deps.isRevoked(viewer)) {
      this.refused('token_refused');
      return;
    }
    const user = this.#deps.users.ensure(viewer.userId);
    if (!user.attach(this)) {
      this.send({ type: 'limit.passed' });
      return;
    }
    this.user = user;
    this.#flow.viewer = viewer;
    this.send({ type: 'token.verified', expiresAtMs: viewer.expiresAtMs });
  }

  refused(reason: 'token_refused' | 'overloaded'): void {
    this.send({ type: 'token.refused', reason });
  }

  refreshed(viewer: Viewer): void {
    if (this.#isEnded || this.viewer?.userId !== viewer.userId) return;
    this.#flow.viewer = viewer;
    this.send({ type: 'token.refreshed', expiresAtMs: viewer.expiresAtMs });
    for (const subscription of this.#subscriptions.all) {
      const lost = subscription.filter.topics.find((topic) => !mayFollow(viewer, topic));
      if (lost !== undefined) this.#failOne(subscription, topicForbidden(lost));
      else void this.#judge(subscription);
    }
  }

  subscribe(request: SubscribeRequest): GatewayError | null {
    const { maxSubscriptionsPerSession: maxRunning } = this.#deps.options;
    const viewer = this.isActive ? this.viewer : null;
    const refusal = refusalOf(request, { viewer, running: this.#subscriptions, maxRunning });
    if (refusal !== null) return refusal;
    const { resumption, currentCursor, port } = this.#deps;
    const begunAt = request.after ?? currentCursor();
    const subscription = new Subscription({ ...request, begunAt }, this.#flow, port);
    this.#subscriptions.add(subscription);
    resumption.start({ holder: this, subscription }, (from) => this.#attach(subscription, from));
    return null;
  }

  #attach(subscription: Subscription, from: string | null): void {
    const { policy, attach } = this.#deps;
    if (policy.checkTopics === null || subscription.filter.topics.length === 0) attach(subscription, from);
    // What is published while the policy thinks belongs to the stream too.
    else void this.#judge(subscription).then((isAllowed) => isAllowed && attach(subscription, subscription.begunAt));
  }

  unsubscribe(operationId: string): void {
    const subscription = this.#subscriptions.find(operationId);
    if (subscription === undefined) return;
    this.#subscriptions.remove(subscription);
    this.#deps.resumption.release(subscription);
    subscription.end();
  }

  has(operationId: string): boolean {
    return this.#subscriptions.find(operationId) !== undefined;
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size;
  }

  echoed(counter: number, by: SessionClass): void {
    if (this.#isEnded) return;
    // Where the application echoes, an answer of its WebSocket stack says that it is there, and nothing of what it has got.
    if (by === 'bare' && this.#flow.sessionClass === 'echo') return;
    if (!this.markers.echoed(counter)) return;
    if (by === 'echo') this.#flow.sessionClass = 'echo';
    if (this.#isWaiting) this.send({ type: 'marker.echoed' });
  }

  heard(): void {
    if (this.#isWaiting) this.send({ type: 'peer.heard' });
  }

  drained(): void {
    this.#flow.touch();
  }

  closed(reason: SessionEndReason): void {
    this.send({ type: 'socket.closed', reason });
  }

  /** The token counts no more. With the last session that goes for it, the user is revoked too. */
  revoke(): void {
    const { user } = this;
    this.send({ type: 'user.revoked' });
    if (user?.isPresent === false) user.revoke();
  }

  // What the admission grants.

  grant(): void {
    this.send({ type: 'turn.granted' });
  }

  refuse(): void {
    this.send({ type: 'turn.refused' });
  }

  // What the flow and the markers tell.

  saturated(): void {
    this.send({ type: 'outbox.saturated' });
  }

  progressed(): void {
    this.send({ type: 'outbox.progressed' });
  }

  relieved(): void {
    this.send({ type: 'outbox.relieved' });
    for (const subscription of this.#subscriptions.all) this.#deps.relieved(subscription);
  }

  expired(): void {
    this.send({ type: 'token.expired' });
  }

  acknowledged(operationId: string, cursor: string): void {
    const subscription = this.#subscriptions.find(operationId);
    if (subscription !== undefined) subscription.acknowledged = cursor;
  }

  echoOverdue(): void {
    this.send({ type: 'echo.overdue' });
  }

  sendMarker(counter: number, isProbe: boolean): void {
    this.link.mark({ counter, tokenExpiresInMs: this.#expiresInMs(), isProbe });
  }

  guarded(task: () => void): void {
    try {
      task();
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  // What the machine has carried out.

  reportPulse(level: PulseLevel): void {
    this.#isWaiting = level !== 'quiet';
    this.user?.note(this, { pulse: level });
  }

  requestTurn(): void {
    const { admission, options } = this.#deps;
    admission.request(this, this.user?.isHeld === true ? options.holdPaceMs : 0);
  }

  acknowledge(): void {
    this.#flow.open();
    this.markers.start();
    this.link.acknowledge();
  }

  mark(isProbe: boolean): void {
    this.markers.mark(isProbe);
  }

  end({ endReason, isLinkGone }: SessionContext): void {
    this.#release(isLinkGone ? null : endReason);
  }

  positionOf(subscription: Subscription): string {
    subscription.flushUnreadable();
    const isOutstanding = this.#flow.isOutstanding(subscription.operationId);
    const place = isOutstanding ? null : this.#deps.placeOf(subscription);
    return place ?? subscription.acknowledged ?? subscription.begunAt;
  }

  handOver(subscription: Subscription): void {
    this.#failOne(subscription, takenOver());
    if (this.#subscriptions.size === 0 || this.#machine.hasTag('silent')) this.send({ type: 'session.superseded' });
  }

  supersede(subscription: Subscription): void {
    this.#subscriptions.remove(subscription);
    subscription.end();
    this.send({ type: 'session.superseded' });
  }

  restart(): void {
    this.send({ type: 'drain.requested' });
  }

  /** Delivers nothing more, and closes once its clients can be found where they go. */
  startDraining(): void {
    const subscriptions = this.#subscriptions.all;
    if (subscriptions.every(({ resumeKey }) => resumeKey === null)) return;
    this.#isParking = true;
    const done = (): void => {
      if (!this.#isParking) return;
      this.#isParking = false;
      timer.cancel();
      this.send({ type: 'drain.due' });
    };
    const timer = this.#deps.after(parkingPatienceMs, done);
    void this.#deps.resumption.park(subscriptions).then(done);
    for (const subscription of subscriptions) subscription.leave();
  }

  /** Whether the session waits for its positions to be kept before it closes by itself. */
  get isParking(): boolean {
    return this.#isParking;
  }

  /** A bug: this session ends, everybody else goes on, and the client resumes. */
  fail(thrown: unknown): void {
    if (this.#isEnded) return;
    this.#deps.telemetry.counts.actorFailures += 1;
    this.#deps.logger.error('a session failed and was stopped', { error: String(thrown) });
    this.#release('actor_failed');
    // Where the machine itself still lives, its timers end with this; its own ending then finds everything released.
    this.#machine.send({ type: 'actor.failed' });
    this.user?.failed();
  }

  /** Asks the policy about a subscription's topics; one that is refused fails by itself. False where it has ended by then. */
  async #judge(subscription: Subscription): Promise<boolean> {
    const { checkTopics } = this.#deps.policy;
    const { viewer } = this;
    if (checkTopics === null || viewer === null || subscription.filter.topics.length === 0) return true;
    const refusal = await checkTopics(viewer, subscription.filter.topics);
    if (subscription.isEnded) return false;
    if (refusal !== null) this.#failOne(subscription, refusal);
    return refusal === null;
  }

  #failOne(subscription: Subscription, error: GatewayError): void {
    this.unsubscribe(subscription.operationId);
    this.link.fail(subscription.operationId, error);
  }

  /** Ends everything that belongs to the session, once. `reason` null: the link is gone already. */
  #release(reason: SessionEndReason | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#deps.admission.leave(this);
    void this.#deps.resumption.park(this.#subscriptions.all);
    for (const subscription of this.#subscriptions.all) subscription.leave();
    this.#subscriptions.clear();
    this.#closeLink(reason);
    this.#deps.ended(this);
    this.user?.detach(this);
  }

  /** How long the token is still good for, once that is short. */
  #expiresInMs(): number | null {
    const { clock, options } = this.#deps;
    const leftMs = (this.viewer?.expiresAtMs ?? Number.POSITIVE_INFINITY) - clock.now();
    return leftMs <= options.expiryNoticeMs ? Math.max(0, leftMs) : null;
  }

  /** A peer that is gone cannot take a close: it is cut. Any other gets what is queued, as far as it takes it, and then the reason. */
  #closeLink(reason: SessionEndReason | null): void {
    try {
      if (reason === null || withoutRest.has(reason)) this.#flow.end();
      else this.#flow.close();
      if (reason === 'heartbeat_missed') this.link.terminate();
      else if (reason !== null) this.link.close(reason);
    } catch (thrown) {
      this.#deps.logger.error('closing a session failed', { error: String(thrown) });
    }
  }
}

/** What is queued does not go out any more: nobody is there, or nobody who may have it. */
const withoutRest: ReadonlySet<SessionEndReason> = new Set([
  'heartbeat_missed',
  'actor_failed',
  'token_expired',
  'revoked',
]);

/** How long a session that drains waits for its positions to be kept. */
const parkingPatienceMs = 1_000;
