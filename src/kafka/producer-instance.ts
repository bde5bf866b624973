import type { Message, Producer, RecordMetadata } from 'kafkajs';
import type { Clock } from '../clock.ts';
import type { ProducerClient } from './producer-client.ts';

/** How a send ended. `attempts`: how often kafkajs set out to send it; after one, an error of the broker is all that happened to it. */
export type SendResult =
  | { readonly ok: true; readonly baseOffset: bigint }
  | { readonly ok: false; readonly cause: unknown; readonly attempts: number };

/** What goes to one partition in one request. */
export type Send = { readonly topic: string; readonly partition: number; readonly messages: readonly Message[] };

/** The broker gives up on its replicas first, so that its answer comes before our time-out. */
const replicationTimeoutMs = 2_000;
/** Some of kafkajs's connects never settle. */
const connectTimeoutMs = 10_000;
const metadataMaxAgeMs = 5_000;

/**
 * One idempotent kafkajs producer, with a producer id of its own. After an error out of a send it takes no more (`isRetired`): its sequence
 * numbers may be off. What it still has in flight goes on, and when the last has settled its sockets are ended.
 */
export class ProducerInstance {
  readonly #client: ProducerClient;
  readonly #producer: Producer;
  readonly #clock: Clock;
  readonly #attempts = new Map<Message, number>();
  #isRetired = false;
  #isEnded = false;
  #inFlight = 0;

  constructor(client: ProducerClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#producer = client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      metadataMaxAge: metadataMaxAgeMs,
      // Called for every message at every attempt, which kafkajs does not count otherwise.
      createPartitioner:
        () =>
        ({ message }) => {
          const attempts = this.#attempts.get(message);
          if (attempts !== undefined) this.#attempts.set(message, attempts + 1);
          return message.partition ?? 0;
        },
    });
    this.#producer.on('producer.network.request_timeout', ({ payload }) => client.shun(payload.broker));
  }

  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Whether its sockets are gone. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Connects and gets a producer id. Rejects within 10 s; the instance is of no use then. */
  async connect(): Promise<void> {
    const late = Promise.withResolvers<never>();
    const fail = (): void => late.reject(new Error(`no producer id within ${connectTimeoutMs} ms`));
    const timer = this.#clock.after(connectTimeoutMs, fail);
    try {
      await Promise.race([this.#producer.connect(), this.#client.hopeless, late.promise]);
    } catch (error) {
      this.destroy();
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** Sends, with retries that may take minutes while the broker is away. Never rejects; a failure retires the instance. */
  async send({ topic, partition, messages }: Send): Promise<SendResult> {
    const [first] = messages;
    if (first !== undefined) this.#attempts.set(first, 0);
    const attempts = (): number => (first === undefined ? 0 : (this.#attempts.get(first) ?? 0));
    this.#inFlight++;
    try {
      const answers = await this.#producer.send({
        topic,
        acks: -1,
        timeout: replicationTimeoutMs,
        messages: [...messages],
      });
      const baseOffset = baseOffsetOf(answers, partition);
      if (baseOffset !== null) return { ok: true, baseOffset };
      this.retire();
      return { ok: false, cause: new Error(`partition ${partition} has no leader`), attempts: attempts() };
    } catch (cause) {
      this.retire();
      return { ok: false, cause, attempts: attempts() };
    } finally {
      if (first !== undefined) this.#attempts.delete(first);
      this.#inFlight--;
      this.#endWhenIdle();
    }
  }

  /** Takes no more; ends when what is in flight has settled. */
  retire(): void {
    this.#isRetired = true;
    this.#endWhenIdle();
  }

  /** Ends now: what is in flight fails at its next try. */
  destroy(): void {
    this.#isRetired = true;
    this.#isEnded = true;
    this.#client.destroy();
  }

  #endWhenIdle(): void {
    if (this.#isRetired && this.#inFlight === 0) this.destroy();
  }
}

/** kafkajs answers with an empty list where the partition vanished from its metadata, and with holes after a change of leader. */
const baseOffsetOf = (answers: readonly (RecordMetadata | null)[], partition: number): bigint | null => {
  const answer = answers.find((each) => each?.partition === partition && each.baseOffset !== undefined);
  return answer?.baseOffset === undefined ? null : BigInt(answer.baseOffset);
};
