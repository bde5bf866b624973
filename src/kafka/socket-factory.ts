import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import type { BrokerAddress } from './broker-address.ts';

const keepAliveMs = 30_000;

/**
 * kafkajs splits a bootstrap address at its first colon, which breaks `[::1]:9092`: such an address travels under a
 * name without colons, and the socket factory turns it back.
 */
export const bootstrapName = ({ host, port }: BrokerAddress): string =>
  host.includes(':') ? `${host.replaceAll(':', '_')}.ipv6:${port}` : `${host}:${port}`;

const realHost = (host: string): string =>
  host.endsWith('.ipv6') ? host.slice(0, -'.ipv6'.length).replaceAll('_', ':') : host;

/** Sockets without Nagle's delay: a fetch request is one small write that must not wait for an acknowledgement. */
export const createSocketFactory = (): ISocketFactory => {
  return ({ host: name, port, ssl, onConnect }) => {
    const host = realHost(name);
    const serverName = isIP(host) === 0 ? { servername: host } : {};
    const socket = ssl
      ? connectTls({ host, port, ...serverName, ...ssl }, onConnect)
      : connect({ host, port, noDelay: true }, onConnect);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    return socket;
  };
};
