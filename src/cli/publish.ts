import { createKafkaStore } from '../kafka/index.ts';
import { scopes } from '../viewer.ts';
import { type Command, exitCodes, type Terminal, UsageError } from './command.ts';
import { readTarget, signGrant, type Target } from './credentials.ts';
import { contentKey, type EventInput, eventFlags, localEventSchema, readEventInput } from './event-input.ts';
import { kafkaDeps, readKafkaSettings } from './kafka-settings.ts';
import { type GraphqlAnswer, postGraphql, tellErrors } from './post-graphql.ts';
import { publishToLog } from './publish-to-log.ts';

const document = `mutation Publish($input: PublishNotificationInput!) {
  publishNotification(input: $input) { notificationId duplicate failedUserIds userErrors { code field message } }
}`;

type Data = {
  readonly publishNotification: {
    readonly notificationId: string | null;
    readonly duplicate: boolean;
    readonly failedUserIds: readonly string[];
    readonly userErrors: readonly { code: string; field: readonly string[] | null; message: string }[];
  };
};

const inputOf = (event: EventInput, terminal: Terminal): unknown => {
  const { audience } = event;
  const only = 'userIds' in audience && audience.userIds.length === 1 ? audience.userIds[0] : undefined;
  const key = event.type === 'message' ? 'message' : contentKey(event.type, localEventSchema(terminal));
  return {
    audience: only === undefined ? audience : { userId: only },
    content: { [key]: event.data },
    idempotencyKey: event.key,
    expiresAt: event.expiresAt,
  };
};

const tellProblems = (answer: GraphqlAnswer<Data>, terminal: Terminal): void => {
  tellErrors(answer, terminal);
  for (const error of answer.data?.publishNotification.userErrors ?? [])
    terminal.say(`${error.code}: ${error.message}${error.field === null ? '' : ` (${error.field.join('.')})`}`);
};

const tell = (answer: GraphqlAnswer<Data>, terminal: Terminal): number => {
  tellProblems(answer, terminal);
  const result = answer.data?.publishNotification;
  if (!result?.notificationId) return exitCodes.failed;
  terminal.print(result.notificationId);
  if (result.duplicate) terminal.say('it was published before under this key; nothing was added');
  if (result.failedUserIds.length === 0) return exitCodes.ok;
  terminal.say(`not written for ${result.failedUserIds.join(', ')}: publish again with the same --key`);
  return exitCodes.failed;
};

const publishByMutation = async (event: EventInput, target: Target, terminal: Terminal): Promise<number> => {
  const everything = [scopes.publish, scopes.publishEveryone];
  const grant = { user: 'carillon-cli', scopes: everything, topics: [], expiresInSeconds: 300 };
  const token = target.token ?? (await signGrant(grant, terminal));
  const variables = { input: inputOf(event, terminal) };
  return tell(await postGraphql<Data>({ ...target, token }, { query: document, variables }), terminal);
};

/** Straight into the first notification topic, as a service of one's own would. */
const publishToKafka = async (event: EventInput, terminal: Terminal): Promise<number> => {
  const { connection, topics } = readKafkaSettings(terminal);
  const store = createKafkaStore(connection, kafkaDeps(terminal));
  try {
    const log = store.log(topics.slice(0, 1));
    return await publishToLog(event, { schema: localEventSchema(terminal), log }, terminal);
  } finally {
    await store.close();
  }
};

/** `carillon publish`: one event by mutation, or with `--kafka` as a record; prints the notification's id. */
export const publishCommand: Command = {
  name: 'publish',
  summary: 'publish one event by mutation, or straight into Kafka; prints its id',
  usage: '<audience> <content>',
  positionals: { min: 0, max: 0 },
  flags: {
    ...eventFlags,
    gateway: {
      type: 'string',
      value: '<url>',
      help: 'gateway (default CARILLON_URL, else http://localhost:4000/graphql)',
    },
    kafka: { type: 'boolean', help: 'write a CloudEvents record to Kafka (CARILLON_KAFKA_*), past the gateway' },
    token: { type: 'string', value: '<token>', help: 'token to send (default CARILLON_TOKEN, else one is signed)' },
  },
  examples: [
    ['npx carillon publish --user ada --title "Hello"', 'one user'],
    ['npx carillon publish --users ada,bob --title "Stand-up" --url /rooms/1', 'several users, with a link'],
    [
      `npx carillon publish --topic orders.eu --type com.acme.order.shipped --data '{"orderNumber":"42","itemCount":1,"parcels":[]}'`,
      'a typed event to a topic',
    ],
    ['CARILLON_KAFKA_BROKERS=localhost:9092 npx carillon publish --kafka --user ada --title "Hello"', 'as a record'],
  ],
  async run(given, terminal) {
    const event = await readEventInput(given, terminal);
    if (given.has('kafka')) {
      if (given.has('gateway') || given.has('token'))
        throw new UsageError('--kafka goes past the gateway: leave out --gateway and --token');
      return publishToKafka(event, terminal);
    }
    const target = readTarget({ gateway: given.text('gateway'), token: given.text('token') }, terminal);
    return publishByMutation(event, target, terminal);
  },
};
