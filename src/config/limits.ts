/**
 * Every limit that a deployer may move, with what a client sees beyond it. From here come the variables `CARILLON_LIMIT_*`, the table of
 * docs/limits.md and the numbers that the rooms are given.
 */

/** One limit. Sizes in bytes, durations in milliseconds, the rest counts. */
export type Limit = {
  readonly unit: 'bytes' | 'ms' | 'count';
  readonly default: number;
  /** Both included. */
  readonly min: number;
  readonly max: number;
  /** What is limited, as a noun phrase in Markdown. */
  readonly what: string;
  /** What the client sees of it, in Markdown. */
  readonly seen: string;
};

const KiB = 1_024;
const MiB = 1_048_576;
const second = 1_000;
const minute = 60_000;

const forOperation = 'an error `BAD_USER_INPUT` for the operation';

const count = (limit: Omit<Limit, 'unit'>): Limit => ({ unit: 'count', ...limit });
const bytes = (limit: Omit<Limit, 'unit'>): Limit => ({ unit: 'bytes', ...limit });
const ms = (limit: Omit<Limit, 'unit'>): Limit => ({ unit: 'ms', ...limit });

/** The rest of a limit's variable, behind `CARILLON_LIMIT_`. */
export type LimitName =
  | 'HEADER_BYTES'
  | 'BODY_BYTES'
  | 'PUBLISH_BODY_BYTES'
  | 'REQUEST_TIME'
  | 'FRAME_BYTES'
  | 'MESSAGES_PER_SECOND'
  | 'MESSAGE_BURST'
  | 'OPENING_SOCKETS'
  | 'UPGRADES_PER_SECOND'
  | 'INIT_TIME'
  | 'ACK_TIME'
  | 'ACKS_PER_SECOND'
  | 'WAITING_ACKS'
  | 'SOCKETS_PER_USER'
  | 'OPERATIONS'
  | 'DOCUMENT_TOKENS'
  | 'DOCUMENT_DEPTH'
  | 'DOCUMENT_FIELDS'
  | 'DOCUMENT_ROOT_FIELDS'
  | 'DOCUMENT_ALIASES'
  | 'DOCUMENT_DIRECTIVES'
  | 'EVENT_BYTES'
  | 'PUBLISHES_PER_SECOND'
  | 'PUBLISH_BURST'
  | 'OUTBOX_BYTES'
  | 'LAGGING_TIME'
  | 'STALLED_TIME'
  | 'HEARTBEAT_TIME'
  | 'AWAY_TIME';

