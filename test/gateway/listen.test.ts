import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Listening, listen } from '../../src/gateway/listen.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const task of cleanUp.splice(0)) task();
});

const newServer = (): Server => createServer((request, response) => response.end(request.headers.host));

const listening = async (server: Server, host: string): Promise<Listening> => {
  const result = await listen(server, { host, port: 0, variable: 'CARILLON_PORT' });
  cleanUp.push(() => {
    result.stop();
    server.closeAllConnections();
  });
  return result;
};

const hasIpv6 = await new Promise<boolean>((resolve) => {
  const probe = createTcpServer();
  probe.once('error', () => resolve(false));
  probe.listen(0, '::1', () => probe.close(() => resolve(true)));
});

describe('listening', () => {
  /** A server on a machine without IPv6: the first attempt fails as the kernel would have it. */
  const withoutIpv6 = (): Server => {
    const server = newServer();
    const real = server.listen.bind(server) as (at: { host: string }, done: () => void) => Server;
    server.listen = ((at: { host: string }, done: () => void) => {
      if (at.host !== '::') return real(at, done);
      process.nextTick(() => server.emit('error', Object.assign(new Error('no IPv6'), { code: 'EAFNOSUPPORT' })));
      return server;
    }) as typeof server.listen;
    return server;
  };

  it('on every address takes IPv4 alone where IPv6 is switched off', async () => {
    const server = withoutIpv6();
    const { url } = await listening(server, '::');
    expect((server.address() as AddressInfo).address).toBe('0.0.0.0');
    expect(url).toMatch(/^http:\/\/localhost:\d+$/);
  });

  it.skipIf(!hasIpv6).each(['::', '127.0.0.1'])(
    'on %s is found on both loopback addresses and by name (C110)',
    async (host) => {
      const { port } = new URL((await listening(newServer(), host)).url);
      for (const name of ['127.0.0.1', '[::1]', 'localhost']) {
        expect(await (await fetch(`http://${name}:${port}/`)).text()).toBe(`${name}:${port}`);
      }
    },
  );

  it('stops on both at once', async () => {
    const server = newServer();
    const { url, stop } = await listening(server, '127.0.0.1');
    const { port } = new URL(url);
    stop();
    for (const name of ['127.0.0.1', '[::1]']) await expect(fetch(`http://${name}:${port}/`)).rejects.toThrow();
  });
});
