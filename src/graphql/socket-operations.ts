import { GraphQLError, OperationTypeNode } from 'graphql';
import type { SubscribeMessage } from 'graphql-ws';
import type { SessionHandle, SubscribeRequest } from '../actors/session.ts';
import { GatewayError } from '../errors.ts';
import type { TraceContext } from '../event.ts';
import type { Viewer } from '../viewer.ts';
import { type Close, violations } from './close-codes.ts';
import { pickOperation } from './documents.ts';
import { persistedHash } from './persisted-documents.ts';
import { type OperationRun, runOperation } from './run-operation.ts';
import type { SocketDeps } from './socket-deps.ts';
import { completeFrame, errorFrame, nextFrame } from './socket-protocol.ts';
import type { SocketWriter } from './socket-writer.ts';
import { readSubscription } from './subscribe-operation.ts';
import { readTrace, trustedTrace } from './trace-context.ts';
import { toWire } from './wire-text.ts';

/** Operations of one socket, by the ids that its client chose: any text [GQLWS-4.9], so they are keys of a Map and of nothing else. */

/** A query or mutation in flight. */
type Running = { isCancelled: boolean };

/** Starts, counts and ends operations, side by side [GQLWS-4.4]. A refusal is an `error` for its id; the socket lives on [GQLWS-6.2]. */
export class SocketOperations {
  readonly #session: SessionHandle;
  readonly #writer: SocketWriter;
  readonly #deps: SocketDeps;
  /** Made with the first query: most sockets only subscribe. */
  #running: Map<string, Running> | null = null;

  constructor(session: SessionHandle, writer: SocketWriter, deps: SocketDeps) {
    this.#session = session;
    this.#writer = writer;
    this.#deps = deps;
  }

  /** Starts what `message` asks for. A close comes back where the message itself breaks the protocol. `trace` is that of the connection. */
  start(message: SubscribeMessage, trace: TraceContext | null): Close | null {
    const { viewer, isActive } = this.#session;
    // [GQLWS-4.1]
    if (!isActive || viewer === null) return violations.unauthorized;
    const { id } = message;
    // [GQLWS-4.2] [GQLWS-4.3] In the turn in which it came: nothing else can take the id in between.
    if (this.#running?.has(id) === true || this.#session.has(id)) return violations.idTaken(id);
    const errors = this.#tryToBegin(message, viewer, trace);
    if (errors.length > 0) this.#refuse(id, errors);
    return null;
  }

  /** The client wants no more of `id` [GQLWS-7.2]. Unknown ids are ignored: the end may have crossed ours [GQLWS-7.3]. */
  complete(id: string): void {
    const running = this.#running?.get(id);
    if (running !== undefined) {
      running.isCancelled = true;
      this.#running?.delete(id);
    }
    this.#session.unsubscribe(id);
  }

  /** A subscription has ended with an error. */
  fail(id: string, error: GatewayError): void {
    this.#refuse(id, [error]);
  }

  /** The socket is gone: results of what is in flight go nowhere. */
  cancelAll(): void {
    for (const running of this.#running?.values() ?? []) running.isCancelled = true;
    this.#running = null;
  }

  /** A bug met on behalf of one operation is that operation's trouble. */
  #tryToBegin(message: SubscribeMessage, viewer: Viewer, trace: TraceContext | null): readonly unknown[] {
    try {
      return this.#begin(message, viewer, trace);
    } catch (thrown) {
      this.complete(message.id);
      return [thrown];
    }
  }

  /** What is wrong with the operation; empty once it runs. */
  #begin({ id, payload }: SubscribeMessage, viewer: Viewer, trace: TraceContext | null): readonly unknown[] {
    const { maxOperations } = this.#deps.limits;
    if ((this.#running?.size ?? 0) + this.#session.subscriptionCount >= maxOperations) {
      const message = `the socket has ${maxOperations} operations already: complete one first`;
      return [new GatewayError('OVERLOADED', message)];
    }
    const preparation = this.#deps.documents.prepare(payload.query, persistedHash(payload.extensions));
    if (!preparation.ok) return preparation.errors;
    const { prepared } = preparation;
    const operation = pickOperation(prepared, payload.operationName);
    if (operation instanceof GraphQLError) return [operation];
    // [GQLWS-4.8]
    const variables = payload.variables ?? {};
    if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
      const { scopeOf } = this.#deps.services;
      const start = { operationId: id, prepared, operation, variables, viewer, scopeOf };
      const request = readSubscription(this.#deps.schema, start);
      return 'plan' in request ? this.#subscribe(request) : request;
    }
    const own = trustedTrace(viewer, readTrace(payload.extensions) ?? trace);
    const context = { services: this.#deps.services, viewer, session: this.#session, trace: own };
    void this.#run(id, { prepared, operation, variables, context });
    return [];
  }

  /** [GQLWS-4.7]. */
  #subscribe(request: SubscribeRequest): readonly unknown[] {
    const refusal = this.#session.subscribe(request);
    return refusal === null ? [] : [refusal];
  }

  /** [GQLWS-4.5] [GQLWS-4.6]. */
  async #run(id: string, run: OperationRun): Promise<void> {
    const running: Running = { isCancelled: false };
    this.#running ??= new Map();
    this.#running.set(id, running);
    const outcome = await runOperation(this.#deps.schema, this.#deps.mask, run);
    if (running.isCancelled) return;
    this.#running?.delete(id);
    if (outcome.kind === 'result') {
      this.#writer.write(nextFrame(id, toWire(outcome.json)));
      this.#writer.write(completeFrame(id));
    } else this.#refuse(id, outcome.errors);
  }

  #refuse(id: string, errors: readonly unknown[]): void {
    const formatted = this.#deps.mask.format(errors);
    this.#deps.telemetry.count('operationErrors', String(formatted[0]?.extensions?.['code'] ?? 'BAD_USER_INPUT'));
    this.#writer.write(errorFrame(id, formatted));
  }
}