/** The limits, in the order of the documentation. */
export const limits: Readonly<Record<LimitName, Limit>> = {
  HEADER_BYTES: bytes({
    default: 16 * KiB,
    min: 4 * KiB,
    max: MiB,
    what: 'head of a request or upgrade',
    seen: 'HTTP 431',
  }),
  BODY_BYTES: bytes({
    default: 100 * KiB,
    min: KiB,
    max: 16 * MiB,
    what: 'body of a request',
    seen: 'HTTP 413, `TOO_LARGE`',
  }),
  PUBLISH_BODY_BYTES: bytes({
    default: MiB,
    min: KiB,
    max: 64 * MiB,
    what: 'the same with a publish scope',
    seen: 'HTTP 413, `TOO_LARGE`',
  }),
  REQUEST_TIME: ms({
    default: 10 * second,
    min: second,
    max: 5 * minute,
    what: 'time of a request until its body is here and its token is verified',
    seen: 'HTTP 408',
  }),
  FRAME_BYTES: bytes({
    default: 64 * KiB,
    min: KiB,
    max: 16 * MiB,
    what: 'message from a WebSocket client, in one frame or in many',
    seen: 'close 1009',
  }),
  MESSAGES_PER_SECOND: count({
    default: 20,
    min: 1,
    max: 100_000,
    what: 'messages of one socket in a second, answers to our pings not counted',
    seen: 'close 1013',
  }),
  MESSAGE_BURST: count({
    default: 60,
    min: 1,
    max: 1_000_000,
    what: 'messages of one socket at once',
    seen: 'close 1013',
  }),
  OPENING_SOCKETS: count({
    default: 200,
    min: 1,
    max: 1_000_000,
    what: 'sockets of one address that have no `connection_ack` yet; after that an address may have any number',
    seen: 'HTTP 503 at the upgrade',
  }),
  UPGRADES_PER_SECOND: count({
    default: 200,
    min: 1,
    max: 100_000,
    what: 'sockets that are taken in a second; where all come back at once, more wait, so that those who are here notice little',
    seen: 'the handshake takes longer',
  }),
  INIT_TIME: ms({
    default: 3 * second,
    min: 100,
    max: minute,
    what: 'time until `connection_init`',
    seen: 'close 4408',
  }),
  ACK_TIME: ms({
    default: 10 * second,
    min: 200,
    max: 10 * minute,
    what: 'time until `connection_ack`, in all',
    seen: 'close 1013',
  }),
  ACKS_PER_SECOND: count({
    default: 2_000,
    min: 1,
    max: 100_000,
    what: '`connection_ack`s of this node in a second, so that a storm of reconnects leaves room for those who are here',
    seen: 'the `connection_ack` comes later',
  }),
  WAITING_ACKS: count({
    default: 20_000,
    min: 1,
    max: 1_000_000,
    what: 'sockets that wait to be taken, and as many that wait for their `connection_ack`',
    seen: 'HTTP 503 at the upgrade; close 1013',
  }),
  SOCKETS_PER_USER: count({
    default: 10,
    min: 1,
    max: 100_000,
    what: 'sockets and event streams of one user on one node',
    seen: 'close 1013; HTTP 503 for a stream',
  }),
  OPERATIONS: count({
    default: 32,
    min: 1,
    max: 10_000,
    what: 'operations at once on one socket',
    seen: 'an error `OVERLOADED` for the operation',
  }),
  DOCUMENT_TOKENS: count({ default: 2_000, min: 100, max: 100_000, what: 'tokens of a document', seen: forOperation }),
  DOCUMENT_DEPTH: count({ default: 16, min: 4, max: 100, what: 'levels of an operation', seen: forOperation }),
  DOCUMENT_FIELDS: count({ default: 1_000, min: 10, max: 100_000, what: 'fields of an operation', seen: forOperation }),
  DOCUMENT_ROOT_FIELDS: count({
    default: 20,
    min: 1,
    max: 1_000,
    what: 'root fields of an operation',
    seen: forOperation,
  }),
  DOCUMENT_ALIASES: count({ default: 30, min: 0, max: 10_000, what: 'aliases of an operation', seen: forOperation }),
  DOCUMENT_DIRECTIVES: count({
    default: 50,
    min: 0,
    max: 10_000,
    what: 'directives of an operation',
    seen: forOperation,
  }),
  EVENT_BYTES: bytes({
    default: 256 * KiB,
    min: KiB,
    max: 8 * MiB,
    what: 'event, with key and headers; the brokers have to take it too (`max.message.bytes`)',
    seen: 'a user error `TOO_LARGE`; written to Kafka by others, a gap `UNREADABLE`',
  }),
  PUBLISHES_PER_SECOND: count({
    default: 200,
    min: 1,
    max: 100_000,
    what: 'publishes of one caller in a second',
    seen: 'a user error `RATE_LIMITED`',
  }),
  PUBLISH_BURST: count({
    default: 1_000,
    min: 1,
    max: 1_000_000,
    what: 'publishes of one caller at once',
    seen: 'a user error `RATE_LIMITED`',
  }),
  OUTBOX_BYTES: bytes({
    default: 256 * KiB,
    min: 16 * KiB,
    max: 64 * MiB,
    what: 'what waits in memory for one client that reads slowly',
    seen: 'nothing is lost: it goes on from the log, `isLive` is false meanwhile',
  }),
  LAGGING_TIME: ms({
    default: 5 * second,
    min: 100,
    max: 10 * minute,
    what: 'time in which a client that lags must take something',
    seen: 'from then on it counts as stalled',
  }),
  STALLED_TIME: ms({
    default: 30 * second,
    min: 100,
    max: 60 * minute,
    what: 'time that a stalled client has',
    seen: 'close 1013; it resumes with its cursor',
  }),
  HEARTBEAT_TIME: ms({
    default: 25 * second,
    min: 200,
    max: 10 * minute,
    what: 'rest after which a ping is sent, 20 % more or less; as long again until something must come back',
    seen: 'the connection is cut',
  }),
  AWAY_TIME: ms({
    default: 2 * minute,
    min: second,
    max: 60 * minute,
    what: 'time for which a user without a connection is remembered, and where each operation stood',
    seen: 'a client that reconnects by itself begins with its variables; with a cursor it resumes all the same',
  }),
};

/** The variable of a limit. */
export type LimitVariable = `CARILLON_LIMIT_${LimitName}`;

/** Every name, in the order of the documentation. */
export const limitNames: readonly LimitName[] = Object.keys(limits) as LimitName[];

/** The value of a limit as a person writes it: `64KiB`, `3s`, `20`. */
export const limitText = ({ unit }: Pick<Limit, 'unit'>, value: number): string => {
  if (unit === 'ms') return value % second === 0 ? `${value / second}s` : `${value}ms`;
  if (unit === 'count') return `${value}`;
  if (value % MiB === 0) return `${value / MiB}MiB`;
  return value % KiB === 0 ? `${value / KiB}KiB` : `${value}`;
};
