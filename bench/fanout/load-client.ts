import { type ChildProcess, spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compile } from '../native/compile.ts';
import { wordText } from '../sides/words.ts';

/** The C load client (`native/load-client.c`) as an object: one call, one line each way. Calls are made one after another. */

/** What a client says to a peer. `ready` is in the message after which it has its subscription. */
export type Peer = {
  readonly port: number;
  readonly path: string;
  readonly subprotocol: string;
  readonly init: string;
  readonly subscribe: string;
  readonly ready: string;
  /** Offered in the handshake. @default none */
  readonly extensions?: string;
  /** Bodies are of words. @default of letters */
  readonly hasWords?: boolean;
};

/** One event as it arrived: how many got it, when the first and the last did (CLOCK_MONOTONIC, microseconds), markers seen right after it. */
export type Arrival = readonly [deliveries: number, firstUs: number, lastUs: number, markers: number];

export type ClientReport = {
  /** Sequence numbers that were passed over, and that came again or too late. */
  readonly lost: number;
  readonly twice: number;
  /** Deliveries whose form, operation or body is not what was published; deliveries of no event that was expected. */
  readonly bad: number;
  readonly stray: number;
  /** Connections that the server ended, and the last close code. */
  readonly closed: number;
  readonly closeCode: number;
  readonly ready: number;
  readonly delivered: number;
  /** Those of them that came compressed: counted, not read. */
  readonly deflated: number;
  readonly markers: number;
  readonly others: number;
  readonly bytesIn: number;
  /** Processor time of the client since it began, microseconds. */
  readonly cpuUs: number;
  readonly events: readonly Arrival[];
};

/** Per connection the last byte of its address and its port. */
export type Opened = {
  readonly ready: number;
  readonly closed: number;
  readonly ms: number;
  readonly ports: readonly (readonly [address: number, port: number])[];
};

export type Churned = { readonly cycles: number; readonly closed: number; readonly ms: number; readonly cpuUs: number };

export type LoadClient = {
  /** Opens so many more, `window` at a time. `sequence`: what each has had already; `group`: how many share a group. */
  open(count: number, options: { window: number; sequence: number; group: number }): Promise<Opened>;
  expect(first: number, events: number, bytes: number): Promise<void>;
  /** Resolves when so many deliveries came since `expect`, or after the time. */
  until(deliveries: number, ms: number): Promise<void>;
  report(): Promise<ClientReport>;
  /** The last event as the first connection got it. */
  sample(): Promise<string>;
  churn(cycles: number, window: number): Promise<Churned>;
  close(): Promise<void>;
  stop(): Promise<void>;
};

type Waiting = { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void };

class ClientProcess implements LoadClient {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #waiting: Waiting[] = [];
  readonly #files: readonly string[];

  constructor(child: ChildProcess, files: readonly string[]) {
    this.#child = child;
    this.#files = files;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => this.#take(line));
    child.once('exit', () => this.#fail(new Error('the load client ended')));
  }

  async open(count: number, options: { window: number; sequence: number; group: number }): Promise<Opened> {
    const { window, sequence, group } = options;
    const opened = (await this.#ask(`open ${count} ${window} ${sequence} ${group}`)) as Opened;
    if (opened.closed > 0) throw new Error(`${opened.closed} connections were ended while they were opened`);
    return opened;
  }

  async expect(first: number, events: number, bytes: number): Promise<void> {
    await this.#ask(`expect ${first} ${events} ${bytes}`);
  }

  async until(deliveries: number, ms: number): Promise<void> {
    await this.#ask(`await ${deliveries} ${ms}`);
  }

  report(): Promise<ClientReport> {
    return this.#ask('report') as Promise<ClientReport>;
  }

  async sample(): Promise<string> {
    return ((await this.#ask('sample')) as { frame: string }).frame;
  }

  churn(cycles: number, window: number): Promise<Churned> {
    return this.#ask(`churn ${cycles} ${window}`) as Promise<Churned>;
  }

  async close(): Promise<void> {
    await this.#ask('close');
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exited;
    for (const file of this.#files) await rm(file, { force: true });
  }

  #ask(line: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin?.write(`${line}\n`);
    });
  }

  #take(line: string): void {
    const answer = JSON.parse(line) as { readonly error?: string };
    if (answer.error !== undefined) this.#fail(new Error(`the load client: ${answer.error}`));
    else this.#waiting.shift()?.resolve(answer);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

let clients = 0;

/** Starts one; each connection uses the token of its number. */
export const startLoadClient = async (peer: Peer, tokens: readonly string[]): Promise<LoadClient> => {
  const program = await compile('program', 'load-client.c');
  const tokenFile = join(tmpdir(), `carillon-bench-${process.pid}-${clients++}`);
  await writeFile(tokenFile, tokens.map((token) => `${token}\n`).join(''), { mode: 0o600 });
  const wordFiles = peer.hasWords === true ? [`${tokenFile}-words`] : [];
  for (const file of wordFiles) await writeFile(file, wordText());
  const { port, path, subprotocol, init, subscribe, ready, extensions = '' } = peer;
  const said = [`${port}`, path, subprotocol, init, subscribe, ready, tokenFile, extensions, ...wordFiles];
  const child = spawn(program, said, { stdio: ['pipe', 'pipe', 'inherit'] });
  return new ClientProcess(child, [tokenFile, ...wordFiles]);
};
