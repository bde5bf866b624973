import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { quietRequestQueue } from '../../src/kafka/quiet-queue.ts';

type Queue = {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  push(request: unknown): void;
  destroy(): void;
};
type QueueClass = new (options: object) => Queue;

const require = createRequire(import.meta.url);
const logger = { debug() {}, warn() {} };
const newQueue = (): Queue => {
  const RequestQueue = require('kafkajs/src/network/requestQueue') as QueueClass;
  return new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1_000, clientId: 'c', broker: 'b', logger });
};
const request = (correlationId: number, sendRequest: () => void) => ({
  entry: { correlationId, resolve() {}, reject() {} },
  expectResponse: false,
  sendRequest,
});

describe("kafkajs's request queue", () => {
  it('is patched once, and says that it is', () => {
    expect(quietRequestQueue()).toBe(true);
    expect(quietRequestQueue()).toBe(true);
  });

  it('sets no timer while nothing waits (C109)', () => {
    const queue = newQueue();
    queue.checkPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });

  it('still sends what was held back by a throttle, once that is over', async () => {
    const queue = newQueue();
    queue.throttledUntil = Date.now() + 20;
    const sent = Promise.withResolvers<void>();
    queue.push(request(1, sent.resolve));
    expect(queue.pending).toHaveLength(1);
    await sent.promise;
    expect(queue.pending).toHaveLength(0);
    expect(queue.throttleCheckTimeoutId).toBeNull();
  });
});
