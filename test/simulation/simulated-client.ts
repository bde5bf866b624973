import type { Batch, Marker, NumberedOperations, SessionEndReason } from '../../src/actors/session.ts';
import type { GatewayError } from '../../src/errors.ts';
import { subscribe, TestClient } from '../actors/client.ts';
import { type TestNode, viewer } from '../actors/node.ts';
import { topicsOf } from './truth.ts';

/**
 * A client over all of its connections. `cursor`: passes the last cursor that it got. `echo`: a stock client, which passes nothing, answers markers
 * and keeps its operation's id. `lazy`: the same, but its answers come late or never.
 */
export type Style = 'cursor' | 'echo' | 'lazy';

/** What it got: an event's title, or the reason of a gap. `at`: place in the order of everything that happened. */
export type Seen = {
  readonly what: string;
  readonly isGap: boolean;
  readonly connection: number;
  readonly at: number;
  readonly cursor: string;
};

/** One connection: what comes when it is over does not arrive. */
class Connection extends TestClient {
  isGone = false;
  /** When each payload arrived. */
  readonly arrivedAt: number[] = [];
  readonly #now: () => number;
  #got = 0;
  /** Markers that are not answered, with how much had arrived before each. */
  readonly #unanswered: { readonly counter: number; readonly got: number }[] = [];
  /** How much is answered for. */
  acknowledgedCount = 0;

  constructor(node: TestNode, now: () => number) {
    super(node);
    this.#now = now;
  }

  override deliver(batch: Batch, operations: NumberedOperations): void {
    if (this.isGone) return;
    super.deliver(batch, operations);
    this.#got = this.received.length;
    while (this.arrivedAt.length < this.#got) this.arrivedAt.push(this.#now());
  }

  override mark(marker: Marker): void {
    super.mark(marker);
    if (!this.isGone) this.#unanswered.push({ counter: marker.counter, got: this.#got });
  }

  override fail(operationId: string, error: GatewayError): void {
    if (!this.isGone) super.fail(operationId, error);
  }

  override close(reason: SessionEndReason): void {
    super.close(reason);
  }

  /** Answers the oldest markers, `count` of them. */
  echo(count: number): void {
    if (this.isGone) return;
    for (const { counter, got } of this.#unanswered.splice(0, count)) {
      this.acknowledgedCount = got;
      this.handle.echoed(counter, 'echo');
    }
  }
}

export class SimulatedClient {
  readonly name: string;
  readonly style: Style;
  readonly seen: Seen[] = [];
  /** Titles that it may get again: they had arrived, and it had not answered for them. */
  readonly repeatable: Map<number, ReadonlySet<string>> = new Map();
  /** What was written up to then may be missing: promises do not hold across what happened. */
  exemptUntil = 0;
  /** Without a cursor of its own it began wherever its node stood, and that may have been behind. */
  hasBegunAnew = false;
  node: TestNode;
  connection: Connection;
  /** Where it has been since the last payload that it got: who knows how far it had come. */
  readonly knowers: Set<TestNode> = new Set();
  /** When it last connected. */
  connectedAt = 0;
  #connections = 0;
  #taken = 0;
  #lastCursor: string | null = null;
  readonly #now: () => number;

  constructor({ name, style }: { name: string; style: Style }, node: TestNode, now: () => number) {
    this.name = name;
    this.style = style;
    this.node = node;
    this.#now = now;
    this.connection = this.#connect(null);
  }

  /** Whether the server has ended it, or its operation. */
  get isEnded(): boolean {
    return this.connection.endedBy !== null;
  }

  /** The connection is over. `isNoticed`: by the gateway too. */
  leave(isNoticed: boolean): void {
    if (this.connection.isGone) return;
    this.collect();
    this.connection.isGone = true;
    if (isNoticed && this.connection.endedBy === null) this.connection.handle.closed('client_closed');
  }

  /** Comes back, to `node`; `cursor` in place of the one it has. */
  comeBack(node: TestNode, cursor: string | null = null): void {
    this.leave(true);
    if (this.connection.received.length > 0) this.knowers.clear();
    this.knowers.add(this.node);
    this.node = node;
    this.connection = this.#connect(cursor ?? this.#lastCursor);
  }

  /** Takes over what has arrived. */
  collect(): void {
    const { received, arrivedAt } = this.connection;
    for (const [n, { payload }] of received.entries()) {
      if (n < this.#taken) continue;
      const { cursor } = payload;
      const common = { connection: this.#connections, at: arrivedAt[n] ?? 0, cursor };
      if (payload.kind === 'event') this.seen.push({ what: payload.envelope.display.title, isGap: false, ...common });
      if (payload.kind === 'gap') this.seen.push({ what: payload.reason, isGap: true, ...common });
      this.#lastCursor = cursor;
    }
    this.#taken = received.length;
  }

  #connect(after: string | null): Connection {
    this.repeatable.set(this.#connections + 1, this.#unacknowledged());
    this.#connections += 1;
    this.#taken = 0;
    this.connectedAt = this.#now();
    // Without a cursor yet, it asks for what comes from now on.
    if (this.style === 'cursor' && after === null) this.exemptUntil = this.#now();
    const connection = new Connection(this.node, this.#now);
    connection.handle.initReceived();
    connection.handle.authenticated(viewer(this.name));
    const options = this.style === 'cursor' ? { after } : { resumeKey: `${this.name}/${this.style}` };
    subscribe(connection, { ...options, filter: { topics: topicsOf(this.name) } });
    return connection;
  }

  /** What may come again stays so until it is answered for. */
  #unacknowledged(): ReadonlySet<string> {
    if (this.#connections === 0 || this.style === 'cursor') return new Set();
    const { received, acknowledgedCount } = this.connection;
    const titles = received.map(({ payload }) => (payload.kind === 'event' ? payload.envelope.display.title : ''));
    const acknowledged = new Set(titles.slice(0, acknowledgedCount));
    const before = this.repeatable.get(this.#connections) ?? [];
    return new Set([...before, ...titles].filter((title) => !acknowledged.has(title)));
  }
}
