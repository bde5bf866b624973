import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientOptions } from 'ws';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { eventPayload } from './hand-driven-sessions.ts';
import { connectRaw, type RawClient, subscribeMessage } from './raw-client.ts';

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint({ isCompressionEnabled: true });
});
afterAll(() => endpoint.close());

const titles = 'subscription { notificationReceived { edge { node { content { ... on Message { title } } } } } }';

const subscribed = async (options: ClientOptions, at: TestEndpoint = endpoint): Promise<RawClient> => {
  const client = await connectRaw(at.wsUrl, ['graphql-transport-ws'], options);
  client.send({ type: 'connection_init', payload: { authorization: 'Bearer user:ada' } });
  await client.next();
  client.send(subscribeMessage('1', titles));
  while (at.core.last.subscriptions.size === 0) await new Promise((resolve) => setImmediate(resolve));
  return client;
};

type Traffic = { readonly bytes: number; readonly titles: readonly string[] };

/** What a client gets of events with these titles, and in how many bytes. */
const receive = async (client: RawClient, given: readonly string[], at: TestEndpoint = endpoint): Promise<Traffic> => {
  const { _socket: socket } = client.ws as unknown as { _socket: { bytesRead: number } };
  const before = socket.bytesRead;
  at.core.last.emit(given.map((title, n) => eventPayload(n, { title })));
  const got: string[] = [];
  for (const _ of given) got.push((await client.next()).payload.data.notificationReceived.edge.node.content.title);
  return { bytes: socket.bytesRead - before, titles: got };
};

const long = 'orders are on their way to you. '.repeat(100);

describe('compression', () => {
  it('gives those who offer it long messages in fewer bytes, and nobody else', async () => {
    const compressed = await receive(await subscribed({ perMessageDeflate: true }), [long, long]);
    const plain = await receive(await subscribed({ perMessageDeflate: false }), [long, long]);
    expect([compressed.titles, plain.titles]).toEqual([
      [long, long],
      [long, long],
    ]);
    expect(plain.bytes).toBeGreaterThan(2 * long.length);
    expect(compressed.bytes).toBeLessThan(plain.bytes / 10);
  });

  it('is off unless it was asked for: an offer is not accepted', async () => {
    const without = await openEndpoint();
    const client = await subscribed({ perMessageDeflate: true }, without);
    expect(client.ws.extensions).toBe('');
    expect((await receive(client, [long], without)).bytes).toBeGreaterThan(long.length);
    await without.close();
  });

  it('reads the same as what was sent, whatever its text, length and neighbours', async () => {
    const client = await subscribed({ perMessageDeflate: { threshold: 0 } });
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 2_000 }),
      fc.tuple(fc.string({ minLength: 1, maxLength: 40 }), fc.nat(3_000)).map(([part, times]) => part.repeat(times)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 5 }), async (given) => {
        expect((await receive(client, given)).titles).toEqual(given);
      }),
      { numRuns: 150, seed: 11 },
    );
  });

  it('does not make a message longer that cannot be made shorter', async () => {
    const random = Array.from({ length: 2_000 }, (_, n) => String.fromCharCode(33 + ((n * 7_919 * (n % 89)) % 90)))
      .join('')
      .replaceAll(/["\\]/g, '.');
    const client = await subscribed({ perMessageDeflate: true });
    const short = await receive(client, ['short']);
    expect((await receive(client, [random])).bytes).toBeLessThanOrEqual(short.bytes + random.length);
  });

  it('leaves those uncompressed who can only keep a smaller window', async () => {
    const client = await subscribed({ perMessageDeflate: { serverMaxWindowBits: 10 } });
    expect(client.ws.extensions).toBe('permessage-deflate');
    const { bytes, titles: got } = await receive(client, [long]);
    expect([got, bytes > long.length]).toEqual([[long], true]);
  });

  it('reads what such a client compresses, up to the limit of a frame when it is inflated', async () => {
    const client = await subscribed({ perMessageDeflate: { threshold: 0 } });
    client.send({ type: 'ping', payload: { text: long } });
    expect((await client.next()).payload).toEqual({ text: long });
    client.send({ type: 'ping', payload: { text: 'x'.repeat(1_000_000) } });
    expect((await client.closed).code).toBe(1009);
  });
});
