import { connect, type Socket } from 'node:net';

/** POSTs over connections that are kept, one after another on each, by hand: a client library would take more of the processor than what is measured. */

export type HttpLoad = {
  /** Requests that were answered, and how many of the answers were not what was wanted. */
  readonly answered: number;
  readonly refused: number;
  readonly seconds: number;
  readonly firstRefusal: string | null;
};

export type HttpLoadOptions = {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
  /** The next body. */
  body(): string;
  isRight(answer: string): boolean;
};

/** The answer at the beginning of `text`, and where it ends; null where it is not whole. Ours and node:http's have a length. */
const wholeAnswer = (text: string): { end: number; body: string } | null => {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return null;
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? Number.NaN);
  if (Number.isNaN(length)) throw new Error(`an answer without a length: ${text.slice(0, 200)}`);
  const end = head + 4 + length;
  return text.length < end ? null : { end, body: text.slice(head + 4, end) };
};

/** Hands over each whole answer of one connection, as it comes. */
const onAnswers = (socket: Socket, take: (body: string) => void): void => {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (data: string) => {
    text += data;
    const answer = wholeAnswer(text);
    if (answer === null) return;
    text = text.slice(answer.end);
    take(answer.body);
  });
};

/** Runs for the time; resolves when the last answers are there. */
export const httpLoad = async (options: HttpLoadOptions): Promise<HttpLoad> => {
  const { port, path, seconds, connections } = options;
  const lines = Object.entries(options.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${lines.join('')}`;
  const endsAt = performance.now() + seconds * 1_000;
  const refusals: string[] = [];
  let answered = 0;
  const ask = (socket: Socket): void => {
    const body = options.body();
    socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => ask(socket));
      socket.on('error', reject);
      onAnswers(socket, (body) => {
        answered += 1;
        if (!options.isRight(body)) refusals.push(body);
        if (performance.now() < endsAt) return ask(socket);
        socket.destroy();
        resolve();
      });
    });
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: connections }, one));
  const firstRefusal = refusals[0]?.slice(0, 300) ?? null;
  return { answered, refused: refusals.length, firstRefusal, seconds: (performance.now() - startedAt) / 1_000 };
};
