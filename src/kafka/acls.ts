import { controlTopic, deadLetterTopicOf } from '../log/index.ts';
import type { ClientSettings } from './client.ts';

type Operation = 'Read' | 'Write' | 'Describe' | 'DescribeConfigs';

/** What a gateway must be allowed: no group, since it reads without one, and no more than WRITE to write idempotently (KIP-679, Kafka 3.0). */
export const neededRights = (topics: readonly string[]): ReadonlyMap<string, readonly Operation[]> => {
  const [first = ''] = topics;
  const reading = topics.slice(1).map((topic): [string, Operation[]] => [topic, ['Read', 'Describe']]);
  const writing: Operation[] = ['Read', 'Write', 'Describe'];
  return new Map([
    ...reading,
    [first, [...writing, 'DescribeConfigs']],
    [deadLetterTopicOf(first), writing],
    [controlTopic, writing],
  ]);
};

/** Who we are to the broker, as far as the settings tell; a client certificate's name is for the broker to say. */
const principalOf = ({ sasl }: ClientSettings): string =>
  sasl !== undefined && 'username' in sasl ? `User:${sasl.username}` : 'User:carillon';

/** One word for a POSIX shell. */
const quoted = (text: string): string => (/^[\w.:,@/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Lines for Kafka's own tool that give `principal` the least rights. */
export const topicAcls = (
  settings: ClientSettings,
  topics: readonly string[],
  principal: string = principalOf(settings),
): readonly string[] => {
  const start = `kafka-acls.sh --bootstrap-server ${quoted(settings.brokers.join(','))} --add --allow-principal ${quoted(principal)}`;
  return [...neededRights(topics)].map(([topic, operations]) => {
    const allowed = operations.map((operation) => `--operation ${operation}`).join(' ');
    return `${start} ${allowed} --topic ${quoted(topic)}`;
  });
};
