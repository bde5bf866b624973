import { GatewayError } from '../errors.ts';

/** Where a broker listens. An IPv6 host has no brackets. */
export type BrokerAddress = { readonly host: string; readonly port: number };

const form = /^(?:\[(?<ipv6>[0-9a-fA-F:.%]+)\]|(?<name>[^:[\]/\s]+)):(?<port>\d{1,5})$/;

/** Reads `host:port` or `[ipv6]:port`. Throws CONFIG_INVALID that quotes what it got. */
export const parseBrokerAddress = (text: string): BrokerAddress => {
  const groups = form.exec(text.trim())?.groups;
  const host = groups?.['ipv6'] ?? groups?.['name'];
  const port = Number(groups?.['port']);
  if (host === undefined || !(port >= 1 && port <= 65_535)) {
    throw new GatewayError('CONFIG_INVALID', `kafka broker "${text}" is no address: write host:port or [ipv6]:port`);
  }
  return { host, port };
};
