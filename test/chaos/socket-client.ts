import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Client, clientOf, filterOf, Notebook, query, retryPauseMs, type Seat } from './seat.ts';

/**
 * A client without a library, in one of the classes that there are in the field:
 * - `echo` answers the protocol's pings with their payload;
 * - `bare` lets its WebSocket stack answer those of RFC 6455, and nothing else;
 * - `mute` answers nothing: the gateway has to cut it off, and it comes back.
 */
export type Manners = 'echo' | 'bare' | 'mute';

type Message = { readonly type: string; readonly payload?: unknown };

/** One connection after another, under one operation id. */
class SocketClient {
  readonly notebook: Notebook;
  readonly #seat: Seat;
  readonly #manners: Manners;
  readonly #id = randomUUID();
  #socket: WebSocket | null = null;
  #isOver = false;

  constructor(seat: Seat, manners: Manners) {
    this.#seat = seat;
    this.#manners = manners;
    this.notebook = new Notebook(seat);
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      await this.#connection();
      if (!this.#isOver) await delay(retryPauseMs());
    }
  }

  close(): void {
    this.#isOver = true;
    this.#socket?.terminate();
  }

  async #connection(): Promise<void> {
    const authorization = `Bearer ${await this.#seat.token()}`;
    if (this.#isOver) return;
    const socket = new WebSocket(`ws://127.0.0.1:${this.#seat.port}/graphql`, ['graphql-transport-ws'], {
      autoPong: this.#manners !== 'mute',
    });
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } })));
    socket.on('message', (data) => this.#take(socket, JSON.parse(String(data)) as Message));
    // Not `once` of node:events, which rejects at the error that comes before many a close.
    await new Promise<void>((resolve) => {
      socket.on('close', (code, reason) => {
        this.notebook.closed(code, String(reason));
        resolve();
      });
    });
  }

  #take(socket: WebSocket, { type, payload }: Message): void {
    switch (type) {
      case 'connection_ack':
        this.#subscribe(socket);
        break;
      case 'next':
        this.notebook.take(payload);
        break;
      case 'ping':
        if (this.#manners !== 'echo') break;
        socket.send(JSON.stringify({ type: 'pong', payload }));
        this.notebook.echoed();
        break;
      default:
        this.#seat.scribe({ kind: 'error', text: JSON.stringify({ type, payload }) });
    }
  }

  #subscribe(socket: WebSocket): void {
    const after = this.#seat.style === 'cursor' ? this.notebook.after() : null;
    this.#seat.scribe({ kind: 'resumed', after });
    const variables = { after, filter: filterOf(this.#seat) };
    socket.send(JSON.stringify({ id: this.#id, type: 'subscribe', payload: { query, variables } }));
  }
}

/** Connects, and stays. */
export const openSocketClient = (seat: Seat, manners: Manners): Client => {
  const client = new SocketClient(seat, manners);
  const running = client.run();
  return clientOf(client.notebook, async () => {
    client.close();
    await running;
  });
};
