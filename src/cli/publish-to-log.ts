import { randomUUID } from 'node:crypto';
import { systemClock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { type Audience, isTopicName, isUserId, type NewRecord, notificationId } from '../event.ts';
import type { EventSchema } from '../graphql/schema/index.ts';
import type { EventLog } from '../log/event-log.ts';
import { createRecordCodec } from '../log/index.ts';
import { parseRfc3339 } from '../rfc3339.ts';
import { exitCodes, type Terminal, UsageError } from './command.ts';
import { type AudienceInput, contentKey, type EventInput } from './event-input.ts';

/** `ce_source` of records that the command line writes. */
const source = '/carillon/cli';
/** A log is waited for without end by a gateway; a person is told. */
const openPatienceMs = 10_000;

const userAudience = (userId: string): Audience => {
  if (!isUserId(userId)) throw new UsageError(`${userId} is not a user id: give 1 to 128 bytes of UTF-8`);
  return { kind: 'user', userId };
};

const audiencesOf = (input: AudienceInput): readonly Audience[] => {
  if ('userIds' in input) return [...new Set(input.userIds)].map(userAudience);
  if ('everyone' in input) return [{ kind: 'everyone' }];
  if (isTopicName(input.topic)) return [{ kind: 'topic', topic: input.topic }];
  throw new UsageError(
    `${input.topic} is not a topic: segments joined by ".", no white space, no "*", at most 256 bytes`,
  );
};

const expiryOf = (text: string | null): number | null => {
  if (text === null) return null;
  const ms = parseRfc3339(text);
  if (ms === null) throw new UsageError(`--expires-at is ${text}: give an RFC 3339 time such as 2030-01-01T12:00:00Z`);
  return ms;
};

const recordsOf = (event: EventInput, ceId: string, schema: EventSchema): readonly NewRecord[] => {
  const content = schema.publishInput({ [contentKey(event.type, schema)]: event.data });
  if (!content.ok) throw new UsageError(`INVALID_CONTENT: ${content.message} (${content.field.join('.')})`);
  const { type, value, display } = content;
  // Reading names events without ce_id by their place; what is written here has one.
  const fingerprintOf = (): string => '0'.repeat(16);
  const codec = createRecordCodec({ content: schema.content, defaultType: type, clock: systemClock, fingerprintOf });
  const common = { source, ceId, type, title: display.title, value, traceparent: null, tracestate: null };
  const times = { createdAtMs: systemClock.now(), expiresAtMs: expiryOf(event.expiresAt) };
  return audiencesOf(event.audience).map((audience) => codec.encode({ ...common, ...times, audience }));
};

const open = async (log: EventLog): Promise<void> => {
  const late = Promise.withResolvers<never>();
  const timer = systemClock.after(openPatienceMs, () => {
    const message = `the log did not answer within ${openPatienceMs / 1_000} s: npx carillon doctor says why`;
    late.reject(new GatewayError('LOG_UNAVAILABLE', message, { outcome: 'not_written' }));
  });
  await Promise.race([log.open(), late.promise]).finally(() => timer.cancel());
};

/**
 * Writes an event into a log as a CloudEvents record, one per recipient under one id, as services do that do not go through the gateway;
 * prints the notification's id. Rejects with UsageError where the event does not fit its type, with
 * LOG_UNAVAILABLE where the log does not answer within 10 s; resolves with 1 where a record was not written.
 */
export const publishToLog = async (
  event: EventInput,
  { schema, log }: { schema: EventSchema; log: EventLog },
  terminal: Terminal,
): Promise<number> => {
  const ceId = event.key ?? randomUUID();
  const records = recordsOf(event, ceId, schema);
  await open(log);
  const failures = (await log.append(records)).filter((result) => !result.ok);
  for (const { error } of failures) terminal.say(`${error.code}: ${error.message}`);
  if (failures.length > 0) return exitCodes.failed;
  terminal.print(notificationId(source, ceId));
  return exitCodes.ok;
};
