import * as parse from './parse.ts';
import type { Rows } from './settings.ts';

/** Where the process listens, and where it keeps events. */
export const processVariables: Rows<
  | 'CARILLON_PORT'
  | 'CARILLON_HOST'
  | 'CARILLON_PATH'
  | 'CARILLON_TRUSTED_PROXIES'
  | 'CARILLON_ADMIN_PORT'
  | 'CARILLON_ADMIN_HOST'
  | 'CARILLON_LOG'
  | 'CARILLON_DATA_DIR'
  | 'CARILLON_PARTITIONS'
  | 'CARILLON_RETENTION_HOURS'
  | 'CARILLON_RETENTION_BYTES'
> = {
  CARILLON_PORT: {
    group: 'Ports',
    description: 'Port of GraphQL (HTTP, SSE, WebSocket) and, in dev mode, of the console at `/`. 0 takes a free one.',
    default: '4000',
    example: '4000',
    parse: parse.port,
  },
  CARILLON_HOST: {
    group: 'Ports',
    description: 'Address to listen on. Dev mode accepts loopback addresses only.',
    default: null,
    whenUnset: '`127.0.0.1` in dev mode, else `::` (every address)',
    example: '0.0.0.0',
    parse: parse.text,
  },
  CARILLON_PATH: {
    group: 'Ports',
    description: 'Path of GraphQL, as it arrives here: with the prefix that a proxy does not strip.',
    default: '/graphql',
    example: '/api/graphql',
    parse: parse.urlPath,
  },
  CARILLON_TRUSTED_PROXIES: {
    group: 'Ports',
    description:
      'Addresses and networks (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` is believed; comma-separated. Limits per address then count the clients behind them.',
    default: null,
    whenUnset: 'none: the peer of the connection is the client',
    example: '10.0.0.0/8,fd00::/8',
    parse: parse.list(parse.network),
  },
  CARILLON_ADMIN_PORT: {
    group: 'Ports',
    description:
      'Port of `/livez`, `/readyz`, `/metrics` and `/snapshot`; has no authentication, keep it off the public network.',
    default: '4001',
    example: '4001',
    parse: parse.port,
  },
  CARILLON_ADMIN_HOST: {
    group: 'Ports',
    description: 'Address that the admin port listens on.',
    default: null,
    whenUnset: '`127.0.0.1` in dev mode, else `::` (every address)',
    example: '0.0.0.0',
    parse: parse.text,
  },
  CARILLON_LOG: {
    group: 'Log',
    description:
      'Where events are kept: `embedded` (one node, in the data folder) or `kafka`. Required once authentication is configured.',
    default: null,
    whenUnset: '`kafka` if `CARILLON_KAFKA_BROKERS` is set, else `embedded`',
    example: 'kafka',
    parse: parse.oneOf(['embedded', 'kafka']),
  },
  CARILLON_DATA_DIR: {
    group: 'Log',
    description: 'Folder for the embedded log and the dev secret. One gateway per folder.',
    default: 'data',
    example: '/var/lib/carillon',
    parse: parse.text,
  },
  CARILLON_PARTITIONS: {
    group: 'Embedded log',
    description: 'Partitions of the log. A log that has fewer grows, one that has more keeps them.',
    default: '12',
    example: '12',
    parse: parse.whole(1, 256),
  },
  CARILLON_RETENTION_HOURS: {
    group: 'Embedded log',
    description: 'How long events are kept.',
    default: '168',
    example: '72',
    parse: parse.positive,
  },
  CARILLON_RETENTION_BYTES: {
    group: 'Embedded log',
    description: 'How many bytes of events are kept, oldest go first. Bytes, or a number with `KiB`, `MiB` or `GiB`.',
    default: '10GiB',
    example: '50GiB',
    parse: parse.size,
  },
};
