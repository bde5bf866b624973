import type { Clock, Timer } from '../clock.ts';
import type { Config } from '../config.ts';
import type { GatewayUrls } from '../gateway.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Answers, FromWorker, Question } from './protocol.ts';
import type { ProcessEnd, SpawnWorker, WorkerProcess } from './worker-process.ts';

/**
 * The place of one worker, whichever process has it: starts one, asks it, notices when it ends or hangs, and starts the next. It knows nothing of
 * the other seats.
 */

/** EX_CONFIG of sysexits.h: a person has to change something. */
const configExit = 78;

/** Wait before the next process, doubled with each that ended soon. */
const firstDelayMs = 100;
const maxDelayMs = 10_000;
/** Who served as long as this has not ended soon. */
const steadyMs = 30_000;

/** A worker whose event loop stands still answers nothing. One that was silent for `askEveryMs` x `maxSilences` is ended: its sockets are of no use. */
const askEveryMs = 5_000;
const maxSilences = 6;

export type SeatDeps = {
  readonly config: Config;
  readonly spawn: SpawnWorker;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called each time that a process here listens. */
  ready(urls: GatewayUrls): void;
  /** Called when the first process here says, before it ever served, that a person has to change something. There is no next one then. */
  refused(message: string): void;
};

/** What a question came to. */
export type Reply<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false /** Why not, as the rest of "worker 1 …". */; readonly why: string };

type State = 'starting' | 'ready' | 'waiting' | 'ended';
type Asked = { readonly timer: Timer; settle(reply: Reply<unknown>): void };

const described = ({ code, signal }: ProcessEnd): string => {
  if (signal !== null) return `was ended by ${signal}`;
  return code === null ? 'could not be started' : `ended with exit code ${code}`;
};

export class Seat {
  readonly index: number;
  readonly #deps: SeatDeps;
  readonly #asked = new Map<number, Asked>();
  readonly #gone = Promise.withResolvers<boolean>();
  #state: State = 'waiting';
  #process: WorkerProcess | null = null;
  /** Whether the process has taken up its channel. */
  #listens = false;
  #isDraining = false;
  #wasReady = false;
  #refusal: string | null = null;
  #readySinceMs: number | null = null;
  #why = 'has not been started';
  #failures = 0;
  #restarts = 0;
  #silences = 0;
  #lastId = 0;
  #restart: Timer | null = null;
  #watch: Timer | null = null;

  constructor(index: number, deps: SeatDeps) {
    this.index = index;
    this.#deps = deps;
  }

  get state(): State {
    return this.#state;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** How many processes were started here in place of one that ended. */
  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    this.#state = 'starting';
    this.#listens = false;
    this.#silences = 0;
    this.#readySinceMs = null;
    this.#refusal = null;
    const process = this.#deps.spawn(this.index, {
      message: (message) => this.#heard(message),
      ended: (end) => this.#ended(end),
    });
    this.#process = process;
    process.send({ kind: 'start', config: this.#deps.config });
    this.#deps.logger.info('a worker is started', { worker: this.index, pid: process.pid });
    this.#watchOver();
  }

  /** Asks the process. Never rejects, and waits `patienceMs` at most. */
  ask<Name extends Question>(question: Name, patienceMs: number): Promise<Reply<Answers[Name]>> {
    const process = this.#process;
    if (process === null) return Promise.resolve({ ok: false, why: this.#why });
    if (!this.#listens) return Promise.resolve({ ok: false, why: 'is starting' });
    const { promise, resolve } = Promise.withResolvers<Reply<unknown>>();
    const id = ++this.#lastId;
    const timer = this.#deps.clock.after(patienceMs, () =>
      this.#settle(id, { ok: false, why: `did not answer within ${patienceMs} ms` }),
    );
    this.#asked.set(id, { timer, settle: resolve });
    process.send({ kind: 'ask', id, question });
    return promise as Promise<Reply<Answers[Name]>>;
  }

  /** Has the process drain and starts none any more. Resolves when it is gone, with whether it ended as it should. Idempotent. */
  drain(): Promise<boolean> {
    if (this.#isDraining) return this.#gone.promise;
    this.#isDraining = true;
    this.#restart?.cancel();
    if (this.#process === null) this.#leave(true);
    else this.#process.send({ kind: 'drain' });
    return this.#gone.promise;
  }

  /** Ends the process at once. */
  kill(): void {
    this.#process?.kill();
  }

  #heard(message: FromWorker): void {
    this.#silences = 0;
    switch (message.kind) {
      case 'hello':
        this.#listens = true;
        break;
      case 'ready':
        this.#state = 'ready';
        this.#wasReady = true;
        this.#readySinceMs = this.#deps.clock.monotonic();
        this.#deps.logger.info('a worker is ready', { worker: this.index, pid: this.pid });
        this.#deps.ready(message.urls);
        break;
      case 'refused':
        this.#refusal = message.message;
        break;
      case 'answer':
        this.#settle(message.id, { ok: true, value: message.value });
        break;
      case 'failed':
        this.#settle(message.id, { ok: false, why: `could not answer (${message.error})` });
        break;
    }
  }

  #settle(id: number, reply: Reply<unknown>): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    asked.timer.cancel();
    asked.settle(reply);
  }

  #ended(end: ProcessEnd): void {
    const { pid } = this;
    this.#process = null;
    this.#watch?.cancel();
    this.#why = described(end);
    for (const id of [...this.#asked.keys()]) this.#settle(id, { ok: false, why: this.#why });
    if (this.#isDraining) {
      // Before it has taken up its channel a process knows no signal; it held nothing either.
      const isStopped = !this.#listens && (end.signal === 'SIGTERM' || end.signal === 'SIGINT');
      this.#leave(end.code === 0 || isStopped);
    } else if (end.code === configExit && !this.#wasReady) {
      this.#leave(true);
      this.#deps.refused(this.#refusal ?? `worker ${this.index} cannot start with this configuration`);
    } else this.#replace(end, pid);
  }

  #replace(end: ProcessEnd, pid: number | null): void {
    const { clock, logger } = this.#deps;
    if (this.#readySinceMs !== null && clock.monotonic() - this.#readySinceMs >= steadyMs) this.#failures = 0;
    const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** this.#failures);
    this.#failures++;
    this.#state = 'waiting';
    const why = this.#refusal === null ? {} : { error: this.#refusal };
    logger.error('a worker ended: another takes its place', { worker: this.index, pid, ...end, ...why, delayMs });
    this.#restart = clock.after(delayMs, () => {
      this.#restarts++;
      this.start();
    });
  }

  #leave(isClean: boolean): void {
    this.#state = 'ended';
    this.#gone.resolve(isClean);
  }

  /** Counts questions that stay unanswered, not time: after this process itself stood still, the worker gets its chance to answer. */
  #watchOver(): void {
    this.#watch = this.#deps.clock.after(askEveryMs, () => {
      if (this.#silences >= maxSilences) {
        this.#deps.logger.error('a worker does not answer: it is ended', { worker: this.index, pid: this.pid });
        this.kill();
        return;
      }
      this.#silences++;
      this.#process?.send({ kind: 'ask', id: ++this.#lastId, question: 'alive' });
      this.#watchOver();
    });
  }
}
