import { bodyOf, titleOf } from './serve.ts';
import type { EventSpec } from './side.ts';

/** An in-process pub/sub. */
export type StreamSource = {
  /** Yields a checkpoint first, as the product does. */
  subscribe(): AsyncIterableIterator<unknown>;
  publish(payload: unknown): void;
};

/** As long as the product's, on 12 partitions. */
const cursor = 'c'.repeat(72);

/** What a subscription yields first: a payload without an event. */
export const checkpoint: unknown = { cursor, isLive: true, gap: null, edge: null };

/** What a subscription yields for an event. */
export const payloadOf = (event: EventSpec): unknown => ({
  cursor,
  isLive: true,
  gap: null,
  edge: {
    cursor,
    node: {
      id: `${event.event}`.padStart(22, 'i'),
      type: 'message',
      createdAt: new Date().toISOString(),
      title: titleOf(event),
      body: bodyOf(event),
      url: null,
    },
  },
});

type Result = IteratorResult<unknown>;

class Subscriber implements AsyncIterableIterator<unknown> {
  readonly #subscribers: Set<Subscriber>;
  readonly #queue: unknown[] = [checkpoint];
  #waiting: ((result: Result) => void) | null = null;

  constructor(subscribers: Set<Subscriber>) {
    this.#subscribers = subscribers;
    subscribers.add(this);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(value: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#queue.push(value);
    else waiting({ value, done: false });
  }

  next(): Promise<Result> {
    if (this.#queue.length > 0) return Promise.resolve({ value: this.#queue.shift(), done: false });
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  async return(): Promise<Result> {
    this.#subscribers.delete(this);
    this.#waiting?.({ value: undefined, done: true });
    return { value: undefined, done: true };
  }
}

/** One by hand: one queue and one async iterator per subscription. */
export const streamSource = (): StreamSource => {
  const subscribers = new Set<Subscriber>();
  return {
    subscribe: () => new Subscriber(subscribers),
    publish(payload) {
      for (const subscriber of subscribers) subscriber.push(payload);
    },
  };
};
