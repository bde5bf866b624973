import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import type { FromWorker, Question, ToWorker } from './protocol.ts';

/** The worker's side: a gateway that is started, asked and drained over the channel to its supervisor. */

type Node = { readonly gateway: Gateway; metrics(): Promise<string> };

export type WorkerDeps = {
  /** Resolves when the message is handed over, or can no longer be. */
  send(message: FromWorker): Promise<void>;
  /** Makes the gateway of this process; called once. */
  create(config: Config): Promise<Node>;
  exit(code: number): void;
};

export type Worker = {
  /** A message of the supervisor. Rejects with what is a bug, as a start of a single gateway does. */
  heard(message: ToWorker): Promise<void>;
  /** Drains, then exits. For the supervisor's word, a signal, and the end of the supervisor. Idempotent. */
  drain(): void;
};

const configExit = 78;

class ServingWorker implements Worker {
  readonly #deps: WorkerDeps;
  #node: Node | null = null;
  #isDraining = false;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
  }

  async heard(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'start':
        return this.#start(message.config);
      case 'ask':
        return this.#answer(message.id, message.question);
      case 'drain':
        return this.drain();
    }
  }

  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    const { exit } = this.#deps;
    const drained = this.#node?.gateway.drain() ?? Promise.resolve();
    drained.then(
      () => exit(0),
      () => exit(1),
    );
  }

  async #start(config: Config): Promise<void> {
    if (this.#isDraining) return;
    const { send, create, exit } = this.#deps;
    const node = await create(config);
    if (this.#isDraining) return;
    this.#node = node;
    await send({ kind: 'hello' });
    try {
      const urls = await node.gateway.start();
      if (urls !== null) await send({ kind: 'ready', urls });
    } catch (thrown) {
      await node.gateway.drain();
      if (!(thrown instanceof GatewayError && thrown.isForPerson)) throw thrown;
      await send({ kind: 'refused', message: thrown.message });
      exit(configExit);
    }
  }

  async #answer(id: number, question: Question): Promise<void> {
    try {
      await this.#deps.send({ kind: 'answer', id, value: (await this.#ask(question)) ?? null });
    } catch (thrown) {
      await this.#deps.send({ kind: 'failed', id, error: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  }

  #ask(question: Question): unknown {
    const node = this.#node;
    if (question === 'alive' || node === null) return null;
    if (question === 'readiness') return node.gateway.readiness();
    return question === 'metrics' ? node.metrics() : node.gateway.snapshot();
  }
}

/** Makes the worker of this process. */
export const createWorker = (deps: WorkerDeps): Worker => new ServingWorker(deps);
