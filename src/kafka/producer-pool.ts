import type { Clock } from '../clock.ts';
import type { ProducerClient } from './producer-client.ts';
import { ProducerInstance } from './producer-instance.ts';

type PoolDeps = { readonly newClient: () => ProducerClient; readonly clock: Clock };
type Current = {
  readonly instance: ProducerInstance;
  readonly client: ProducerClient;
  readonly connected: Promise<void>;
};

/** A broker that refused is not asked again sooner, however many appends come: a wrong password must not become a flood of attempts. */
const refusalMs = 500;

/** The producer that new sends go to: connected on demand, replaced once it is retired. */
export class ProducerPool {
  readonly #deps: PoolDeps;
  /** The current one, and retired ones that kafkajs has not settled yet: at most one for each partition. */
  readonly #instances = new Set<ProducerInstance>();
  #current: Current | null = null;
  /** Why the last connect failed, and until when nobody tries again. */
  #refusal: { readonly cause: unknown; readonly untilMs: number } | null = null;

  constructor(deps: PoolDeps) {
    this.#deps = deps;
  }

  /** What the last socket that failed said; null where none did. */
  get complaint(): Error | null {
    return this.#current?.client.complaint ?? null;
  }

  /** The one connected producer; callers at the same time share one connect. Rejects with what `connect` did; half a second later a call tries anew. */
  async current(): Promise<ProducerInstance> {
    for (;;) {
      if (this.#refusal !== null && this.#deps.clock.monotonic() < this.#refusal.untilMs) throw this.#refusal.cause;
      if (this.#current === null || this.#current.instance.isRetired) this.#current = this.#connect();
      const { instance, connected } = this.#current;
      await connected;
      // Another partition's send may have failed meanwhile.
      if (!instance.isRetired) return instance;
    }
  }

  /** Ends every producer now. */
  destroy(): void {
    for (const instance of this.#instances) instance.destroy();
    this.#instances.clear();
  }

  #connect(): Current {
    for (const instance of this.#instances) if (instance.isEnded) this.#instances.delete(instance);
    const client = this.#deps.newClient();
    const instance = new ProducerInstance(client, this.#deps.clock);
    this.#instances.add(instance);
    const connected = instance.connect().catch((cause: unknown) => {
      this.#refusal = { cause, untilMs: this.#deps.clock.monotonic() + refusalMs };
      throw cause;
    });
    return { instance, client, connected };
  }
}
