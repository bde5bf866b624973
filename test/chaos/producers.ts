import { setTimeout as delay } from 'node:timers/promises';
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import { createRandom, type Random } from '../fuzz/random.ts';
import { patient } from './cluster.ts';
import type { Audience, Scribe } from './history.ts';
import { type Crowd, pickAudience, type Running } from './publishers.ts';

/**
 * Services that write into Kafka themselves. Each sends one record after another to one partition at a time: kafkajs loses acknowledged records
 * otherwise (docs/design.md, Producing), and the campaign would blame the gateway for it.
 */

/** What distinguishes a producer. */
export type ProducerSettings = {
  readonly name: string;
  readonly kind: 'plain' | 'idempotent' | 'transactional';
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly crowd: Crowd;
  readonly seed: number;
  readonly scribe: Scribe;
  /** Events per second. */
  readonly rate: number;
  /** Bytes of body on top. @default 0 */
  readonly bodyBytes?: number;
  /** Share of events that do not fit their type. @default 0 */
  readonly unfitShare?: number;
  /** Share of transactions that are aborted; asked at each. */
  abortShare?(): number;
};

type Made = { readonly title: string; readonly to: Audience; readonly isUnfit: boolean };

const headersOf = (source: string, { title, to }: Made): Record<string, string> => ({
  ce_specversion: '1.0',
  ce_id: title,
  ce_source: `/chaos/${source}`,
  ce_type: 'message',
  ce_audience: 'users' in to ? 'user' : 'topic' in to ? 'topic' : 'everyone',
  ...('users' in to ? { ce_subject: to.users[0] ?? '' } : {}),
  ...('topic' in to ? { ce_subject: to.topic } : {}),
});

const keyOf = (to: Audience): string => ('users' in to ? (to.users[0] ?? '') : 'topic' in to ? to.topic : 'everyone');

/** A record of the campaign. What does not fit has a title that is no text; who reads the log finds it in `unfit`. */
export const recordOf = (
  source: string,
  made: Made,
  bodyBytes: number,
): Parameters<Producer['send']>[0]['messages'][number] => ({
  key: keyOf(made.to),
  value: JSON.stringify(
    made.isUnfit
      ? { title: 7, unfit: made.title }
      : { title: made.title, ...(bodyBytes > 0 ? { body: 'x'.repeat(bodyBytes) } : {}) },
  ),
  headers: headersOf(source, made),
});

const connect = async ({ kind, name, topic, brokers }: ProducerSettings): Promise<Producer> => {
  const kafka = new Kafka({ clientId: name, brokers: [...brokers], logLevel: logLevel.NOTHING, ...patient });
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    metadataMaxAge: 2_000,
    maxInFlightRequests: 1,
    idempotent: kind !== 'plain',
    ...(kind === 'transactional' ? { transactionalId: `${topic}-${name}`, transactionTimeout: 8_000 } : {}),
  });
  await producer.connect();
  return producer;
};

/** One producer's life. After an error it begins with a fresh kafkajs producer, since sequence numbers may be off. */
class Worker {
  readonly #settings: ProducerSettings;
  readonly #random: Random;
  #producer: Producer | null = null;
  #made = 0;
  #isOver = false;

  constructor(settings: ProducerSettings) {
    this.#settings = settings;
    this.#random = createRandom(settings.seed);
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const began = performance.now();
      const events = this.#settings.kind === 'transactional' ? await this.#transaction() : await this.#single();
      await delay(Math.max(0, (1_000 * events) / this.#settings.rate - (performance.now() - began)));
    }
    await this.#producer?.disconnect().catch(() => {});
  }

  end(): void {
    this.#isOver = true;
  }

  #make(): Made {
    const { name, crowd, unfitShare = 0, scribe } = this.#settings;
    const to = pickAudience(this.#random, crowd);
    const made = { title: `${name}-${this.#made++}`, to, isUnfit: this.#random.next() < unfitShare };
    scribe({ kind: 'published', ...made });
    return made;
  }

  async #connected(): Promise<Producer> {
    this.#producer ??= await connect(this.#settings);
    return this.#producer;
  }

  async #dropProducer(): Promise<void> {
    const old = this.#producer;
    this.#producer = null;
    await old?.disconnect().catch(() => {});
  }

  async #single(): Promise<number> {
    const { scribe, topic, name, bodyBytes = 0 } = this.#settings;
    const made = this.#make();
    try {
      const producer = await this.#connected();
      await producer.send({ topic, acks: -1, messages: [recordOf(name, made, bodyBytes)] });
      scribe({ kind: 'acknowledged', title: made.title });
    } catch {
      scribe({ kind: 'failed', title: made.title, outcome: 'unknown' });
      await this.#dropProducer();
    }
    return 1;
  }

  async #transaction(): Promise<number> {
    const { scribe, abortShare = () => 0.3 } = this.#settings;
    const batch = Array.from({ length: 1 + this.#random.int(5) }, () => this.#make());
    const isAborted = this.#random.next() < abortShare();
    try {
      await this.#transact(batch, isAborted);
      for (const { title } of batch) scribe({ kind: isAborted ? 'aborted' : 'acknowledged', title });
    } catch {
      for (const { title } of batch) scribe({ kind: 'failed', title, outcome: 'unknown' });
      await this.#dropProducer();
    }
    return batch.length;
  }

  async #transact(batch: readonly Made[], isAborted: boolean): Promise<void> {
    const { topic, name } = this.#settings;
    const transaction = await (await this.#connected()).transaction();
    for (const made of batch) await transaction.send({ topic, acks: -1, messages: [recordOf(name, made, 0)] });
    // Now and then one stays open for a while, and what others write behind it has to wait.
    if (this.#random.once(6)) await delay(500 + this.#random.int(1_500));
    await (isAborted ? transaction.abort() : transaction.commit());
  }
}

/** Starts one. */
export const startProducer = (settings: ProducerSettings): Running => {
  const worker = new Worker(settings);
  const running = worker.run();
  return {
    async end() {
      worker.end();
      await running;
    },
  };
};

/** Writes one event for everyone into each partition, however long that takes, and gives their titles: the last events of a run. */
export const writeFinals = async (settings: ProducerSettings, partitions: number): Promise<readonly string[]> => {
  const titles: string[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const made: Made = { title: `${settings.name}-${partition}`, to: { everyone: true }, isUnfit: false };
    settings.scribe({ kind: 'published', ...made });
    for (let isWritten = false; !isWritten; ) {
      const producer = await connect(settings);
      const messages = [{ partition, ...recordOf(settings.name, made, 0) }];
      isWritten = await producer.send({ topic: settings.topic, acks: -1, messages }).then(
        () => true,
        () => false,
      );
      await producer.disconnect().catch(() => {});
    }
    settings.scribe({ kind: 'acknowledged', title: made.title });
    titles.push(made.title);
  }
  return titles;
};
