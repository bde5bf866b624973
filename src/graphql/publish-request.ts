import type { PublishAudience, PublishErrorCode, PublishRequest, PublishUserError } from '../actors/publishing.ts';
import type { TraceContext, UserId } from '../event.ts';
import { isTopicName, isUserId } from '../event.ts';
import { parseRfc3339 } from '../rfc3339.ts';
import type { Viewer } from '../viewer.ts';
import type { ReadPublishInput } from './schema/index.ts';

/** From a coerced `PublishNotificationInput` to what the publisher takes. What the caller can mend comes back as user error with its field. */

/** `PublishNotificationInput` as graphql-js coerced it. */
export type RawPublishInput = {
  readonly audience: RawAudience;
  readonly content: Readonly<Record<string, unknown>>;
  readonly idempotencyKey?: string | null;
  readonly expiresAt?: string | null;
};

type RawAudience = {
  readonly userId?: string;
  readonly userIds?: readonly string[];
  readonly topic?: string;
  readonly everyone?: boolean;
};

const maxUserIds = 1_000;
const maxKeyCharacters = 256;

type Refusal = { readonly ok: false; readonly error: PublishUserError };
type Reading<Value> = { readonly ok: true; readonly value: Value } | Refusal;

const refuse = (code: PublishErrorCode, field: readonly string[], message: string): Refusal => ({
  ok: false,
  error: { code, field, message },
});

const notAUserId = 'is not a user id: give 1 to 128 bytes of UTF-8';

const readUserId = (userId: string): Reading<PublishAudience> =>
  isUserId(userId)
    ? { ok: true, value: { kind: 'users', userIds: [userId] } }
    : refuse('INVALID_CONTENT', ['audience', 'userId'], `audience.userId ${notAUserId}`);

const readUserIds = (userIds: readonly string[]): Reading<PublishAudience> => {
  const field = ['audience', 'userIds'];
  if (userIds.length === 0)
    return refuse('INVALID_CONTENT', field, 'audience.userIds is empty: name at least one user');
  const unique = new Set<UserId>();
  for (const [index, userId] of userIds.entries()) {
    if (!isUserId(userId)) {
      return refuse('INVALID_CONTENT', [...field, `${index}`], `audience.userIds.${index} ${notAUserId}`);
    }
    unique.add(userId);
  }
  if (unique.size <= maxUserIds) return { ok: true, value: { kind: 'users', userIds: [...unique] } };
  const message = `audience.userIds names ${unique.size} users: at most ${maxUserIds}, publish in parts or to a topic`;
  return refuse('TOO_MANY_USERS', field, message);
};

const readTopic = (topic: string): Reading<PublishAudience> =>
  isTopicName(topic)
    ? { ok: true, value: { kind: 'topic', topic } }
    : refuse(
        'UNKNOWN_TOPIC',
        ['audience', 'topic'],
        'audience.topic is not a topic name: segments joined by ".", no white space, no "*", at most 256 bytes',
      );

const readAudience = (audience: RawAudience): Reading<PublishAudience> => {
  if (audience.userId !== undefined) return readUserId(audience.userId);
  if (audience.userIds !== undefined) return readUserIds(audience.userIds);
  if (audience.topic !== undefined) return readTopic(audience.topic);
  if (audience.everyone === true) return { ok: true, value: { kind: 'everyone' } };
  const message = 'audience.everyone must be true: leave it out and name another audience instead';
  return refuse('INVALID_CONTENT', ['audience', 'everyone'], message);
};

const readKey = (key: string | null | undefined): Reading<string | null> => {
  if (key === null || key === undefined) return { ok: true, value: null };
  if (key.length >= 1 && key.length <= maxKeyCharacters && key.isWellFormed()) return { ok: true, value: key };
  const message = `idempotencyKey has ${key.length} characters: give 1 to ${maxKeyCharacters}, well-formed`;
  return refuse('INVALID_CONTENT', ['idempotencyKey'], message);
};

/** Who publishes, and under which trace. */
export type PublishCaller = { readonly viewer: Viewer; readonly trace: TraceContext | null };

/** Checks one input; content is judged by the event type's own reader. */
export const readPublishRequest = (
  input: RawPublishInput,
  caller: PublishCaller,
  publishInput: ReadPublishInput,
): Reading<PublishRequest> => {
  const audience = readAudience(input.audience);
  if (!audience.ok) return audience;
  const key = readKey(input.idempotencyKey);
  if (!key.ok) return key;
  const content = publishInput(input.content);
  if (!content.ok) return refuse('INVALID_CONTENT', content.field, content.message);
  return {
    ok: true,
    value: {
      viewer: caller.viewer,
      audience: audience.value,
      type: content.type,
      title: content.display.title,
      value: content.value,
      idempotencyKey: key.value,
      expiresAtMs: typeof input.expiresAt === 'string' ? parseRfc3339(input.expiresAt) : null,
      parent: caller.trace,
    },
  };
};
