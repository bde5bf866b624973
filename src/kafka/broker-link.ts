import type { Clock } from '../clock.ts';
import type { BrokerAddress } from './broker-address.ts';
import type { BrokerFactory, KafkajsBroker, KafkajsConnection } from './kafkajs-internals.ts';
import type { RawRequest } from './raw-request.ts';

/** What a link needs of its surroundings. */
export type LinkDeps = { readonly makeBroker: BrokerFactory; readonly clock: Clock };

/** Connecting and authenticating takes at most this long; then the broker counts as silent. */
const connectTimeoutMs = 4_000;
/** An answer takes at most this long beyond the wait that its request asks for. */
const answerTimeoutMs = 2_500;

/** The broker did not answer, or the connection broke; the link has dropped it and the next request connects again. */
export class LinkError extends Error {
  constructor(address: BrokerAddress, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`kafka broker ${address.host}:${address.port}: ${why}`, { cause });
    this.name = 'LinkError';
  }
}

/**
 * One connection to one broker, for one purpose, connected on demand. Requests go one after another: Kafka answers a connection's
 * requests in order anyway, and kafkajs hands an answer that arrives during re-authentication to the wrong reader.
 * What fails ends the connection and everything queued on it: a socket that timed out may be half-open for ever.
 */
export class BrokerLink {
  readonly address: BrokerAddress;
  readonly #deps: LinkDeps;
  #broker: Promise<KafkajsBroker> | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  /** Rises when the connection is dropped: what was queued before fails without a try of its own. */
  #generation = 0;
  #isClosed = false;

  constructor(address: BrokerAddress, deps: LinkDeps) {
    this.address = address;
    this.#deps = deps;
  }

  /** Sends after what is queued, and resolves with the answer. `waitMs`: how long the broker may hold it back. Rejects with LinkError. */
  request<Answer>(request: RawRequest<Answer>, waitMs: number = 0): Promise<Answer> {
    const generation = this.#generation;
    const turn = this.#queue.then(async () => {
      if (this.#isClosed || generation !== this.#generation) throw new LinkError(this.address, 'connection dropped');
      try {
        const broker = await this.#connect();
        return await this.#within(answerTimeoutMs + waitMs, send(broker, request, answerTimeoutMs + waitMs));
      } catch (cause) {
        this.drop();
        throw new LinkError(this.address, cause);
      }
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Highest version of an API that the broker offers, -1 where it does not offer it. Connects first; rejects with LinkError. */
  async maxVersion(apiKey: number): Promise<number> {
    try {
      return (await this.#connect()).versions?.[apiKey]?.maxVersion ?? -1;
    } catch (cause) {
      this.drop();
      throw new LinkError(this.address, cause);
    }
  }

  /** Ends the connection at once; what is in flight or queued fails. The next request connects again. */
  drop(): void {
    this.#generation++;
    const broker = this.#broker;
    this.#broker = null;
    void broker?.then(destroy, () => {});
  }

  /** Drops the connection for good. */
  close(): void {
    this.#isClosed = true;
    this.drop();
  }

  async #connect(): Promise<KafkajsBroker> {
    this.#broker ??= this.#open();
    const broker = await this.#broker;
    // Brokers hang up on connections that were idle for ten minutes: that is no failure.
    if (connectionOf(broker).connectionStatus === 'connected') return broker;
    destroy(broker);
    this.#broker = this.#open();
    return this.#broker;
  }

  async #open(): Promise<KafkajsBroker> {
    const broker = await this.#deps.makeBroker(this.address);
    try {
      await this.#within(connectTimeoutMs, broker.connect());
    } catch (error) {
      destroy(broker);
      throw error;
    }
    if (this.#isClosed) destroy(broker);
    return broker;
  }

  /** kafkajs never settles some connects (a peer that hangs up within the handshake): our own deadline does. */
  #within<Value>(timeoutMs: number, work: Promise<Value>): Promise<Value> {
    const late = Promise.withResolvers<never>();
    const timer = this.#deps.clock.after(timeoutMs, () => late.reject(new Error(`no answer within ${timeoutMs} ms`)));
    return Promise.race([work, late.promise]).finally(() => timer.cancel());
  }
}

const connectionOf = (broker: KafkajsBroker): KafkajsConnection => {
  const [connection] = broker.connectionPool.pool;
  if (connection === undefined)
    throw new Error('kafkajs keeps no connections any more: this adapter is made for 2.2.4');
  return connection;
};

/** kafkajs renews its authentication 10 s before the end of a session: always, where sessions are shorter than that. */
const adaptReauthentication = (connection: KafkajsConnection): void => {
  const lifetimeMs = Number(connection.sessionLifetime.toString());
  if (lifetimeMs > 0) connection.reauthenticationThreshold = Math.min(10_000, lifetimeMs / 3);
};

const send = async <Answer>(
  broker: KafkajsBroker,
  request: RawRequest<Answer>,
  requestTimeout: number,
): Promise<Answer> => {
  const connection = connectionOf(broker);
  adaptReauthentication(connection);
  const answer = await connection.send({
    request: { ...request, encode: async () => ({ buf: request.body, buffer: request.body }) },
    response: {
      decode: async (payload) => ({ answer: request.decode(payload) }),
      parse: async (decoded) => (decoded as { answer: Answer }).answer,
    },
    requestTimeout,
    logResponseError: false,
  });
  return answer as Answer;
};

/** Not `broker.disconnect()`: that waits for requests which will never be answered. */
const destroy = (broker: KafkajsBroker): void => {
  for (const connection of broker.connectionPool.pool) {
    connection.connectionStatus = 'disconnected';
    connection.rejectRequests(new Error('connection dropped'));
    connection.requestQueue.destroy();
    connection.socket?.destroy();
  }
};
