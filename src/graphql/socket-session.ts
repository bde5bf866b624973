import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { MessageType } from 'graphql-ws';
import { type RawData, WebSocket } from 'ws';
import type {
  Batch,
  Delivery,
  Marker,
  NumberedOperations,
  SessionEndReason,
  SessionHandle,
  SessionLink,
} from '../actors/session.ts';
import type { GatewayError } from '../errors.ts';
import type { TraceContext } from '../event.ts';
import type { SessionClass } from '../telemetry/facade.ts';
import { bearerToken, initToken } from './bearer-token.ts';
import { type Close, closeOf, violations } from './close-codes.ts';
import { MessageBudget } from './message-budget.ts';
import { PeerPings } from './peer-pings.ts';
import { canInflate, type SharedDeflate } from './shared-deflate.ts';
import type { FrameTemplate } from './shared-frames.ts';
import type { SocketDeps } from './socket-deps.ts';
import { SocketOperations } from './socket-operations.ts';
import {
  ackFrame,
  type ClientMessage,
  echoedMarker,
  markerFrame,
  nextHead,
  pongFrame,
  quickEcho,
  readMessage,
} from './socket-protocol.ts';
import { SocketWriter, type WriterOwner } from './socket-writer.ts';
import { readTrace } from './trace-context.ts';
import { toWire, type WireText } from './wire-text.ts';

/**
 * One socket, from handshake to close: the transport's half of a session. It speaks the protocol and turns deliveries into frames; state, order,
 * queueing and time-outs are the session actor's, behind `SessionHandle`.
 */

/** A WebSocket that knows its session: listeners are the same functions for all sockets. */
export class SessionSocket extends WebSocket {
  session: SocketSession | null = null;

  /** ws calls it too, to answer a close: nothing may follow a close frame. */
  override close(code?: number, reason?: string | Buffer): void {
    this.session?.closing();
    super.close(code, reason);
  }
}

/**
 * Answers that a peer may leave unread and still ask for more; deliveries stop at a small part of it by themselves. It tells that it is there with all
 * it asks, so that no heartbeat would ever end it.
 */
const maxUnreadBytes = 4_194_304; // 4 MiB

/** One accepted connection. */
export type SocketConnection = {
  readonly ws: SessionSocket;
  readonly socket: Duplex;
  /** Of the request that opened it. */
  readonly headers: IncomingHttpHeaders;
  /** Acknowledged or gone, whichever comes first: it no longer counts as opening. Called at least once. */
  readonly onSettled: () => void;
};

const sessionOf = (ws: WebSocket): SocketSession | null => (ws instanceof SessionSocket ? ws.session : null);

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  sessionOf(this)?.received(data, isBinary);
}
function onPong(this: WebSocket, data: Buffer): void {
  sessionOf(this)?.peerPonged(data);
}
function onPing(this: WebSocket): void {
  sessionOf(this)?.peerPinged();
}
function onError(this: WebSocket): void {
  sessionOf(this)?.violated();
}
function onClose(this: WebSocket): void {
  sessionOf(this)?.ended();
}

/** Runs one connection until it closes. */
export class SocketSession implements SessionLink, WriterOwner {
  readonly #deps: SocketDeps;
  readonly #writer: SocketWriter;
  readonly #budget: MessageBudget;
  readonly #handle: SessionHandle;
  readonly #operations: SocketOperations;
  readonly #pings: PeerPings;
  /** Null where the peer cannot or need not. */
  readonly #deflate: SharedDeflate | null;
  /** From the request; not kept once `connection_init` has come. */
  #authorization: string | undefined;
  #onSettled: (() => void) | null;
  #trace: TraceContext | null;
  #peer: SessionClass = 'bare';
  /** The operation that was delivered to last, and the beginning of its frames. */
  #operationId: string | null = null;
  #head = toWire('');
  #isClosed = false;
  #endReason: SessionEndReason = 'client_closed';

  constructor({ ws, socket, headers, onSettled }: SocketConnection, deps: SocketDeps) {
    this.#deps = deps;
    this.#onSettled = onSettled;
    const { writes, telemetry, clock, limits } = deps;
    this.#writer = new SocketWriter(this, { ws, socket, writes, counts: telemetry.counts });
    this.#pings = new PeerPings(this.#writer);
    this.#budget = new MessageBudget(limits.messages, clock);
    this.#authorization = headers.authorization;
    this.#deflate = canInflate(ws.extensions, headers['sec-websocket-extensions']) ? deps.deflate : null;
    this.#trace = readTrace(headers);
    this.#handle = deps.services.sessions.open(this, { kind: 'websocket' });
    this.#operations = new SocketOperations(this.#handle, this.#writer, deps);
    ws.session = this;
    ws.on('message', onMessage);
    ws.on('pong', onPong);
    ws.on('ping', onPing);
    ws.on('error', onError);
    ws.on('close', onClose);
  }

  // What the session actor asks for.

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  acknowledge(): void {
    this.#settle();
    this.#writer.write(ackFrame);
  }

  deliver(batch: Batch, operations: NumberedOperations): void {
    const frames = this.#deflate === null ? this.#sharedFrames(batch, operations) : null;
    if (frames === null) for (const delivery of batch.deliveries) this.#next(delivery, operations);
    else this.#writer.writeFrames(frames, this.#head);
  }

