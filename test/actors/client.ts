import type {
  Batch,
  Delivery,
  Marker,
  NumberedOperations,
  Payload,
  SessionEndReason,
  SessionHandle,
  SessionLink,
  StreamFilter,
} from '../../src/actors/session.ts';
import type { GatewayError } from '../../src/errors.ts';
import type { Viewer } from '../../src/viewer.ts';
import type { TestNode } from './node.ts';

/** What came, and for which operation. */
export type Received = Delivery & { readonly operationId: string };

/** A transport and its client in one: keeps what it is given, and may stop reading. */
export class TestClient implements SessionLink {
  readonly received: Received[] = [];
  readonly marks: number[] = [];
  /** Those of them that any stack is to answer. */
  readonly probes: number[] = [];
  /** What markers said of the token's end. */
  readonly challenges: number[] = [];
  readonly failures: { operationId: string; error: GatewayError }[] = [];
  /** How often deliver was called. */
  writes = 0;
  acknowledged = 0;
  endedBy: SessionEndReason | 'terminated' | null = null;
  bufferedBytes = 0;
  /** Bytes stay with the socket until `read`. */
  isSlow = false;
  /** Throws out of deliver. */
  isBroken = false;
  readonly handle: SessionHandle;

  constructor(node: TestNode, kind: 'websocket' | 'sse' = 'websocket') {
    this.handle = node.core.sessions.open(this, { kind });
  }

  acknowledge(): void {
    this.acknowledged += 1;
  }

  deliver({ deliveries }: Batch, operations: NumberedOperations): void {
    if (this.isBroken) throw new Error('broken link');
    this.writes += 1;
    for (const each of deliveries)
      this.received.push({ ...each, operationId: operations.at(each.operation).operationId });
    if (this.isSlow) this.bufferedBytes += deliveries.length * 300;
  }

  mark({ counter, tokenExpiresInMs, isProbe }: Marker): void {
    this.marks.push(counter);
    if (isProbe) this.probes.push(counter);
    if (tokenExpiresInMs !== null) this.challenges.push(tokenExpiresInMs);
  }

  fail(operationId: string, error: GatewayError): void {
    this.failures.push({ operationId, error });
  }

  close(reason: SessionEndReason): void {
    this.endedBy = reason;
  }

  terminate(): void {
    this.endedBy = 'terminated';
  }

  /** The client reads what the socket holds. */
  read(): void {
    this.bufferedBytes = 0;
    this.handle.drained();
  }

  payloads(operationId = 'op'): readonly Payload[] {
    return this.received.filter((delivery) => delivery.operationId === operationId).map(({ payload }) => payload);
  }

  titles(operationId = 'op'): readonly string[] {
    return this.payloads(operationId).flatMap((each) => (each.kind === 'event' ? [each.envelope.display.title] : []));
  }

  gaps(operationId = 'op'): readonly string[] {
    return this.payloads(operationId).flatMap((each) => (each.kind === 'gap' ? [each.reason] : []));
  }

  get lastCursor(): string | null {
    return this.received.at(-1)?.payload.cursor ?? null;
  }
}

export const everything: StreamFilter = { viewer: true, everyone: true, topics: [], types: null };

/** A session that has its ack. */
export const connectAs = (node: TestNode, who: Viewer, kind: 'websocket' | 'sse' = 'websocket'): TestClient => {
  const client = new TestClient(node, kind);
  client.handle.initReceived();
  client.handle.authenticated(who);
  return client;
};

/** Subscribes as operation `op`; a refusal is a failure of the test. */
export const subscribe = (
  client: TestClient,
  options: {
    after?: string | null;
    filter?: Partial<StreamFilter>;
    operationId?: string;
    resumeKey?: string | null;
  } = {},
): void => {
  const { after = null, filter = {}, operationId = 'op', resumeKey = null } = options;
  const request = { operationId, filter: { ...everything, ...filter }, after, plan: null, resumeKey };
  const refusal = client.handle.subscribe(request);
  if (refusal !== null) throw refusal;
};
