import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * Who a request is from: the peer of the connection, or, where that is a trusted proxy, who the proxy says it is. `X-Forwarded-For` grows at its
 * end, so it is read from there, and only as long as each who wrote is trusted: what stands before may be anybody's invention.
 */
export type ClientAddress = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => string;

/** `::ffff:10.0.0.1` is how a dual-stack socket shows an IPv4 peer. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** Some proxies write `1.2.3.4:567` and `[::1]:567`. Null for what is no address. */
const readAddress = (text: string): string | null => {
  const trimmed = text.trim();
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(trimmed)?.[1] ?? /^(\d+(?:\.\d+){3})(?::\d+)?$/.exec(trimmed)?.[1];
  const address = plain(bare ?? trimmed);
  return isIP(address) === 0 ? null : address;
};

/** What one client can have any number of addresses in: an IPv6 address stands for its /64, any other for itself. */
export const networkOf = (address: string): string => {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groupsOf = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
};

const listOf = (networks: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
};

/** Creates it; `trustedProxies` are addresses and networks (`10.0.0.0/8`) that parse. */
export const createClientAddress = (trustedProxies: readonly string[]): ClientAddress => {
  const trusted = listOf(trustedProxies);
  const isTrusted = (address: string): boolean => trusted.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  /** The first from the end that is not trusted; where all are, or one is no address, the last that was looked at. */
  const firstStranger = (peer: string, forwarded: readonly string[]): string => {
    let client = peer;
    for (const text of forwarded.toReversed()) {
      const address = isTrusted(client) ? readAddress(text) : null;
      if (address === null) return client;
      client = address;
    }
    return client;
  };
  return ({ headers, socket }) => {
    const peer = plain(socket.remoteAddress ?? '');
    if (trustedProxies.length === 0 || peer === '') return peer;
    return firstStranger(peer, String(headers['x-forwarded-for'] ?? '').split(','));
  };
};
