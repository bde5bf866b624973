import { fileURLToPath } from 'node:url';
import { readSettings } from '../config.ts';
import { type EventSchema, loadEventSchema } from '../graphql/schema/index.ts';
import { type Arguments, ConfigProblems, type Flag, type Terminal, UsageError } from './command.ts';

/** What is to be published, as the flags say; nothing is validated against the schema yet. */
export type EventInput = {
  readonly audience: AudienceInput;
  /** Event type (`com.acme.order.shipped`) or its input key (`orderShipped`). */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly key: string | null;
  readonly expiresAt: string | null;
};

export type AudienceInput =
  | { readonly userIds: readonly string[] }
  | { readonly topic: string }
  | { readonly everyone: true };

/** The flags that say what to publish. */
export const eventFlags: Readonly<Record<string, Flag>> = {
  user: { type: 'string', multiple: true, value: '<id>', help: 'for this user; may be repeated' },
  users: { type: 'string', multiple: true, value: '<id,id>', help: 'for these users, comma-separated' },
  topic: { type: 'string', value: '<topic>', help: 'for whoever follows this topic' },
  everyone: { type: 'boolean', help: 'for every user' },
  type: { type: 'string', value: '<type>', help: 'event type (default message)' },
  data: { type: 'string', value: '<json>', help: 'its fields as JSON; - reads them from stdin' },
  title: { type: 'string', value: '<text>', help: 'shorthand for --data with the fields of message' },
  body: { type: 'string', value: '<text>', help: 'with --title' },
  url: { type: 'string', value: '<url>', help: 'with --title: a path of your site or an https address' },
  key: { type: 'string', value: '<key>', help: 'idempotency key: publishing again under it adds nothing' },
  'expires-at': { type: 'string', value: '<time>', help: 'RFC 3339 time from which it is not delivered' },
};

const readAudience = (given: Arguments): AudienceInput => {
  const listed = given.texts('users').flatMap((list) => list.split(','));
  const userIds = [...given.texts('user'), ...listed.map((id) => id.trim()).filter((id) => id !== '')];
  const topic = given.text('topic');
  const kinds = [userIds.length > 0, topic !== undefined, given.has('everyone')].filter(Boolean);
  if (kinds.length !== 1)
    throw new UsageError(
      'carillon publish needs exactly one audience: --user <id>, --users <id,id>, --topic <topic> or --everyone',
    );
  if (topic !== undefined) return { topic };
  return userIds.length > 0 ? { userIds } : { everyone: true };
};

const parseData = (text: string): Readonly<Record<string, unknown>> => {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`--data is not JSON (${why}): put it in single quotes, as in --data '{"title":"hello"}'`, {
      cause,
    });
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new UsageError(`--data is not a JSON object: give the fields of the event, as in --data '{"title":"hello"}'`);
  return data as Record<string, unknown>;
};

const shorthands = ['title', 'body', 'url'] as const;

const readData = async (given: Arguments, terminal: Terminal): Promise<Readonly<Record<string, unknown>>> => {
  const data = given.text('data');
  const short = shorthands.filter((name) => given.text(name) !== undefined);
  if (data !== undefined && short.length > 0)
    throw new UsageError(`--data and --${short[0]} exclude each other: put every field into --data`);
  if (data !== undefined) return parseData(data === '-' ? await terminal.readStdin() : data);
  if (given.text('title') === undefined)
    throw new UsageError('carillon publish needs --title <text>, or --data <json> with the fields of the event');
  return Object.fromEntries(short.map((name) => [name, given.text(name)]));
};

/** Reads audience, type and fields from the flags. Throws UsageError. */
export const readEventInput = async (given: Arguments, terminal: Terminal): Promise<EventInput> => ({
  audience: readAudience(given),
  type: given.text('type') ?? 'message',
  data: await readData(given, terminal),
  key: given.text('key') ?? null,
  expiresAt: given.text('expires-at') ?? null,
});

const installed = (folder: string): string => fileURLToPath(new URL(`../../${folder}`, import.meta.url));

/** The event types that the environment names: `CARILLON_EVENTS_DIR`, else the installation's. Throws ConfigProblems or CONFIG_INVALID. */
export const localEventSchema = (terminal: Terminal): EventSchema => {
  const { settings, problems } = readSettings(terminal.env, ['CARILLON_EVENTS_DIR']);
  if (problems.length > 0) throw new ConfigProblems(problems);
  return loadEventSchema({
    schemaDir: installed('schema'),
    eventsDir: settings.CARILLON_EVENTS_DIR ?? installed('schema/events'),
  });
};

/** The key of `NotificationContentInput` for an event type. Throws UsageError that lists the types where it is neither. */
export const contentKey = (type: string, schema: EventSchema): string => {
  const event = schema.events.find((each) => each.type === type || each.key === type);
  if (event !== undefined) return event.key;
  const known = schema.events.map((each) => each.type).join(', ');
  throw new UsageError(
    `--type is ${type}, which is not an event type here: set one of ${known}, or CARILLON_EVENTS_DIR`,
  );
};
