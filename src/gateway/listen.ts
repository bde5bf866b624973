import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { GatewayError } from '../errors.ts';

/** Where a server listens, and how a person reaches it. */

/** `variable` names the port's setting, for messages. `::` is every address, of both families. */
export type ListenAt = {
  readonly host: string;
  readonly port: number;
  readonly variable: string;
  /** Whether other processes listen there too, and the kernel gives each its part of the connections. @default false */
  readonly isShared?: boolean;
};

/** A server that listens. */
export type Listening = {
  /** The address a person can open: wildcard hosts become `localhost`, IPv6 is bracketed. */
  readonly url: string;
  /** Takes no more connections; those there are go on. */
  stop(): void;
};

/** Connections that the kernel keeps until they are taken, as far as it lets us: beyond it clients wait a second to try again. */
const backlog = 4_096;

const tryListen = (server: TcpServer, { host, port, isShared = false }: Omit<ListenAt, 'variable'>): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog, reusePort: isShared }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });

const hasNoIpv6 = (cause: NodeJS.ErrnoException): boolean =>
  cause.code === 'EAFNOSUPPORT' || cause.code === 'EADDRNOTAVAIL';

const urlOf = ({ address, port }: AddressInfo): string => {
  const host = address === '::' || address === '0.0.0.0' ? 'localhost' : address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
};

/**
 * `localhost` is `::1` first for some clients and `127.0.0.1` first for others: who listens on the one is found on the other too, where it is to be
 * had. Connections go to the same server.
 */
const alsoOnLoopback6 = async (server: Server, at: Omit<ListenAt, 'variable'>): Promise<TcpServer | null> => {
  const second = createTcpServer((socket) => void server.emit('connection', socket));
  try {
    await tryListen(second, { ...at, host: '::1' });
    return second;
  } catch {
    return null;
  }
};

/** Listens; resolves with where. Rejects as `listen` does. */
export const listenAddress = async (server: TcpServer, at: ListenAt): Promise<AddressInfo> => {
  try {
    await tryListen(server, at);
    return server.address() as AddressInfo;
  } catch (thrown) {
    const cause = thrown as NodeJS.ErrnoException;
    if (at.host === '::' && hasNoIpv6(cause)) return listenAddress(server, { ...at, host: '0.0.0.0' });
    const message = `${at.variable} ${at.host}:${at.port} cannot be listened on (${cause.message}): free it or set another`;
    throw new GatewayError('CONFIG_INVALID', message, { cause });
  }
};

/**
 * Starts listening. Where IPv6 is switched off, every address (`::`) becomes every IPv4 address; `127.0.0.1` is `::1` too. Rejects with CONFIG_INVALID
 * naming the variable when the address cannot be had.
 */
export const listen = async (server: Server, at: ListenAt): Promise<Listening> => {
  const address = await listenAddress(server, at);
  const { port } = address;
  const second = at.host === '127.0.0.1' ? await alsoOnLoopback6(server, { ...at, port }) : null;
  return {
    url: urlOf(address),
    stop() {
      second?.close();
      server.close();
    },
  };
};
