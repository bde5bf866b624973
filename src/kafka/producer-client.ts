import type { Socket } from 'node:net';
import type { ISocketFactory, Kafka, OauthbearerProviderResponse } from 'kafkajs';
import { bootstrapNames, type ClientDeps, type ClientSettings, createKafkaClient, givenUp } from './client.ts';
import { lastingSocketTrouble } from './send-failure.ts';
import { createSocketFactory } from './socket-factory.ts';

/** A kafkajs client for one producer, with a hand on its sockets. */
export type ProducerClient = {
  readonly kafka: Kafka;
  /** The last error of a socket or of a token: kafkajs retries for minutes before it tells why it cannot connect. */
  readonly complaint: Error | null;
  /** Rejects when a socket failed in a way that no retry cures (certificates, TLS against plaintext); settles in no other case. */
  readonly hopeless: Promise<never>;
  /**
   * Ends every connection to a broker (`host:port`) that did not answer, and refuses new ones for a second: what waits for that
   * broker fails at once, and kafkajs looks for the new leader.
   */
  shun(broker: string): void;
  /** Ends every connection for good; sends that kafkajs still repeats fail at their next try. */
  destroy(): void;
};

const shunMs = 1_000;
/** Length and correlation id. A TLS alert, with which a listener refuses plain bytes, has 7. */
const leastAnswerBytes = 8;
/** A broker that is silent for this long is left: half of the five seconds that an append has. */
const requestTimeoutMs = 2_500;
/**
 * Never re-authenticates on a connection in use: kafkajs gives an answer that arrives meanwhile to the authenticator. The broker ends a
 * connection whose session is over, and the send is repeated, under the same sequence number, on a new one.
 */
const neverReauthenticate = -(2 ** 40);

class Sockets {
  readonly #open = new Map<string, Set<Socket>>();
  readonly #shunnedUntil = new Map<string, number>();
  readonly #clock: ClientDeps['clock'];
  readonly #connect = createSocketFactory();
  isDestroyed = false;
  complaint: Error | null = null;
  readonly hopeless = Promise.withResolvers<never>();

  constructor(clock: ClientDeps['clock']) {
    this.#clock = clock;
    // It may reject when nobody waits for it any more.
    this.hopeless.promise.catch(() => {});
  }

  readonly factory: ISocketFactory = (request) => {
    const broker = `${request.host}:${request.port}`;
    if (this.isDestroyed) throw new Error(givenUp);
    if (this.#clock.monotonic() < (this.#shunnedUntil.get(broker) ?? 0)) throw new Error(`${broker} did not answer`);
    const socket = this.#connect(request);
    const sockets = this.#open.get(broker) ?? new Set();
    this.#open.set(broker, sockets.add(socket));
    socket.on('error', (error: Error) => {
      if (this.isDestroyed) return;
      this.complaint = error;
      if (lastingSocketTrouble(error) !== null) this.hopeless.reject(error);
    });
    socket.once('close', (hadError: boolean) => {
      sockets.delete(socket);
      // So does a listener that wants TLS end a plain connection; kafkajs tries again without a word.
      if (!hadError && !this.isDestroyed && socket.bytesRead < leastAnswerBytes)
        this.complaint = new Error('Closed connection');
    });
    return socket;
  };

  shun(broker: string): void {
    this.#shunnedUntil.set(broker, this.#clock.monotonic() + shunMs);
    this.#end(this.#open.get(broker) ?? [], `${broker} did not answer`);
  }

  destroy(): void {
    this.isDestroyed = true;
    for (const sockets of this.#open.values()) this.#end(sockets, givenUp);
  }

  /** With an error: kafkajs takes no notice of a mere close, and would wait on. */
  #end(sockets: Iterable<Socket>, why: string): void {
    for (const socket of [...sockets]) socket.destroy(new Error(why));
  }
}

/** kafkajs retries in silence where no token is to be had. */
const withComplaints = (settings: ClientSettings, sockets: Sockets): ClientSettings => {
  const { sasl } = settings;
  if (sasl === undefined || !('oauthBearerProvider' in sasl)) return settings;
  const oauthBearerProvider = async (): Promise<OauthbearerProviderResponse> => {
    try {
      return await sasl.oauthBearerProvider();
    } catch (error) {
      sockets.complaint = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  };
  return { ...settings, sasl: { mechanism: 'oauthbearer', oauthBearerProvider } };
};

/** A client whose producer can be given up at once. Nothing is contacted yet. Throws CONFIG_INVALID where an address cannot be read. */
export const createProducerClient = (settings: ClientSettings, deps: ClientDeps): ProducerClient => {
  const names = bootstrapNames(settings.brokers);
  const sockets = new Sockets(deps.clock);
  const kafka = createKafkaClient(withComplaints(settings, sockets), deps, {
    // An empty list is the one thing that ends kafkajs's own retries.
    brokers: async () => (sockets.isDestroyed ? [] : names),
    requestTimeout: requestTimeoutMs,
    reauthenticationThreshold: neverReauthenticate,
    socketFactory: sockets.factory,
  });
  return {
    kafka,
    get complaint() {
      return sockets.complaint;
    },
    hopeless: sockets.hopeless.promise,
    shun: (broker) => sockets.shun(broker),
    destroy: () => sockets.destroy(),
  };
};
