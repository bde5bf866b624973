import { readSettings } from '../config.ts';
import { type Command, ConfigProblems, exitCodes, type Terminal, UsageError } from './command.ts';
import { localEventSchema } from './event-input.ts';
import { packageVersion } from './version.ts';

const printJson = (terminal: Terminal, document: unknown): void => terminal.print(JSON.stringify(document, null, 2));

const jsonSchemaOf = (type: string | undefined, terminal: Terminal): unknown => {
  const schemas = localEventSchema(terminal).jsonSchemas();
  if (type === undefined) return Object.fromEntries(schemas);
  const schema = schemas.get(type);
  if (schema !== undefined) return schema;
  throw new UsageError(`${type} is not an event type here: set one of ${[...schemas.keys()].join(', ')}`);
};

const printAsyncApi = (terminal: Terminal): void => {
  const { settings, problems } = readSettings(terminal.env, ['CARILLON_KAFKA_TOPICS']);
  if (problems.length > 0) throw new ConfigProblems(problems);
  const topic = settings.CARILLON_KAFKA_TOPICS?.[0] ?? 'notifications';
  printJson(terminal, localEventSchema(terminal).asyncApi({ topic, version: packageVersion() }));
};

/** `carillon schema`: what the SDL files mean, for other tools. */
export const schemaCommand: Command = {
  name: 'schema',
  summary: 'print the whole schema as SDL, the event types as JSON Schema, or both sides as AsyncAPI',
  usage: 'sdl | json [<event type>] | asyncapi',
  positionals: { min: 1, max: 2 },
  flags: {},
  examples: [
    ['npx carillon schema sdl > schema.graphql', 'the schema that frontends generate types from'],
    ['npx carillon schema json com.acme.order.shipped', 'JSON Schema of one event’s record value'],
    ['npx carillon schema asyncapi > asyncapi.json', 'AsyncAPI 3.0 for producers'],
  ],
  async run({ positionals: [format, type] }, terminal) {
    if (type !== undefined && format !== 'json') throw new UsageError(`carillon schema ${format} takes no ${type}`);
    switch (format) {
      case 'sdl':
        terminal.print(localEventSchema(terminal).sdl.trimEnd());
        return exitCodes.ok;
      case 'json':
        printJson(terminal, jsonSchemaOf(type, terminal));
        return exitCodes.ok;
      case 'asyncapi':
        printAsyncApi(terminal);
        return exitCodes.ok;
      default:
        throw new UsageError(`carillon schema does not know ${format}: use sdl, json or asyncapi`);
    }
  },
};