  #sharedFrames(batch: Batch, operations: NumberedOperations): FrameTemplate | null {
    if (batch.operation === null || batch.isTraced) return null;
    const { operationId, plan } = operations.at(batch.operation);
    this.#goTo(operationId);
    return this.#deps.frames.find(batch, plan, this.#head.length);
  }

  /** Most sockets have one subscription, most of the time. */
  #goTo(operationId: string): void {
    if (operationId === this.#operationId) return;
    this.#operationId = operationId;
    this.#head = nextHead(operationId);
  }

  /** What many share is worth compressing; a trace makes each its own. */
  #next({ operation, payload, trace }: Delivery, operations: NumberedOperations): void {
    const { operationId, plan } = operations.at(operation);
    this.#goTo(operationId);
    const result = this.#deps.rendering.render({ plan, payload, trace });
    const deflated = trace === null ? (this.#deflate?.message(this.#head, result) ?? null) : null;
    if (deflated === null) this.#writer.write(`${this.#head}${result}}` as WireText);
    else this.#writer.writeDeflated(deflated);
    if (trace !== null) this.#writer.afterFlush(() => trace.event('written'));
  }

  mark({ counter, tokenExpiresInMs, isProbe }: Marker): void {
    this.#budget.expect();
    this.#writer.write(markerFrame(counter, tokenExpiresInMs));
    if (isProbe || this.#peer !== 'echo') this.#pings.ask(counter);
  }

  fail(operationId: string, error: GatewayError): void {
    this.#operations.fail(operationId, error);
  }

  close(reason: SessionEndReason): void {
    this.#close(closeOf(reason));
  }

  terminate(): void {
    this.#isClosed = true;
    this.#writer.terminate();
  }

  // What the socket tells.

  drained(): void {
    this.#handle.drained();
  }

  received(data: RawData, isBinary: boolean): void {
    this.#guarded(() => this.#receive(String(data), isBinary));
  }

  peerPonged(data: Buffer): void {
    this.#guarded(() => this.#ponged(String(data)));
  }

  peerPinged(): void {
    this.#guarded(() => this.#handle.heard());
  }

  closing(): void {
    this.#writer.end();
  }

  /** ws has closed with the code of the violation (1002, 1007, 1009) by then. */
  violated(): void {
    this.#endReason = 'protocol_violation';
  }

  ended(): void {
    this.#isClosed = true;
    this.#settle();
    this.#operations.cancelAll();
    this.#handle.closed(this.#endReason);
  }

  // What the peer does.

  #receive(text: string, isBinary: boolean): void {
    if (this.#isClosed) return;
    this.#deps.telemetry.counts.framesIn++;
    if (this.bufferedBytes > maxUnreadBytes) {
      this.#end(closeOf('stalled'), 'stalled');
      return;
    }
    this.#handle.heard();
    const violation = this.#judge(text, isBinary);
    if (violation !== null) this.#end(violation, 'protocol_violation');
  }

  /** A bug costs this socket: an emitter's listener that throws would end the process, and with it everybody. */
  #guarded(task: () => void): void {
    try {
      task();
    } catch (thrown) {
      this.#deps.mask.mask(thrown);
      this.#end(closeOf('actor_failed'), 'actor_failed');
    }
  }

  #judge(text: string, isBinary: boolean): Close | null {
    if (!this.#budget.take()) return violations.tooManyMessages;
    // [GQLWS-8.5] The protocol is text. Nobody sends it in binary frames, and one way in is enough.
    if (isBinary) return violations.badMessage('Invalid message: send text frames');
    // Of all messages the most frequent by far, and always the same.
    const echo = quickEcho(text);
    if (echo !== null) return this.#echoed(echo);
    const message = readMessage(text);
    return 'code' in message ? message : this.#dispatch(message);
  }

  #dispatch(message: ClientMessage): Close | null {
    switch (message.type) {
      case MessageType.ConnectionInit:
        this.#initialise(message.payload);
        return null;
      case MessageType.Ping:
        this.#writer.write(pongFrame(message.payload));
        return null;
      case MessageType.Pong:
        return this.#echoed(echoedMarker(message.payload));
      case MessageType.Subscribe:
        return this.#operations.start(message, this.#trace);
      case MessageType.Complete:
        this.#operations.complete(message.id);
        return null;
    }
  }

  #initialise(payload: Readonly<Record<string, unknown>> | undefined): void {
    // [GQLWS-2.2] [GQLWS-2.4] What came of it, the session actor says: connection_ack in its turn, or a close.
    if (!this.#handle.initReceived()) return;
    this.#trace = readTrace(payload) ?? this.#trace;
    const given = initToken(payload);
    const header = bearerToken(this.#authorization);
    this.#authorization = undefined;
    const token = given === 'absent' ? header : given === 'malformed' ? null : given.token;
    if (token === null) this.#handle.refused('token_refused');
    else void this.#verify(token);
  }

  async #verify(token: string): Promise<void> {
    const verification = await this.#deps.services.verify(token);
    if (this.#isClosed) return;
    if (verification.ok) this.#handle.authenticated(verification.viewer);
    else this.#handle.refused(verification.reason === 'refused' ? 'token_refused' : 'overloaded');
  }

  #echoed(counter: number | null): null {
    // [GQLWS-3.3]
    if (counter === null) return null;
    this.#peer = 'echo';
    this.#handle.echoed(counter, 'echo');
    return null;
  }

  #ponged(data: string): void {
    if (this.#isClosed) return;
    this.#handle.heard();
    if (!/^\d{1,15}$/.test(data)) return;
    this.#handle.echoed(Number(data), 'bare');
    this.#pings.answered();
  }

  // Ends.

  #end(close: Close, reason: SessionEndReason): void {
    this.#close(close);
    this.#handle.closed(reason);
  }

  #close(close: Close): void {
    this.#isClosed = true;
    this.#writer.close(close);
  }

  #settle(): void {
    this.#onSettled?.();
    this.#onSettled = null;
  }
}
