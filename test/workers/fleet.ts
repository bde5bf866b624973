import type { Config } from '../../src/config.ts';
import { readConfig } from '../../src/config.ts';
import type { FromWorker, Question, ToWorker } from '../../src/workers/protocol.ts';
import type { ProcessEvents, SpawnWorker } from '../../src/workers/worker-process.ts';

/** Worker processes that exist in the test only: what a supervisor says to them is kept, and the test says what they do. */

export type FakeProcess = {
  readonly index: number;
  readonly pid: number;
  readonly received: readonly ToWorker[];
  readonly isKilled: boolean;
  /** The configuration of its start. */
  readonly config: Config;
  say(message: FromWorker): void;
  /** Takes up its channel and listens. */
  serve(): void;
  end(code: number | null, signal?: string): void;
  /** Resolves with the ids of questions of this kind that it has not answered, once there is one. */
  asked(question: Question): Promise<number>;
  /** Answers the question that comes next, or waits. */
  answer(question: Question, value: unknown): Promise<void>;
};

class Fake implements FakeProcess {
  readonly index: number;
  readonly pid: number;
  readonly received: ToWorker[] = [];
  isKilled = false;
  readonly #events: ProcessEvents;
  readonly #answered = new Set<number>();
  #look = (): void => {};

  constructor(index: number, pid: number, events: ProcessEvents) {
    this.index = index;
    this.pid = pid;
    this.#events = events;
  }

  get config(): Config {
    const [first] = this.received;
    if (first?.kind !== 'start') throw new Error('the first message is no start');
    return first.config;
  }

  take(message: ToWorker): void {
    this.received.push(message);
    this.#look();
  }

  say(message: FromWorker): void {
    this.#events.message(message);
  }

  serve(): void {
    this.say({ kind: 'hello' });
    const { host, port, path } = this.config.http;
    this.say({ kind: 'ready', urls: { graphql: `http://${host}:${port}${path}`, console: null, admin: null } });
  }

  end(code: number | null, signal: string | null = null): void {
    this.#events.ended({ code, signal });
  }

  async asked(question: Question): Promise<number> {
    return new Promise((resolve) => {
      this.#look = () => {
        const open = this.received.find(
          (each) => each.kind === 'ask' && each.question === question && !this.#answered.has(each.id),
        );
        if (open?.kind === 'ask') resolve(open.id);
      };
      this.#look();
    });
  }

  async answer(question: Question, value: unknown): Promise<void> {
    const id = await this.asked(question);
    this.#answered.add(id);
    this.say({ kind: 'answer', id, value });
  }
}

export type Fleet = {
  readonly spawn: SpawnWorker;
  /** All that were ever started, in order. */
  readonly processes: readonly FakeProcess[];
  /** The process that was started last at this seat. */
  at(index: number): FakeProcess;
};

export const createFleet = (): Fleet => {
  const processes: Fake[] = [];
  return {
    processes,
    spawn(index, events) {
      const made = new Fake(index, 100 + processes.length, events);
      processes.push(made);
      return {
        pid: made.pid,
        send: (message) => made.take(message),
        kill: () => {
          made.isKilled = true;
        },
      };
    },
    at(index) {
      const found = processes.findLast((each) => each.index === index);
      if (found === undefined) throw new Error(`no worker ${index} was started`);
      return found;
    },
  };
};

/** A configuration for workers on Kafka and free ports of loopback. */
export const workersConfig = (env: Readonly<Record<string, string>> = {}): Config => {
  const outcome = readConfig(
    {
      CARILLON_KAFKA_BROKERS: 'nowhere:9092',
      CARILLON_HOST: '127.0.0.1',
      CARILLON_PORT: '0',
      CARILLON_ADMIN_PORT: '0',
      CARILLON_WORKERS: '2',
      ...env,
    },
    () => '',
  );
  if (!outcome.ok) throw new Error(outcome.problems.join('\n'));
  return outcome.config;
};
