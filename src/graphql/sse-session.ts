import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  Batch,
  NumberedOperations,
  SessionEndReason,
  SessionHandle,
  SessionLink,
  SubscribeRequest,
} from '../actors/session.ts';
import type { GatewayError } from '../errors.ts';
import type { Viewer } from '../viewer.ts';
import { closeOf } from './close-codes.ts';
import { sendRefusal } from './http-answer.ts';
import type { SocketDeps } from './socket-deps.ts';
import { toWire, type WireText } from './wire-text.ts';

/**
 * One subscription as Server-Sent Events: a session like a socket's, without acks. `id:` is the cursor, so that `Last-Event-ID` resumes. Drain and
 * expiry end the body without `complete`: the client comes back.
 */

const operationId = 'sse';
/** What keeps a stream warm. */
const comment = toWire(':\n\n');

/** Results of what never became a subscription: one `next` with the errors, then the end. */
export const refusedStream = (errorsJson: string): string =>
  `event: next\ndata: {"errors":${errorsJson}}\n\nevent: complete\ndata:\n\n`;

/**
 * A chunk of a chunked body (RFC 9112 §7.1), to be written to the socket below the response in the response's turn. The response itself makes four
 * writes of it, and keeps text and bytes until the kernel has taken all of it.
 */
const chunkOf = (text: WireText): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** The head of an event stream; nothing between here and the client may hold it back. */
export const openEventStream = (response: ServerResponse): void => {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  });
  response.write(':\n\n');
};

export type SseConnection = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly viewer: Viewer;
  readonly subscription: Omit<SubscribeRequest, 'operationId'>;
};

/** Runs one stream until it ends. */
export class SseSession implements SessionLink {
  readonly #deps: SocketDeps;
  readonly #connection: SseConnection;
  readonly #handle: SessionHandle;
  #isOver = false;
  /** The kernel has taken one write. Asked for with each: behind the last of them nothing else would tell that there is room. */
  readonly #taken = (): void => {
    if (!this.#isOver) this.#handle.drained();
  };

  constructor(connection: SseConnection, deps: SocketDeps) {
    this.#deps = deps;
    this.#connection = connection;
    this.#handle = deps.services.sessions.open(this, { kind: 'sse' });
    connection.response.on('close', () => this.#ended());
    if (this.#handle.initReceived()) this.#handle.authenticated(connection.viewer);
  }

  get bufferedBytes(): number {
    return this.#connection.response.writableLength;
  }

  acknowledge(): void {
    if (this.#isOver) return;
    openEventStream(this.#connection.response);
    // Not before the actor has taken this very step: the session becomes active by it.
    queueMicrotask(() => this.#subscribe());
  }

  deliver({ deliveries }: Batch, operations: NumberedOperations): void {
    const events = deliveries.map(({ operation, payload, trace }) => {
      const { plan } = operations.at(operation);
      const data = this.#deps.rendering.render({ plan, payload, trace });
      // Cursors are ASCII.
      return `event: next\nid: ${payload.cursor}\ndata: ${data}\n\n`;
    });
    this.#write(events.join('') as WireText);
    for (const { trace } of deliveries) trace?.event('written');
  }

  mark(): void {
    this.#write(comment);
  }

  fail(_operationId: string, error: GatewayError): void {
    if (this.#isOver) return;
    this.#deps.telemetry.count('operationErrors', error.code);
    this.#isOver = true;
    this.#connection.response.end(refusedStream(JSON.stringify(this.#deps.mask.format([error]))));
  }

  close(reason: SessionEndReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { response } = this.#connection;
    if (response.headersSent) response.end();
    else sendRefusal(response, { ...refusalOf(reason), message: closeOf(reason).reason });
  }

  terminate(): void {
    this.#isOver = true;
    this.#connection.response.destroy();
  }

  #subscribe(): void {
    if (this.#isOver) return;
    const refusal = this.#handle.subscribe({ ...this.#connection.subscription, operationId });
    if (refusal !== null) this.fail(operationId, refusal);
  }

  #write(text: WireText): void {
    const { response } = this.#connection;
    if (this.#isOver || !response.headersSent || response.destroyed) return;
    const { counts } = this.#deps.telemetry;
    counts.framesOut++;
    counts.bytesOut += text.length;
    const { socket } = response;
    // Not every version of HTTP has chunks; before its turn the response has no socket, and once the peer has ended its side nothing may be written to it.
    if (response.chunkedEncoding && socket?.writable === true) socket.write(chunkOf(text), 'latin1', this.#taken);
    else response.write(text, 'latin1', this.#taken);
  }

  #ended(): void {
    this.#isOver = true;
    this.#handle.closed('client_closed');
  }
}

const refusalOf = (reason: SessionEndReason): { status: number; code: string; headers: Record<string, string> } => {
  if (closeOf(reason).code === 4403) return { status: 401, code: 'UNAUTHENTICATED', headers: {} };
  const code = reason === 'draining' || reason === 'stopped' ? 'DRAINING' : 'OVERLOADED';
  return { status: 503, code, headers: { 'retry-after': '1' } };
};
