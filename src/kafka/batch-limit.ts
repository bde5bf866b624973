import kafkajs from 'kafkajs';
import type { Clock } from '../clock.ts';
import type { ProducerClient } from './producer-client.ts';

type LimitDeps = { readonly newClient: () => ProducerClient; readonly topic: string; readonly clock: Clock };

/** A request stays below this, unless one record is larger. */
const usualBatchBytes = 900_000;
/** An answer of the broker is used for this long. */
const maxAgeMs = 60_000;
const askTimeoutMs = 5_000;

/** What a topic takes at once, asked from the broker where it may be (DESCRIBE_CONFIGS); batches are split by trial where not. */
export class BatchLimit {
  readonly #deps: LimitDeps;
  #maxMessageBytes: number | null = null;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: LimitDeps) {
    this.#deps = deps;
  }

  /** How large a batch is to be. */
  get batchBytes(): number {
    return Math.min(usualBatchBytes, this.#maxMessageBytes ?? usualBatchBytes);
  }

  /** Whether the broker said that it takes no batch of this size. */
  isBeyond(batchBytes: number): boolean {
    return this.#maxMessageBytes !== null && batchBytes > this.#maxMessageBytes;
  }

  /** Asks, at most once a minute, and in the background; a broker that does not say changes nothing. */
  refresh(): void {
    const now = this.#deps.clock.monotonic();
    if (now - this.#askedAtMs < maxAgeMs) return;
    this.#askedAtMs = now;
    void this.#ask().catch(() => {
      this.#maxMessageBytes = null;
    });
  }

  async #ask(): Promise<void> {
    const client = this.#deps.newClient();
    const timer = this.#deps.clock.after(askTimeoutMs, () => client.destroy());
    try {
      const admin = client.kafka.admin();
      await admin.connect();
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [
          { type: kafkajs.ConfigResourceTypes.TOPIC, name: this.#deps.topic, configNames: ['max.message.bytes'] },
        ],
      });
      const limit = Number(resources[0]?.configEntries[0]?.configValue);
      this.#maxMessageBytes = Number.isSafeInteger(limit) && limit > 0 ? limit : null;
    } finally {
      timer.cancel();
      client.destroy();
    }
  }
}
