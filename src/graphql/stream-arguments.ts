import { GraphQLError } from 'graphql';
import type { StreamFilter } from '../actors/session.ts';
import { GatewayError } from '../errors.ts';
import { isTopicName, type TopicName } from '../event.ts';
import { mayFollow, type Viewer } from '../viewer.ts';

/** Arguments of `notificationReceived`, from coerced values to what the actors take. */

export type StreamArguments = { readonly after: string | null; readonly filter: StreamFilter };

const maxTopics = 100;
const maxTypes = 100;

type RawFilter = {
  readonly viewer?: boolean | null;
  readonly everyone?: boolean | null;
  readonly topics?: readonly string[] | null;
  readonly types?: readonly string[] | null;
};

const refuse = (message: string): GraphQLError => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });

const readTopics = (topics: readonly string[], viewer: Viewer): readonly TopicName[] | GraphQLError | GatewayError => {
  if (topics.length > maxTopics) return refuse(`filter.topics has ${topics.length} topics: at most ${maxTopics}`);
  const names = new Set<TopicName>();
  for (const [index, topic] of topics.entries()) {
    if (!isTopicName(topic)) {
      return refuse(`filter.topics[${index}] is not a topic name: segments joined by ".", no white space, no "*"`);
    }
    if (!mayFollow(viewer, topic)) {
      return new GatewayError(
        'TOPIC_FORBIDDEN',
        `the token does not allow topic "${topic}": ask for it in the topics claim`,
      );
    }
    names.add(topic);
  }
  return [...names];
};

/** Reads coerced arguments; null is the default everywhere. A refusal is returned: TOPIC_FORBIDDEN, or what is wrong with the input. */
export const readStreamArguments = (
  values: Readonly<Record<string, unknown>>,
  viewer: Viewer,
): StreamArguments | GraphQLError | GatewayError => {
  const raw = (values['filter'] ?? {}) as RawFilter;
  const topics = readTopics(raw.topics ?? [], viewer);
  if (topics instanceof Error) return topics;
  const types = raw.types ?? null;
  if (types !== null && types.length > maxTypes)
    return refuse(`filter.types has ${types.length} types: at most ${maxTypes}`);
  const filter = {
    viewer: raw.viewer ?? true,
    everyone: raw.everyone ?? true,
    topics,
    types: types === null ? null : new Set(types),
  };
  return { after: (values['after'] as string | null | undefined) ?? null, filter };
};
