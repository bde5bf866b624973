import { createServer, type Server } from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type HeldPort, holdPort } from '../../src/gateway/held-port.ts';
import { listen } from '../../src/gateway/listen.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const task of cleanUp.splice(0)) task();
});

const hold = async (port = 0, host = '127.0.0.1'): Promise<HeldPort> => {
  const held = await holdPort({ host, port, variable: 'CARILLON_PORT' });
  cleanUp.push(() => held.release());
  return held;
};

const serve = async (at: { host: string; port: number; isShared?: boolean }, name: string): Promise<Server> => {
  const server = createServer((_, response) => response.writeHead(200, { connection: 'close' }).end(name));
  const { stop } = await listen(server, { ...at, variable: 'CARILLON_PORT' });
  cleanUp.push(() => {
    stop();
    server.closeAllConnections();
  });
  return server;
};

const ask = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();

describe.skipIf(process.platform !== 'linux')('a held port', () => {
  it('is one that is free, and refuses connections while nobody listens', async () => {
    const held = await hold();
    expect(held.port).toBeGreaterThan(0);
    await expect(ask(held.port)).rejects.toThrow();
  });

  it('is refused where somebody listens, with the variable', async () => {
    const { port } = (await serve({ host: '127.0.0.1', port: 0 }, 'other')).address() as net.AddressInfo;
    await expect(hold(port)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`CARILLON_PORT 127.0.0.1:${port} cannot be listened on`),
    });
  });

  it('is shared by those who listen together, each of whom gets connections, and none is lost', async () => {
    const held = await hold();
    await serve({ ...held, isShared: true }, 'one');
    await serve({ ...held, isShared: true }, 'two');
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask(held.port)));
    // The kernel spreads by a hash of the addresses: all on one side has odds of 1 in 2^59.
    expect(new Set(answers)).toEqual(new Set(['one', 'two']));
  });

  it('is not given to a second holder even where all who listen would share it', async () => {
    const held = await hold();
    await serve({ ...held, isShared: true }, 'one');
    await expect(hold(held.port)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(serve(held, 'alone')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('of every address is one of IPv6 and IPv4', async () => {
    const held = await hold(0, '::');
    await serve({ ...held, isShared: true }, 'one');
    expect(await ask(held.port)).toBe('one');
  });

  it('takes a name for a host', async () => {
    const held = await hold(0, 'localhost');
    expect(net.isIP(held.host)).toBeGreaterThan(0);
  });

  it.each([
    [
      'the system cannot share ports',
      class {
        constructor() {
          throw new Error('bind ENOTSUP');
        }
      },
      'bind ENOTSUP',
    ],
    ['Node is too old for it', undefined, '24.19'],
  ])('is refused with the reason where %s', async (_, stand, reason) => {
    const real = net.BoundSocket;
    cleanUp.push(() => {
      net.BoundSocket = real;
    });
    net.BoundSocket = stand as unknown as typeof real;
    const refused = hold();
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(refused).rejects.toThrow(/^CARILLON_WORKERS is above 1/);
    await expect(refused).rejects.toThrow(reason);
  });
});
