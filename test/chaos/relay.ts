import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A TCP connection between two parties as a bad network makes it. In front of one client or of one broker; what it does, it does to every connection
 * through it.
 */

/**
 * - `pass`: as it comes.
 * - `hold`: nothing in either direction, and nobody is told; new connections are taken and hang.
 * - `deaf`: nothing is read from the server, whose window closes; the client's bytes pass.
 * - `trickle`: 1 KB/s from the server.
 * - `late`: the server's bytes arrive 2 s later.
 */
export type RelayMode = 'pass' | 'hold' | 'deaf' | 'trickle' | 'late';

/** Where a connection is to go; null: nobody is there, as when a port is closed. */
export type Route = () => { readonly port: number; readonly name: string } | null;

export type Relay = {
  readonly port: number;
  set(mode: RelayMode): void;
  /** Ends every connection: politely to both sides, or by reset. */
  cut(how: 'fin' | 'rst'): void;
  /** Clients are reset while the server's side stays open and silent for `forMs`: what a lost link looks like from the server. */
  abandon(forMs: number): void;
  close(): void;
};

const lateMs = 2_000;
const trickleBytes = 256;
const trickleMs = 250;

class Pair {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #ended: () => void;
  #mode: RelayMode = 'pass';
  #queue: Buffer[] = [];
  #drip: NodeJS.Timeout | null = null;
  #isOver = false;

  constructor(client: Socket, server: Socket, ended: () => void) {
    this.#client = client;
    this.#server = server;
    this.#ended = ended;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.end()).on('close', () => this.end());
    }
    client.on('data', (bytes) => this.#pass(client, server, bytes));
    server.on('data', (bytes) => this.#toClient(bytes));
  }

  set(mode: RelayMode): void {
    this.#mode = mode;
    const isHeld = mode === 'hold';
    if (isHeld) this.#client.pause();
    else this.#client.resume();
    if (isHeld || mode === 'deaf') this.#server.pause();
    else this.#server.resume();
    if (mode === 'pass' && this.#drip !== null) this.#flush();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#drip !== null) clearInterval(this.#drip);
    // What was written goes out first: a close frame is often the last thing.
    this.#client.destroySoon();
    this.#server.destroySoon();
    this.#ended();
  }

  cut(how: 'fin' | 'rst'): void {
    if (how === 'rst') {
      this.#client.resetAndDestroy();
      this.#server.resetAndDestroy();
    } else {
      this.#client.end();
      this.#server.end();
    }
  }

  abandon(forMs: number): void {
    this.#server.pause();
    this.#client
      .removeAllListeners('close')
      .removeAllListeners('error')
      .on('error', () => {});
    this.#client.resetAndDestroy();
    setTimeout(() => this.end(), forMs).unref();
  }

  #pass(from: Socket, to: Socket, bytes: Buffer): void {
    if (to.destroyed || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => this.set(this.#mode));
  }

  #toClient(bytes: Buffer): void {
    if (this.#mode === 'late') setTimeout(() => this.#client.destroyed || this.#client.write(bytes), lateMs);
    else if (this.#mode === 'trickle' || this.#drip !== null) this.#trickle(bytes);
    else this.#pass(this.#server, this.#client, bytes);
  }

  #trickle(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#server.pause();
    this.#drip ??= setInterval(() => this.#drop(), trickleMs);
  }

  #drop(): void {
    const rest = Buffer.concat(this.#queue);
    this.#client.write(rest.subarray(0, trickleBytes));
    this.#queue = rest.length > trickleBytes ? [rest.subarray(trickleBytes)] : [];
    if (this.#queue.length === 0) this.#flush();
  }

  #flush(): void {
    if (this.#drip !== null) clearInterval(this.#drip);
    this.#drip = null;
    for (const bytes of this.#queue.splice(0)) this.#client.write(bytes);
    this.set(this.#mode);
  }
}

/** Starts a relay on `port` (0: a free one). `connected` hears where each connection went. */
export const startRelay = async (
  route: Route,
  connected: (name: string) => void = () => {},
  port = 0,
): Promise<Relay> => {
  const pairs = new Set<Pair>();
  let mode: RelayMode = 'pass';
  const server = createServer((client) => {
    const target = route();
    if (target === null) {
      client.on('error', () => {}).resetAndDestroy();
      return;
    }
    const pair: Pair = new Pair(
      client,
      connect(target.port, '127.0.0.1', () => connected(target.name)),
      () => pairs.delete(pair),
    );
    pairs.add(pair);
    pair.set(mode);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      mode = next;
      for (const pair of [...pairs]) pair.set(next);
    },
    cut(how) {
      for (const pair of [...pairs]) pair.cut(how);
    },
    abandon(forMs) {
      for (const pair of [...pairs]) pair.abandon(forMs);
    },
    close() {
      server.close();
      for (const pair of [...pairs]) pair.end();
    },
  };
};
