import { afterEach, describe, expect, it } from 'vitest';
import { connectRaw } from '../graphql/raw-client.ts';
import { type GatewayProcess, scratchFolder, spawnGateway, startGateway } from '../support/gateway.ts';
import { testToken } from '../support/token.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const started = async (env: Readonly<Record<string, string>>): Promise<GatewayProcess> => {
  const folder = await scratchFolder();
  cleanUp.push(() => folder.remove());
  const gateway = await startGateway({ CARILLON_DATA_DIR: folder.path, ...env });
  cleanUp.push(() => gateway.end());
  return gateway;
};

const asks = async (url: string, token: string): Promise<number> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: '{"query":"{ viewer { userId } }"}' });
  await response.text();
  return response.status;
};

describe('CARILLON_PATH', () => {
  it('is where GraphQL is, with or without slash, for requests and sockets alike (C111)', async () => {
    const gateway = await started({ CARILLON_PATH: '/api/notify' });
    expect(gateway.httpUrl).toMatch(/\/api\/notify$/);
    const token = await testToken('ada');
    for (const path of ['/api/notify', '/api/notify/', '/api/notify?token=abc']) {
      expect(await asks(new URL(path, gateway.httpUrl).href, token)).toBe(200);
      (await connectRaw(new URL(path, gateway.wsUrl).href)).ws.terminate();
    }
    for (const path of ['/graphql', '//api/notify', '/api/notify/x', '/api']) {
      const { port } = new URL(gateway.httpUrl);
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(await answer.text()).toContain('GraphQL is at /api/notify');
      await expect(connectRaw(`ws://127.0.0.1:${port}${path}`)).rejects.toThrow('404');
    }
    expect(gateway.output.join('\n')).not.toContain('token=abc');
  });

  it('is known to the console', async () => {
    const folder = await scratchFolder();
    cleanUp.push(() => folder.remove());
    const env = { CARILLON_PATH: '/notify', CARILLON_LOG: 'embedded', CARILLON_DATA_DIR: folder.path };
    const gateway = await spawnGateway(env, [], { dev: true }).ready;
    cleanUp.push(() => gateway.end());
    const page = await (await fetch(new URL('/', gateway.httpUrl))).text();
    expect(page).toContain('href="/notify"');
    expect((await fetch(gateway.httpUrl, { headers: { accept: 'text/html' } })).status).toBe(200);
  });
});

describe('CARILLON_HOST', () => {
  it.each([{}, { CARILLON_HOST: '::' }])(
    'leaves the gateway reachable on both loopback addresses: %j (C110)',
    async (env) => {
      const gateway = await started(env);
      const { port } = new URL(gateway.httpUrl);
      const token = await testToken('ada');
      for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
        expect(await asks(`http://${host}:${port}/graphql`, token)).toBe(200);
        (await connectRaw(`ws://${host}:${port}/graphql`)).ws.terminate();
      }
      const admin = new URL(gateway.adminUrl).port;
      for (const host of ['127.0.0.1', '[::1]'])
        expect((await fetch(`http://${host}:${admin}/livez`)).status).toBe(200);
    },
  );
});

describe('CARILLON_TRUSTED_PROXIES', () => {
  const connections = (url: string, address: string) =>
    connectRaw(url, ['graphql-transport-ws'], { headers: { 'x-forwarded-for': address } });

  it('makes the limit of opening sockets count who is behind the proxy', async () => {
    const gateway = await started({ CARILLON_LIMIT_OPENING_SOCKETS: '2', CARILLON_TRUSTED_PROXIES: '127.0.0.0/8' });
    const open = await Promise.all(
      ['198.51.100.1', '198.51.100.1', '198.51.100.2'].map((address) => connections(gateway.wsUrl, address)),
    );
    await expect(connections(gateway.wsUrl, '6.6.6.6, 198.51.100.1')).rejects.toThrow('503');
    for (const { ws } of open) ws.terminate();
  });

  it('unset, leaves the header without effect', async () => {
    const gateway = await started({ CARILLON_LIMIT_OPENING_SOCKETS: '2' });
    const open = await Promise.all(
      ['198.51.100.1', '198.51.100.2'].map((address) => connections(gateway.wsUrl, address)),
    );
    await expect(connections(gateway.wsUrl, '198.51.100.3')).rejects.toThrow('503');
    for (const { ws } of open) ws.terminate();
  });
});

describe('limits', () => {
  it('hold as they are set', async () => {
    const gateway = await started({
      CARILLON_LIMIT_INIT_TIME: '200ms',
      CARILLON_LIMIT_FRAME_BYTES: '2KiB',
      CARILLON_LIMIT_SOCKETS_PER_USER: '1',
    });
    expect((await (await connectRaw(gateway.wsUrl)).closed).code).toBe(4408);
    const large = await connectRaw(gateway.wsUrl);
    large.send({ type: 'ping', payload: { padding: 'x'.repeat(2_048) } });
    expect((await large.closed).code).toBe(1009);
    const init = { type: 'connection_init', payload: { authorization: `Bearer ${await testToken('ada')}` } };
    const first = await connectRaw(gateway.wsUrl);
    first.send(init);
    expect(await first.next()).toEqual({ type: 'connection_ack' });
    const second = await connectRaw(gateway.wsUrl);
    second.send(init);
    expect((await second.closed).code).toBe(1013);
    first.ws.terminate();
  });
});
