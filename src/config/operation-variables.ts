import * as parse from './parse.ts';
import type { Rows } from './settings.ts';

/** Browsers, delivery, operation, command line. */
export const operationVariables: Rows<
  | 'CARILLON_ALLOWED_ORIGINS'
  | 'CARILLON_COMPRESSION'
  | 'CARILLON_GRAPHIQL'
  | 'CARILLON_INTROSPECTION'
  | 'CARILLON_PERSISTED_DOCUMENTS'
  | 'CARILLON_ALLOW_LIST'
  | 'CARILLON_EVENTS_DIR'
  | 'CARILLON_REPLAY_MAX_AGE'
  | 'CARILLON_CURSOR_KEYS'
  | 'CARILLON_READY_REQUIRES_LOG'
  | 'CARILLON_DRAIN_SECONDS'
  | 'CARILLON_WORKERS'
  | 'CARILLON_LOG_LEVEL'
  | 'CARILLON_LOG_FORMAT'
  | 'CARILLON_URL'
  | 'CARILLON_TOKEN'
> = {
  CARILLON_ALLOWED_ORIGINS: {
    group: 'Browsers',
    description:
      'Origins whose pages may connect, comma-separated and exact. Clients that send no `Origin` are not asked.',
    default: null,
    whenUnset: 'none; in dev mode, any loopback origin',
    example: 'https://app.example.com',
    parse: parse.list(parse.origin),
  },
  CARILLON_COMPRESSION: {
    group: 'Browsers',
    description:
      'Whether WebSocket clients that offer permessage-deflate get events of half a kibibyte and more compressed: fewer bytes for more of the processor.',
    default: 'false',
    example: 'true',
    parse: parse.flag,
  },
  CARILLON_GRAPHIQL: {
    group: 'Browsers',
    description: 'Whether a browser that opens `/graphql` gets GraphiQL.',
    default: null,
    whenUnset: '`true` in dev mode, else `false`',
    example: 'false',
    parse: parse.flag,
  },
  CARILLON_INTROSPECTION: {
    group: 'Browsers',
    description: 'Whether the schema can be asked for.',
    default: null,
    whenUnset: '`true` in dev mode, else `false`',
    example: 'false',
    parse: parse.flag,
  },
  CARILLON_PERSISTED_DOCUMENTS: {
    group: 'Documents',
    description:
      'File of documents that clients name by SHA-256: JSON `{ "<hash>": "<document>" }`, as codegen writes `persisted-documents.json`.',
    default: null,
    whenUnset: 'clients send the text',
    example: '/etc/carillon/persisted-documents.json',
    parse: parse.text,
  },
  CARILLON_ALLOW_LIST: {
    group: 'Documents',
    description:
      'Whether those documents are the only ones that run, on every transport; others fail with `DOCUMENT_NOT_ALLOWED`.',
    default: 'false',
    example: 'true',
    parse: parse.flag,
  },
  CARILLON_EVENTS_DIR: {
    group: 'Events and delivery',
    description: 'Folder of the event types: `.graphql` files with `type … @event(…)`.',
    default: null,
    whenUnset: "`schema/events` of the installation, this project's examples",
    example: '/etc/carillon/events',
    parse: parse.text,
  },
  CARILLON_REPLAY_MAX_AGE: {
    group: 'Events and delivery',
    description: 'How far back a client may resume (`30s`, `15m`, `24h`, `7d`); older is a gap with reason `LIMIT`.',
    default: '24h',
    example: '24h',
    parse: parse.duration,
  },
  CARILLON_CURSOR_KEYS: {
    group: 'Events and delivery',
    description:
      'Keys that seal cursors, base64 of 32 bytes each, comma-separated: the first seals, all open. Hides volumes from clients.',
    default: null,
    whenUnset: 'cursors are checksummed, not sealed',
    example: '3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    isSecret: true,
    parse: parse.list(parse.key32),
  },
  CARILLON_READY_REQUIRES_LOG: {
    group: 'Operation',
    description:
      'Whether losing the log after the start makes `/readyz` fail. `false` reports `degraded` and keeps sockets.',
    default: 'false',
    example: 'false',
    parse: parse.flag,
  },
  CARILLON_DRAIN_SECONDS: {
    group: 'Operation',
    description: 'Deadline of a drain after SIGTERM. Keep it below what your orchestrator waits before SIGKILL.',
    default: '25',
    example: '25',
    parse: parse.whole(1, 3_600),
  },
  CARILLON_WORKERS: {
    group: 'Operation',
    description:
      'Processes that share the port, each a whole node that reads all of the log; more than 1 needs Kafka (`docs/workers.md`).',
    default: '1',
    example: '4',
    parse: parse.whole(1, 128),
  },
  CARILLON_LOG_LEVEL: {
    group: 'Operation',
    description: '`info`, `warn`, `error` or `silent`.',
    default: 'info',
    example: 'info',
    parse: parse.oneOf(['info', 'warn', 'error', 'silent']),
  },
  CARILLON_LOG_FORMAT: {
    group: 'Operation',
    description: '`json` for collectors, `text` for people.',
    default: null,
    whenUnset: '`text` in dev mode, else `json`',
    example: 'json',
    parse: parse.oneOf(['json', 'text']),
  },
  CARILLON_URL: {
    group: 'Command line',
    description: 'Gateway that `carillon publish` and `carillon tail` talk to. The gateway itself does not use it.',
    default: 'http://localhost:4000/graphql',
    example: 'https://notifications.example.com/graphql',
    parse: parse.webUrl,
  },
  CARILLON_TOKEN: {
    group: 'Command line',
    description: 'Token that they send, where `--token` is not given. The gateway itself does not use it.',
    default: null,
    whenUnset: 'a token is signed with `CARILLON_JWT_SECRET` or the dev secret',
    example: 'eyJhbGciOiJIUzI1NiJ9…',
    isSecret: true,
    parse: parse.secret,
  },
};
