import { applyTopics, planTopics, type TopicSpec, type TopicsPlan } from '../kafka/index.ts';
import { type Arguments, type Command, exitCodes, type Terminal, UsageError } from './command.ts';
import { secondsOf } from './credentials.ts';
import { kafkaDeps, readKafkaSettings } from './kafka-settings.ts';

const actions = { plan: planTopics, apply: applyTopics };
type Action = keyof typeof actions;

const actionOf = (given: Arguments): Action => {
  const [name] = given.positionals;
  if (name === 'plan' || name === 'apply') return name;
  throw new UsageError(`topics cannot ${name}: say plan or apply`);
};

const wholeNumber = (given: Arguments, flag: string): number | undefined => {
  const text = given.text(flag);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`--${flag} is ${text}: give a whole number from 1`);
  return Number(text);
};

const wishesOf = (given: Arguments, topics: readonly string[]): Parameters<typeof planTopics>[1] => {
  const partitionCount = wholeNumber(given, 'partitions');
  const replicationFactor = wholeNumber(given, 'replication-factor');
  const retention = given.text('retention');
  const principal = given.text('principal');
  return {
    topics,
    ...(partitionCount === undefined ? {} : { partitionCount }),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    ...(retention === undefined ? {} : { retentionMs: secondsOf('retention', retention) * 1_000 }),
    ...(principal === undefined ? {} : { principal }),
  };
};

const specLine = ({ name, partitionCount, replicationFactor, config }: TopicSpec): string => {
  const settings = Object.entries(config).map(([key, value]) => ` ${key}=${value}`);
  return `${name}  partitions=${partitionCount} replication-factor=${replicationFactor}${settings.join('')}`;
};

const tell = (action: Action, plan: TopicsPlan, terminal: Terminal): void => {
  const verb = action === 'apply' ? 'created' : 'missing';
  for (const spec of plan.missing) terminal.print(`${verb}  ${specLine(spec)}`);
  for (const name of plan.present) terminal.print(`present  ${name}`);
  for (const { topic, setting, is, planned } of plan.differences)
    terminal.print(`differs  ${topic}  ${setting} is ${is}, planned ${planned} (left as it is)`);
  terminal.print('');
  terminal.print('# the least rights that a gateway needs, where the cluster has access control:');
  for (const line of plan.acls) terminal.print(line);
};

/** `carillon topics`: what the gateway needs of Kafka, shown or created. */
export const topicsCommand: Command = {
  name: 'topics',
  summary: 'show or create the Kafka topics that a gateway needs, and the access rights for it',
  usage: 'plan|apply',
  positionals: { min: 1, max: 1 },
  flags: {
    partitions: { type: 'string', value: '<n>', help: 'partitions of each notification topic (default 12)' },
    'replication-factor': { type: 'string', value: '<n>', help: 'copies of each (default 3, or as many as brokers)' },
    retention: {
      type: 'string',
      value: '<time>',
      help: "how long events are kept, as 24h or 7d (default the broker's)",
    },
    principal: { type: 'string', value: '<User:name>', help: 'whom the rights are for (default the SASL user)' },
    json: { type: 'boolean', help: 'print the plan as JSON' },
  },
  examples: [
    [
      'CARILLON_KAFKA_BROKERS=localhost:9092 npx carillon topics plan',
      'what is missing, and the rights; changes nothing',
    ],
    ['CARILLON_KAFKA_BROKERS=localhost:9092 npx carillon topics apply --retention 7d', 'create what is missing'],
  ],
  async run(given, terminal) {
    const action = actionOf(given);
    const { connection, topics } = readKafkaSettings(terminal);
    const plan = await actions[action](connection, wishesOf(given, topics), kafkaDeps(terminal));
    if (given.has('json')) terminal.print(JSON.stringify(plan));
    else tell(action, plan, terminal);
    return exitCodes.ok;
  },
};
