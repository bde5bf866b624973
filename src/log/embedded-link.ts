import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CallName, EmbeddedCalls, WorkerAnswer, WorkerFailure, WorkerRequest } from './embedded-protocol.ts';

/** What a call to the worker gives. `lost`: the worker ended before it answered; whether it did the work is unknown. */
export type LinkResult<Name extends CallName> =
  | { readonly kind: 'done'; readonly answer: EmbeddedCalls[Name]['answer'] }
  | { readonly kind: 'failed'; readonly failure: WorkerFailure }
  | { readonly kind: 'lost' };

/** Starts the worker thread; tests bring their own to have a hold on it. */
export type StartWorker = (file: string) => Worker;

export type LinkOptions = {
  readonly file: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly startWorker: StartWorker;
  /** A worker that came after a crash has opened the database. */
  onRestarted(): void;
  /** There has been no worker for `ms`. */
  onDown(ms: number): void;
};

type Waiting = (result: LinkResult<CallName>) => void;

const firstBackoffMs = 100;
const maxBackoffMs = 5_000;

/** The worker as a plain thread of `embedded-worker.ts`. */
export const startWorkerThread: StartWorker = (file) =>
  new Worker(new URL('./embedded-worker.ts', import.meta.url), { workerData: { file }, name: 'carillon-log' });

/** The error for an operation that the database refused. */
export const failureError = (failure: WorkerFailure, file: string): GatewayError => {
  const advice: Record<WorkerFailure['reason'], string> = {
    full: 'the disk is full: free space, and lower the retention if it fills again',
    unwritable: 'the file cannot be written: check the permissions of the data folder',
    damaged: 'the file is damaged or not a log: restore it, or move it away to begin with an empty log',
    failed: 'see the message of the database',
  };
  const outcome = failure.isWritten === false ? 'not_written' : 'unknown';
  const message = `the embedded log ${file} failed (${failure.message}): ${advice[failure.reason]}`;
  return new GatewayError('LOG_UNAVAILABLE', message, { outcome });
};

/**
 * The main thread's end of the worker: calls and their answers. A worker that ends without being asked to is started anew, after 100 ms
 * doubling to 5 s, for ever: the log's data is on disk, and the gateway is degraded meanwhile, not dead.
 */
export class EmbeddedLink {
  readonly #options: LinkOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #nextId = 1;
  #backoffMs = firstBackoffMs;
  #downSinceMs: number | null = null;
  #isClosed = false;
  #ended: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Whether a worker with an open database is there. */
  get isUp(): boolean {
    return this.#worker !== null && this.#downSinceMs === null;
  }

  /** Starts the first worker. Rejects with CONFIG_INVALID when the database cannot be opened. */
  async start(): Promise<void> {
    const failure = await this.#launch();
    if (failure === null) return;
    this.#isClosed = true;
    throw new GatewayError('CONFIG_INVALID', failureError(failure, this.#options.file).message);
  }

  /** Asks the worker. Never rejects; `lost` at once while there is none. */
  call<Name extends CallName>(
    name: Name,
    body: EmbeddedCalls[Name]['request'],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<LinkResult<Name>> {
    const worker = this.#worker;
    if (worker === null) return Promise.resolve({ kind: 'lost' });
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve as Waiting);
      worker.postMessage({ id, name, body } as WorkerRequest, transfer);
    });
  }

  /** Closes the database and ends the worker, after all calls made before. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const worker = this.#worker;
    if (worker === null) return;
    await this.call('close', null);
    await this.#ended.promise;
  }

  /** Resolves with null when the new worker has opened the database, else with why it could not. */
  #launch(): Promise<WorkerFailure | null> {
    const worker = this.#options.startWorker(this.#options.file);
    this.#worker = worker;
    this.#ended = Promise.withResolvers();
    const opened = Promise.withResolvers<WorkerFailure | null>();
    worker.on('message', (answer: WorkerAnswer) => {
      if (answer.id === 0) opened.resolve(answer.ok ? null : answer.failure);
      else this.#answered(answer);
    });
    worker.on('error', (error) =>
      this.#options.logger.error('the embedded log worker failed', { error: error.message }),
    );
    worker.once('exit', () => {
      opened.resolve({ reason: 'failed', message: 'its worker ended', isWritten: null });
      this.#exited(worker);
    });
    return opened.promise;
  }

  #answered(answer: WorkerAnswer): void {
    const resolve = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.ok) resolve?.({ kind: 'done', answer: answer.body });
    else resolve?.({ kind: 'failed', failure: answer.failure });
  }

  #exited(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#ended.resolve();
    for (const resolve of lost) resolve({ kind: 'lost' });
    if (this.#isClosed) return;
    const { clock, logger } = this.#options;
    this.#downSinceMs ??= clock.monotonic();
    logger.error('the embedded log worker ended, starting another', { inMs: this.#backoffMs, callsLost: lost.length });
    clock.after(this.#backoffMs, () => void this.#restart());
    this.#backoffMs = Math.min(this.#backoffMs * 2, maxBackoffMs);
  }

  async #restart(): Promise<void> {
    if (this.#isClosed) return;
    this.#options.onDown(this.#options.clock.monotonic() - (this.#downSinceMs ?? 0));
    const failure = await this.#launch();
    if (failure !== null) {
      this.#options.logger.error('the embedded log cannot be opened', { error: failure.message });
      return;
    }
    this.#downSinceMs = null;
    this.#backoffMs = firstBackoffMs;
    if (!this.#isClosed) this.#options.onRestarted();
  }
}
