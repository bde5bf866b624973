import { WebSocket } from 'ws';
import { testToken } from '../../test/support/token.ts';
import { graphqlPeer } from '../fanout/clients.ts';
import { bodyOf, titleOf } from '../sides/serve.ts';

/**
 * A few clients of `ws` itself beside the many of C, which only count what is compressed: these inflate each message, and compare number, operation
 * and body of each event with what was published.
 */

export type Witnesses = {
  /** permessage-deflate was agreed on with all of them. */
  readonly isDeflating: boolean;
  /** Bodies have so many bytes from here on. */
  expect(bytes: number): void;
  /** Resolves once all got event `sequence`, or rejects after the time. Rejects when one of them got anything that was not published, or not in its place. */
  caughtUp(sequence: number, patienceMs: number): Promise<void>;
  stop(): void;
};

/** What is looked at of a message. */
type Message = {
  readonly id?: string;
  readonly type: string;
  readonly payload?: {
    readonly data?: {
      readonly notificationReceived: { readonly edge: { readonly node: { title: string; body: string } } | null };
    };
  };
};

class Witness {
  readonly #socket: WebSocket;
  readonly #peer: ReturnType<typeof graphqlPeer>;
  readonly #id: string;
  readonly #token: string;
  #bytes = 0;
  #isReady = false;
  #sequence: number;
  #wrong: string | null = null;
  #changed: () => void = () => {};

  constructor(peer: ReturnType<typeof graphqlPeer>, self: { id: string; token: string; sequence: number }) {
    this.#peer = peer;
    this.#id = self.id;
    this.#token = self.token;
    this.#sequence = self.sequence;
    this.#socket = new WebSocket(`ws://127.0.0.1:${peer.port}${peer.path}`, peer.subprotocol, {
      perMessageDeflate: true,
    });
    this.#socket.on('open', () => this.#send(peer.init));
    this.#socket.on('message', (data) => this.#take(JSON.parse(String(data)) as Message));
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', (code) => this.#fail(`was closed with ${code}`));
  }

  get isDeflating(): boolean {
    return this.#socket.extensions.includes('permessage-deflate');
  }

  expect(bytes: number): void {
    this.#bytes = bytes;
  }

  stop(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.terminate();
  }

  /** Resolves when it has its subscription. */
  ready(patienceMs: number): Promise<void> {
    return this.#until(() => this.#isReady, { patienceMs, what: 'its subscription' });
  }

  async reach(sequence: number, patienceMs: number): Promise<void> {
    await this.#until(() => this.#sequence >= sequence, { patienceMs, what: `event ${sequence}` });
    if (this.#sequence > sequence) throw new Error(`a witness got event ${this.#sequence} of ${sequence}`);
  }

  #until(isSo: () => boolean, { patienceMs, what }: { patienceMs: number; what: string }): Promise<void> {
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => this.#fail(`did not get ${what}, stands at ${this.#sequence}`), patienceMs);
      this.#changed = () => {
        if (this.#wrong === null && !isSo()) return;
        clearTimeout(patience);
        this.#changed = () => {};
        if (this.#wrong === null) resolve();
        else reject(new Error(`a witness ${this.#wrong}`));
      };
      this.#changed();
    });
  }

  #fail(what: string): void {
    this.#wrong ??= what;
    this.#changed();
  }

  #send(template: string): void {
    this.#socket.send(template.replace('%TOKEN%', this.#token).replace('%ID%', this.#id));
  }

  #take(message: Message): void {
    if (message.type === 'ping') this.#socket.send(JSON.stringify({ ...message, type: 'pong' }));
    else if (message.type === 'connection_ack') this.#send(this.#peer.subscribe);
    else this.#next(message);
    this.#changed();
  }

  #next({ id, payload }: Message): void {
    const stream = payload?.data?.notificationReceived;
    if (id !== this.#id || stream === undefined) {
      this.#fail(`got a message that nobody sent: ${JSON.stringify({ id, payload })}`);
      return;
    }
    this.#isReady = true;
    if (stream.edge !== null) this.#event(stream.edge.node);
  }

  #event({ title, body }: { readonly title: string; readonly body: string }): void {
    const sequence = this.#sequence + 1;
    // To everyone, and nothing else: an event's number is one below its sequence number.
    const published = {
      event: sequence - 1,
      sequence,
      bytes: this.#bytes,
      hasWords: true,
      target: 'everyone',
    } as const;
    if (title !== titleOf(published)) this.#fail(`got event ${title} after ${this.#sequence}`);
    else if (body !== bodyOf(published)) this.#fail(`got another body of event ${title} than was published`);
    else this.#sequence = sequence;
  }
}

/** Opens `count` of them on a side that publishes words to everyone; the last event until now had `sequence`. */
export const openWitnesses = async (
  address: Parameters<typeof graphqlPeer>[0],
  { count, sequence, patienceMs = 30_000 }: { count: number; sequence: number; patienceMs?: number },
): Promise<Witnesses> => {
  const peer = graphqlPeer(address);
  const tokens = await Promise.all(Array.from({ length: count }, (_, n) => testToken(`witness-${n}`)));
  const all = tokens.map((token, n) => new Witness(peer, { token, sequence, id: `witness-${n}` }));
  const stop = (): void => {
    for (const one of all) one.stop();
  };
  try {
    await Promise.all(all.map((one) => one.ready(patienceMs)));
  } catch (error) {
    stop();
    throw error;
  }
  return {
    isDeflating: all.every(({ isDeflating }) => isDeflating),
    expect(bytes) {
      for (const one of all) one.expect(bytes);
    },
    async caughtUp(expected, ms) {
      await Promise.all(all.map((one) => one.reach(expected, ms)));
    },
    stop,
  };
};
