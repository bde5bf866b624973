import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Server, type ServerOptions, WebSocketServer } from 'ws';
import { Admission, type Applicant } from '../actors/index.ts';
import type { Access } from './access.ts';
import { type ClientAddress, networkOf } from './client-address.ts';
import { violations } from './close-codes.ts';
import type { EndpointPath } from './endpoint-path.ts';
import type { SocketDeps } from './socket-deps.ts';
import { subprotocol } from './socket-protocol.ts';
import { SessionSocket, SocketSession } from './socket-session.ts';

/** From an upgrade request to a session: path, origin, room; then ws does the handshake and frames. Refusals are plain HTTP answers. */

export type Upgrades = {
  /** Answers one upgrade request. Never throws. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Cuts what is still open. */
  close(): void;
};

export type UpgradeDeps = SocketDeps & {
  readonly access: Access;
  readonly addressOf: ClientAddress;
  readonly path: EndpointPath;
};

type Refusal = { readonly status: string; readonly message: string };

/** Counts sockets per address until they are acknowledged. */
class OpeningSockets {
  readonly #byAddress = new Map<string, number>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  isFull(address: string): boolean {
    return (this.#byAddress.get(address) ?? 0) >= this.#most;
  }

  enter(address: string): void {
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
  }

  leave(address: string): void {
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
  }
}

/** Neither end keeps a window between two messages: what a client offers costs nothing until it sends something compressed. */
const withoutTakeover = { serverNoContextTakeover: true, clientNoContextTakeover: true };

const overloaded: Refusal = { status: '503 Service Unavailable', message: 'too many are connecting: try again' };

const refuse = (socket: Duplex, { status, message }: Refusal): void => {
  const head = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(message)}`,
    ...(status.startsWith('503') ? ['Retry-After: 1'] : []),
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${message}`);
};

/**
 * The right subprotocol where it is offered; else the first one that is, so that the peer accepts the handshake and sees the close code 4406
 * instead of a failed connection. Nothing is spoken in it. [GQLWS-1.1] [GQLWS-1.2] [GQLWS-1.3]
 */
const pickProtocol = (offered: ReadonlySet<string>): string | false => {
  if (offered.has(subprotocol)) return subprotocol;
  const [first] = offered;
  return first ?? false;
};

type Handshakes = {
  readonly deps: SocketDeps;
  readonly opening: OpeningSockets;
  readonly pace: Admission;
  readonly server: Server<typeof SessionSocket>;
};

function destroy(this: Duplex): void {
  this.destroy();
}

/** One upgrade request, from its arrival until its session is acknowledged or gone. Nothing of the request outlives the handshake. */
class Handshake implements Applicant {
  readonly #shared: Handshakes;
  readonly #address: string;
  #waiting: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer } | null;
  #isCounted = true;
  readonly #gone = (): void => {
    this.#shared.pace.leave(this);
    this.settle();
  };

  constructor(
    shared: Handshakes,
    address: string,
    waiting: { request: IncomingMessage; socket: Duplex; head: Buffer },
  ) {
    this.#shared = shared;
    this.#address = address;
    this.#waiting = waiting;
    shared.opening.enter(address);
    waiting.socket.once('close', this.#gone);
    shared.pace.request(this);
  }

  grant(): void {
    if (this.#waiting === null) return;
    const { request, socket, head } = this.#waiting;
    this.#waiting = null;
    this.#shared.server.handleUpgrade(request, socket, head, (ws) => {
      socket.off('close', this.#gone);
      socket.off('error', destroy);
      this.#accept(ws, request);
    });
  }

  refuse(): void {
    if (this.#waiting !== null) refuse(this.#waiting.socket, overloaded);
    this.#waiting = null;
  }

  /** Gives its place back, once. */
  settle(): void {
    if (this.#isCounted) this.#shared.opening.leave(this.#address);
    this.#isCounted = false;
  }

  #accept(ws: SessionSocket, { socket, headers }: IncomingMessage): void {
    const onSettled = (): void => this.settle();
    if (ws.protocol === subprotocol) {
      new SocketSession({ ws, socket, headers, onSettled }, this.#shared.deps);
      return;
    }
    ws.on('error', () => {});
    ws.on('close', onSettled);
    ws.close(violations.wrongSubprotocol.code, violations.wrongSubprotocol.reason);
  }
}

/** Creates the answerer of upgrade requests. */
export const createUpgrades = (deps: UpgradeDeps): Upgrades => {
  const { access, addressOf, path, limits, services } = deps;
  const opening = new OpeningSockets(limits.maxOpeningPerAddress);
  // @types/ws does not know closeTimeout yet.
  const options: ServerOptions<typeof SessionSocket> & { closeTimeout: number } = {
    noServer: true,
    WebSocket: SessionSocket,
    clientTracking: true,
    perMessageDeflate: deps.deflate === null ? false : withoutTakeover,
    maxPayload: limits.maxFrameBytes,
    closeTimeout: limits.closeTimeoutMs,
    handleProtocols: pickProtocol,
  };
  const server = new WebSocketServer<typeof SessionSocket>(options);
  const pace = new Admission({
    perSecond: limits.upgradesPerSecond,
    // Few at once: each goes through all of its handshake in the same turns of the event loop.
    burst: Math.max(1, limits.upgradesPerSecond / 50),
    maxWaiting: limits.maxWaitingUpgrades,
    monotonic: () => deps.clock.monotonic(),
    after: (delayMs, task) => deps.clock.after(delayMs, task),
  });

  const refusalOf = (request: IncomingMessage): Refusal | null => {
    if (!path.matches(request.url)) return { status: '404 Not Found', message: path.hint };
    const refused = access.refusal(request.headers);
    if (refused !== null) return { status: '403 Forbidden', message: refused };
    if (services.sessions.isDraining) return { status: '503 Service Unavailable', message: 'restarting: try again' };
    if (!opening.isFull(networkOf(addressOf(request)))) return null;
    return { status: '503 Service Unavailable', message: 'too many sockets of this address are opening: try again' };
  };

  return {
    handle(request, socket, head) {
      socket.on('error', destroy);
      const refusal = refusalOf(request);
      if (refusal === null)
        new Handshake({ deps, opening, pace, server }, networkOf(addressOf(request)), { request, socket, head });
      else refuse(socket, refusal);
    },
    close() {
      for (const ws of server.clients) ws.terminate();
      server.close();
    },
  };
};
