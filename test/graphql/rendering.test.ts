import fc from 'fast-check';
import { execute, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Payload } from '../../src/actors/session.ts';
import type { EventContent } from '../../src/event.ts';
import { createErrorMask } from '../../src/graphql/graphql-errors.ts';
import { createRendering } from '../../src/graphql/rendering.ts';
import { attachResolvers } from '../../src/graphql/resolvers.ts';
import { loadEventSchema } from '../../src/graphql/schema/index.ts';
import { fromWire } from '../../src/graphql/wire-text.ts';
import type { DeliverSpan } from '../../src/telemetry/facade.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { silentTelemetry } from '../support/silent-telemetry.ts';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { envelope, eventPayload } from './hand-driven-sessions.ts';
import { connectAs, type RawClient, settle, subscribeMessage } from './raw-client.ts';

const everything = `subscription {
  notificationReceived {
    __typename cursor isLive
    edge { cursor node {
      id type createdAt expiresAt audience topic title body url
      content { __typename ... on Message { title body url } }
    } }
    gap { reason since until }
  }
}`;

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint();
});
afterAll(() => endpoint.close());

const subscribed = async (query: string): Promise<RawClient> => {
  const client = await connectAs(endpoint.wsUrl, 'user:ada');
  client.send(subscribeMessage('s', query));
  await settle(client);
  return client;
};

