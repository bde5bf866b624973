import { once } from 'node:events';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, clientOf, filterOf, Notebook, query, retryPauseMs, type Seat } from './seat.ts';

/** A fetch-based client of Server-Sent Events, which comes back with `Last-Event-ID`. */
class StreamClient {
  readonly notebook: Notebook;
  readonly #seat: Seat;
  #request: ClientRequest | null = null;
  #isOver = false;

  constructor(seat: Seat) {
    this.#seat = seat;
    this.notebook = new Notebook(seat);
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const token = await this.#seat.token();
      if (this.#isOver) return;
      const reason = await this.#connection(token).catch((error: Error) => error.message);
      this.notebook.closed(null, reason);
      await delay(retryPauseMs());
    }
  }

  close(): void {
    this.#isOver = true;
    this.#request?.destroy();
  }

  async #connection(token: string): Promise<string> {
    const after = this.notebook.after();
    const request = httpRequest(`http://127.0.0.1:${this.#seat.port}/graphql`, {
      method: 'POST',
      agent: false,
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        ...(after === null ? {} : { 'last-event-id': after }),
      },
    });
    this.#request = request;
    // Resets that come late, or twice, must not end the campaign.
    request.on('error', () => {});
    request.end(JSON.stringify({ query, variables: { filter: filterOf(this.#seat) } }));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    if (response.statusCode !== 200) {
      response.resume();
      await once(response, 'close');
      return `status ${response.statusCode}`;
    }
    this.#seat.scribe({ kind: 'resumed', after });
    await this.#read(response);
    return 'ended';
  }

  async #read(response: IncomingMessage): Promise<void> {
    let rest = '';
    response.setEncoding('utf8');
    for await (const part of response) {
      const blocks = (rest + part).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block: string): void {
    if (block.startsWith(':')) return;
    const data = /^data: ?(.*)$/m.exec(block)?.[1] ?? '';
    if (data !== '') this.notebook.take(JSON.parse(data));
  }
}

/** Connects, and stays. */
export const openStreamClient = (seat: Seat): Client => {
  const client = new StreamClient(seat);
  const running = client.run();
  return clientOf(client.notebook, async () => {
    client.close();
    await running;
  });
};
