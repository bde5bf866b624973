import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEndpoint, type TestEndpoint } from './endpoint.ts';
import { connectAs, connectRaw, until } from './raw-client.ts';

let endpoint: TestEndpoint;
beforeAll(async () => {
  endpoint = await openEndpoint();
});
afterAll(() => endpoint.close());

const answerTo = (port: number, lines: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => {
      text += data;
      if (text.startsWith('HTTP/1.1 101')) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  });

const upgrade = (path: string, headers: readonly string[] = []): readonly string[] => [
  `GET ${path} HTTP/1.1`,
  'Host: gateway.example',
  ...headers,
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws',
];

describe('an upgrade', () => {
  it.each([
    ['/graphql', '101'],
    ['/graphql/', '101'],
    ['/graphql?token=secret', '101'],
    ['//graphql', '404'],
    ['/api/graphql', '404'],
    ['/', '404'],
  ])('is judged by the same path rule as requests: %s', async (path, status) => {
    const answer = await answerTo(endpoint.port, upgrade(path));
    expect(answer).toContain(`HTTP/1.1 ${status}`);
    if (status === '404') expect(answer).toContain('GraphQL is at /graphql');
  });

  it.each([
    [['Origin: https://app.example'], '101'],
    [[], '101'],
    [['Origin: https://evil.example'], '403'],
    [['Origin: null'], '403'],
    [['Origin: https://app.example.evil.com'], '403'],
    [['Origin: https://app.example:444'], '403'],
    [['Origin: HTTPS://APP.EXAMPLE'], '403'],
    [['Origin: https://app.example', 'Origin: https://evil.example'], '403'],
    [['Origin: https://evil.example', 'Origin: https://app.example'], '403'],
  ])('from a browser needs a listed origin: %j (C39)', async (headers, status) => {
    expect(await answerTo(endpoint.port, upgrade('/graphql', headers))).toContain(`HTTP/1.1 ${status}`);
  });

  it('is refused in dev mode where it was forwarded or is for another host', async () => {
    const dev = await openEndpoint({ isDevMode: true });
    expect(await answerTo(dev.port, upgrade('/graphql'))).toContain('403');
    const forwarded = upgrade('/graphql', ['X-Forwarded-For: 1.2.3.4']).with(1, 'Host: localhost');
    expect(await answerTo(dev.port, forwarded)).toContain('403');
    expect(await answerTo(dev.port, upgrade('/graphql').with(1, 'Host: localhost'))).toContain('101');
    await dev.close();
  });

  it.each([
    ['2,000 headers', Array.from({ length: 2_000 }, (_, n) => `${String.fromCharCode(97 + (n % 26))}${n}: x`)],
    ['a cookie of 1 MB', [`Cookie: ${'x'.repeat(1_000_000)}`]],
  ])('with too much in its head is refused, and others are served: %s (C105)', async (_, headers) => {
    expect(await answerTo(endpoint.port, upgrade('/graphql', headers))).not.toContain('101');
    (await connectAs(endpoint.wsUrl, 'user:ada')).ws.terminate();
  });

  it('agrees on no compression, though it is offered (C107)', async () => {
    const answer = await answerTo(
      endpoint.port,
      upgrade('/graphql', ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits']),
    );
    expect(answer).toContain('HTTP/1.1 101');
    expect(answer.toLowerCase()).not.toContain('sec-websocket-extensions');
  });

  it('waits its turn where many come at once, and is not lost', async () => {
    const paced = await openEndpoint({ limits: { upgradesPerSecond: 50 } });
    const clients = await Promise.all(Array.from({ length: 40 }, (_, n) => connectAs(paced.wsUrl, `user:u${n}`)));
    expect(clients.every(({ ws }) => ws.readyState === ws.OPEN)).toBe(true);
    await paced.close();
  });

  it('is refused with 503 where too many wait, and the others come in', async () => {
    const paced = await openEndpoint({ limits: { upgradesPerSecond: 10, maxWaitingUpgrades: 3 } });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () =>
        connectRaw(paced.wsUrl).then(
          () => 'in',
          (error: Error) => error.message,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'in').length).toBeGreaterThanOrEqual(4);
    expect(outcomes.filter((outcome) => outcome.includes('503')).length).toBeGreaterThanOrEqual(10);
    await paced.close();
  });

  it('is refused with 503 in drain', async () => {
    endpoint.core.isDraining = true;
    const answer = await answerTo(endpoint.port, upgrade('/graphql'));
    endpoint.core.isDraining = false;
    expect(answer).toContain('HTTP/1.1 503');
    expect(answer).toContain('Retry-After: 1');
  });

  it('finds room while few of its address wait for connection_ack, however many have it', async () => {
    const tight = await openEndpoint({ limits: { maxOpeningPerAddress: 2 } });
    const ready = await Promise.all(['a', 'b'].map((name) => connectAs(tight.wsUrl, `user:${name}`)));
    ready.push(await connectAs(tight.wsUrl, 'user:c'));
    const opening = [await connectRaw(tight.wsUrl), await connectRaw(tight.wsUrl)];
    await expect(connectRaw(tight.wsUrl)).rejects.toThrow('503');
    opening[0]?.ws.terminate();
    await until(() => tight.core.opened.filter((session) => session.ended !== null).length === 1);
    (await connectAs(tight.wsUrl, 'user:d')).ws.terminate();
    await tight.close();
  });
});
