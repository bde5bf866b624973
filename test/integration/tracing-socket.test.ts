import { print } from 'graphql';
import { createClient, type SubscribePayload } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { FollowDocument, PublishDocument } from '../support/__generated__/operations.ts';
import { follow } from '../support/follower.ts';
import { type GatewayProcess, scratchFolder, snapshotOf, startGateway } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';
import { sinkStartTimeoutMs, startTraceSink, type TraceSink } from '../support/trace-sink.ts';
import { callerTrace, hasDeliveries, spansNamed, tracedTo, traceIdOf } from '../support/traced-gateway.ts';

let sink: TraceSink;
let folder: Awaited<ReturnType<typeof scratchFolder>>;
let gateway: GatewayProcess;
let service = '';

beforeAll(async () => {
  sink = await startTraceSink();
  service = await testToken('service', { scopes: ['notifications:publish'] });
}, sinkStartTimeoutMs);
afterAll(() => sink?.stop());

const start = async (env: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> => {
  gateway = await startGateway({ CARILLON_DATA_DIR: folder.path, ...tracedTo(sink.otlpUrl), ...env });
  return gateway;
};
beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(async () => {
  await gateway.end('SIGKILL');
  await folder.remove();
});

const publishTraced = async (title: string): Promise<string> => {
  const { traceId, traceparent } = callerTrace();
  await publish(gateway.httpUrl, { token: service, input: messageTo('ada', title), headers: { traceparent } });
  return traceId;
};

/** A stock client, and every frame that it gets, as text. */
const stockClient = (token: string, connectionParams: Record<string, unknown> = {}) => {
  const frames: string[] = [];
  class Recorded extends WebSocket {
    constructor(url: string, protocols: string | string[]) {
      super(url, protocols);
      this.on('message', (data) => frames.push(String(data)));
    }
  }
  const client = createClient({
    url: gateway.wsUrl,
    webSocketImpl: Recorded,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${token}`, ...connectionParams },
  });
  return { client, frames };
};

describe('traces of a socket that stays open', () => {
  it('hold each of five deliveries within seconds, and no span that lasts as long as the socket (C84)', async () => {
    await start();
    const ada = await follow(gateway.wsUrl, { token: await testToken('ada') });
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await publishTraced(`event ${n}`));
    for (const id of ids) {
      const spans = await sink.trace(id, hasDeliveries(1));
      expect(spans).toHaveLength(4);
      expect(Math.max(...spans.map(({ startMs, endMs }) => endMs - startMs))).toBeLessThan(5_000);
    }
    expect(ada.closes).toEqual([]);
    await ada.close();
  });

  it("reach the client: raw frames carry the producer's trace id, of sampled events only (C85)", async () => {
    await start();
    const { client, frames } = stockClient(await testToken('ada'));
    const events = client.iterate({ query: print(FollowDocument) });
    await events.next();
    const traceId = await publishTraced('sampled');
    await events.next();
    const frame = JSON.parse(frames.find((text) => text.includes('"sampled"')) ?? '{}');
    const [deliver] = spansNamed(await sink.trace(traceId, hasDeliveries(1)), 'deliver');
    expect(frame.payload.extensions).toEqual({ traceparent: `00-${traceId}-${deliver?.spanId}-01` });

    const headers = { traceparent: callerTrace('00').traceparent };
    await publish(gateway.httpUrl, { token: service, input: messageTo('ada', 'unsampled'), headers });
    await events.next();
    expect(frames.find((text) => text.includes('"unsampled"'))).not.toContain('extensions');
    await client.dispose();
  });

  const places = [
    ['the extensions of the operation', (traceparent: string) => ({ extensions: { traceparent } })],
    ['the payload of connection_init', (traceparent: string) => ({ params: { traceparent } })],
  ] as const;
  it.each(places)("take a publisher's context from %s (C85)", async (_place, put) => {
    await start();
    const ada = await follow(gateway.wsUrl, { token: await testToken('ada') });
    const caller = callerTrace();
    const { extensions, params }: { extensions?: Record<string, unknown>; params?: Record<string, unknown> } = put(
      caller.traceparent,
    );
    const { client } = stockClient(service, params);
    const variables = { input: messageTo('ada', 'over the socket') };
    const payload: SubscribePayload = { query: print(PublishDocument), variables, ...(extensions && { extensions }) };
    for await (const result of client.iterate(payload)) expect(result.errors).toBeUndefined();
    const spans = await sink.trace(caller.traceId, hasDeliveries(1));
    expect(spansNamed(spans, 'publish')[0]?.parentSpanId).toBe(caller.spanId);
    await client.dispose();
    await ada.close();
  });

  it('are whole when SIGTERM comes right after a delivery (C94)', async () => {
    await start({ OTEL_BSP_SCHEDULE_DELAY: '60000' });
    const ada = await follow(gateway.wsUrl, { token: await testToken('ada') });
    const traceId = await publishTraced('last');
    await ada.until(({ events }) => events.length === 1);
    expect(await gateway.end()).toBe(0);
    const spans = await sink.trace(traceId, hasDeliveries(1));
    expect(spans.map(({ name }) => name).sort()).toEqual([
      'POST /graphql',
      'deliver',
      'process notifications',
      'publish',
    ]);
    expect(spansNamed(spans, 'deliver')[0]?.attributes['carillon.ack']).toMatch(/^(?:acknowledged|closed)$/);
    await ada.close();
  });

  it('show a publish that fails as an error', async () => {
    await start();
    const { traceId, traceparent } = callerTrace();
    const title = 'x'.repeat(400_000);
    const input = messageTo('ada', title);
    const answer = await publish(gateway.httpUrl, { token: service, input, headers: { traceparent } });
    expect(answer.data?.publishNotification.userErrors[0]?.code).toBe('TOO_LARGE');
    const [failed] = spansNamed(await sink.trace(traceId, (spans) => spans.length === 2), 'publish');
    expect(failed).toMatchObject({ isError: true, attributes: { 'error.type': 'TOO_LARGE' } });
  });
});

describe('the trace of an event that a client catches up with', () => {
  it('says so, and is the one of its publish', async () => {
    await start();
    const token = await testToken('ada');
    const before = await follow(gateway.wsUrl, { token });
    await before.close();
    await expect.poll(async () => (await snapshotOf(gateway)).sessions).toBe(0);
    const traceId = await publishTraced('while away');
    const after = await follow(gateway.wsUrl, { token, after: before.cursor });
    await after.until(({ events }) => events.length === 1);
    expect(after.events[0] && traceIdOf(after.events[0])).toBe(traceId);
    const spans = await sink.trace(traceId, hasDeliveries(1));
    expect(spansNamed(spans, 'deliver')[0]?.attributes['carillon.mode']).toBe('catchup');
    await after.close();
  });
});
