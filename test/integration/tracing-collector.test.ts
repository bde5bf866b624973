import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { follow } from '../support/follower.ts';
import { type GatewayProcess, scratchFolder, startGateway } from '../support/gateway.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';
import { callerTrace, tracedTo } from '../support/traced-gateway.ts';

const events = 200;
const drainSeconds = 2;
/** The drain's deadline, what telemetry may take beyond it, and the machine's own pace. */
const endsWithinMs = drainSeconds * 1_000 + 1_000 + 1_500;

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let receiver: OtlpReceiver;
let gateway: GatewayProcess;

beforeEach(async () => {
  folder = await scratchFolder();
  receiver = await startOtlpReceiver();
});
afterEach(async () => {
  await gateway.end('SIGKILL');
  await receiver.close();
  await folder.remove();
});

const closedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const start = async (env: Readonly<Record<string, string>>): Promise<void> => {
  gateway = await startGateway({
    CARILLON_DATA_DIR: folder.path,
    CARILLON_DRAIN_SECONDS: String(drainSeconds),
    ...env,
  });
};

/** Publishes sampled events to a follower, one after another, and sees each arrive. */
const expectDelivery = async (count: number) => {
  const ada = await follow(gateway.wsUrl, { token: await testToken('ada') });
  const token = await testToken('service', { scopes: ['notifications:publish'] });
  const titles = Array.from({ length: count }, (_, n) => `event ${n}`);
  for (const title of titles) {
    const headers = { traceparent: callerTrace().traceparent };
    await publish(gateway.httpUrl, { token, input: messageTo('ada', title), headers });
  }
  await ada.until((follower) => follower.events.length >= count);
  expect(ada.events.map(({ title }) => title)).toEqual(titles);
  return ada;
};

const expectEnd = async (): Promise<void> => {
  const startedAt = performance.now();
  expect(await gateway.end()).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(endsWithinMs);
};

const troubles: readonly [string, () => Promise<string>][] = [
  ['is not there', async () => `http://127.0.0.1:${await closedPort()}`],
  [
    'takes requests and never answers',
    async () => {
      receiver.answer('hang');
      return receiver.otlpUrl;
    },
  ],
  [
    'answers 503',
    async () => {
      receiver.answer({ status: 503 });
      return receiver.otlpUrl;
    },
  ],
];

describe('a gateway whose collector', () => {
  it.each(troubles)('%s starts, delivers, and ends within its grace (C87)', async (_trouble, make) => {
    await start(tracedTo(await make()));
    const ada = await expectDelivery(events);
    await expectEnd();
    await ada.close();
  });

  it('comes back after a while gets the spans of what is delivered then', async () => {
    receiver.answer({ status: 400 });
    await start(tracedTo(receiver.otlpUrl));
    await (await expectDelivery(1)).close();
    await receiver.until(() => receiver.requests > 0);
    receiver.answer('take');
    const traced = receiver.until(() => receiver.spans.some(({ name }) => name === 'deliver'));
    await (await expectDelivery(1)).close();
    await traced;
  });
});

const off: readonly [string, Readonly<Record<string, string>>][] = [
  ['OTEL_SDK_DISABLED', { OTEL_SDK_DISABLED: 'true' }],
  ['OTEL_TRACES_EXPORTER=none', { OTEL_TRACES_EXPORTER: 'none' }],
  ['OTEL_TRACES_SAMPLER=always_off', { OTEL_TRACES_SAMPLER: 'always_off' }],
];

describe('a gateway with tracing off', () => {
  it.each(off)('by %s delivers, sends nothing to the collector, and nothing to the client', async (_name, env) => {
    await start({ ...tracedTo(receiver.otlpUrl), ...env });
    const ada = await expectDelivery(3);
    expect(ada.events.map(({ extensions }) => extensions)).toEqual([undefined, undefined, undefined]);
    await expectEnd();
    expect(receiver.requests).toBe(0);
    await ada.close();
  });
});