describe('what a subscription shows', () => {
  it('is the whole event', async () => {
    const client = await subscribed(everything);
    endpoint.core.last.emit([eventPayload(1, { body: 'text', url: '/here' })]);
    expect(await client.next()).toEqual({
      id: 's',
      type: 'next',
      payload: {
        data: {
          notificationReceived: {
            __typename: 'NotificationReceivedPayload',
            cursor: 'cursor-1',
            isLive: true,
            edge: {
              cursor: 'cursor-1',
              node: {
                id: 'id-1',
                type: 'message',
                createdAt: '2026-01-01T00:00:00.000Z',
                expiresAt: null,
                audience: 'USER',
                topic: null,
                title: 'event 1',
                body: null,
                url: null,
                content: { __typename: 'Message', title: 'event 1', body: 'text', url: '/here' },
              },
            },
            gap: null,
          },
        },
      },
    });
  });

  it('is a gap where events are missing, and neither in a checkpoint', async () => {
    const client = await subscribed(everything);
    const gap: Payload = { kind: 'gap', reason: 'EXPIRED', sinceMs: 0, untilMs: null, cursor: 'g', isLive: false };
    endpoint.core.last.emit([gap, { kind: 'checkpoint', cursor: 'c', isLive: true }]);
    expect((await client.next()).payload.data.notificationReceived).toMatchObject({
      edge: null,
      gap: { reason: 'EXPIRED', since: '1970-01-01T00:00:00.000Z', until: null },
      isLive: false,
    });
    expect((await client.next()).payload.data.notificationReceived).toMatchObject({
      cursor: 'c',
      edge: null,
      gap: null,
    });
  });

  it('is title, body and url where this schema does not know the type', async () => {
    const client = await subscribed(everything);
    const unknown = { ...envelope(1), type: 'com.acme.new', content: null };
    endpoint.core.last.emit([{ kind: 'event', envelope: unknown, cursor: 'c', isLive: true }]);
    const { node } = (await client.next()).payload.data.notificationReceived.edge;
    expect(node).toMatchObject({ type: 'com.acme.new', title: 'event 1', content: null });
  });

  it.each([
    ['a missing title', { title: undefined }],
    ['a title of null', { title: null }],
    ['a title that is an object', { title: { a: 1 } }],
    ['an unknown type name', { __typename: 'Nonsense' }],
  ])('is a next with errors for an event that cannot be rendered, and later ones flow: %s', async (_, content) => {
    const client = await subscribed(everything);
    endpoint.core.last.emit([eventPayload(1), eventPayload(2, content as Partial<EventContent>), eventPayload(3)]);
    expect((await client.next()).payload.errors).toBeUndefined();
    const broken = await client.next();
    expect(broken.type).toBe('next');
    expect(broken.payload.errors.length).toBeGreaterThan(0);
    expect((await client.next()).payload.data.notificationReceived.cursor).toBe('cursor-3');
  });

  it('keeps text byte for byte and numbers beyond 2^53 as text', async () => {
    const client = await subscribed(
      'subscription { notificationReceived { edge { node { content { ... on Message { title } } } } } }',
    );
    const titles = ['9007199254740993', '12345678901234567890', '-0', '"\\\u2028\u0000</script>', '🔔é', '\ud800'];
    endpoint.core.last.emit(titles.map((title, n) => eventPayload(n, { title })));
    for (const title of titles) {
      const sent = JSON.parse(JSON.stringify(title));
      expect((await client.next()).payload.data.notificationReceived.edge.node.content.title).toBe(sent);
    }
  });

  it('carries traceparent in extensions when the delivery is traced, each its own, and tells the span', async () => {
    const client = await subscribed(everything);
    const told: string[] = [];
    const span = (traceparent: string): DeliverSpan => ({
      traceparent,
      event: (name) => void told.push(name),
      end() {},
    });
    const traceparents = ['1', '2'].map((digit) => `00-${digit.repeat(32)}-${'a'.repeat(16)}-01`);
    for (const traceparent of traceparents) endpoint.core.last.emit([eventPayload(1)], span(traceparent));
    for (const traceparent of traceparents) expect((await client.next()).payload.extensions).toEqual({ traceparent });
    // Both go in one write.
    expect(told).toEqual(['rendered', 'rendered', 'written', 'written']);
    endpoint.core.last.emit([eventPayload(1)]);
    expect((await client.next()).payload.extensions).toBeUndefined();
  });

  it('is in order and complete when many events come at once, in few packets', async () => {
    const client = await subscribed('subscription { notificationReceived { cursor } }');
    endpoint.core.last.emit(Array.from({ length: 5_000 }, (_, n) => eventPayload(n)));
    for (let n = 0; n < 5_000; n++)
      expect((await client.next()).payload.data.notificationReceived.cursor).toBe(`cursor-${n}`);
  });

  it('tells the actor when a slow reader has taken what was waiting', async () => {
    const client = await subscribed(everything);
    const session = endpoint.core.last;
    client.ws.pause();
    const body = 'x'.repeat(50_000);
    while (session.link.bufferedBytes < 1_000_000) session.emit([eventPayload(1, { body })]);
    expect(session.drainedTimes).toBe(0);
    client.ws.resume();
    while (session.drainedTimes === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(session.link.bufferedBytes).toBe(0);
  });
});

describe('shared renderings', () => {
  const { schema } = loadEventSchema({ schemaDir: 'schema', eventsDir: 'schema/events' });
  attachResolvers(schema);
  const document = parse(everything);
  const mask = createErrorMask(silentLogger, true);
  const rendering = createRendering({ schema, mask, telemetry: silentTelemetry() });
  const plan = { document, variables: {} };

  it('equal what graphql-js gives for each payload by itself', () => {
    const events = fc.record({
      number: fc.nat(3),
      title: fc.string({ unit: 'binary' }),
      isLive: fc.boolean(),
      cursor: fc.constantFrom('a', 'b'),
    });
    fc.assert(
      fc.property(fc.array(events, { maxLength: 20 }), (steps) => {
        for (const { number, title, isLive, cursor } of steps) {
          const payload: Payload = { kind: 'event', envelope: envelope(number, { title }), cursor, isLive };
          const text = fromWire(rendering.render({ plan, payload, trace: null }));
          expect(text).toBe(JSON.stringify(execute({ schema, document, rootValue: payload })));
        }
      }),
    );
  });
});
