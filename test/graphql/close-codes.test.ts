import { readFileSync } from 'node:fs';
import { createClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SessionEndReason } from '../../src/actors/session.ts';
import { type Close, closeOf, sessionEndReasons, violations } from '../../src/graphql/close-codes.ts';
import { closePeers, startPeer } from '../support/scripted-peer.ts';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint();
});
afterAll(() => endpoint.close());
afterEach(closePeers);

/** Rows of the table in docs/protocol.md, by code: whether the stock client comes back. */
const promised = new Map(
  [...readFileSync('docs/protocol.md', 'utf8').matchAll(/^\| (\d{4}) \|.*\| (comes back|gives up|-) \|$/gm)].map(
    ([, code, what]) => [Number(code), what === 'comes back'],
  ),
);

const query = 'subscription { notificationReceived { cursor } }';

/** Whether the stock client, as it is, connects again after `end` has ended its first connection. */
const comesBack = (url: string, end: () => void): Promise<boolean> =>
  new Promise((resolve) => {
    let connections = 0;
    const client = createClient({
      url,
      retryAttempts: 5,
      retryWait: () => Promise.resolve(),
      connectionParams: { authorization: 'Bearer user:ada' },
      on: {
        connected: () => {
          connections += 1;
          if (connections === 1) setImmediate(end);
          else decide(true);
        },
      },
    });
    const decide = (isBack: boolean): void => {
      resolve(isBack);
      void client.dispose();
    };
    client.subscribe({ query }, { next: () => {}, error: () => decide(false), complete: () => {} });
  });

describe('how a connection ends', () => {
  // `client_closed` is the client's own doing: nothing is sent for it.
  it.each(sessionEndReasons.filter((reason) => reason !== 'client_closed' && reason !== 'protocol_violation'))(
    'tells the stock client of %s as docs/protocol.md promises (C37)',
    async (reason: SessionEndReason) => {
      const { code } = closeOf(reason);
      expect(promised.has(code), `${code} is in the table`).toBe(true);
      const isBack = await comesBack(endpoint.wsUrl, () => endpoint.core.last.end(reason));
      expect(isBack).toBe(promised.get(code));
    },
  );

  const closes: readonly (readonly [string, Close])[] = [
    ...Object.entries(violations).map(
      ([name, close]) => [name, typeof close === 'function' ? close('x') : close] as const,
    ),
    ['too many fragments', { code: 1008, reason: '' }],
    ['a frame too large', { code: 1009, reason: '' }],
    ['a malformed frame', { code: 1002, reason: '' }],
    ['text that is not UTF-8', { code: 1007, reason: '' }],
  ];

  it.each(closes)('tells the stock client of %s as docs/protocol.md promises (C37)', async (_, { code, reason }) => {
    expect(promised.has(code), `${code} is in the table`).toBe(true);
    const { promise: ending, resolve } = Promise.withResolvers<() => void>();
    const url = await startPeer([(socket) => resolve(() => socket.close(code, reason))]);
    const isBack = await comesBack(url.replace(/^http/, 'ws'), () => void ending.then((end) => end()));
    expect(isBack).toBe(promised.get(code));
  });

  it('has a reason that fits a close frame, whatever it is', () => {
    for (const reason of sessionEndReasons) expect(Buffer.byteLength(closeOf(reason).reason)).toBeLessThanOrEqual(123);
    expect(promised.size).toBeGreaterThan(10);
  });
});
