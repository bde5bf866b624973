import { describeProblems, nearestName } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { type Command, ConfigProblems, exitCodes, type Terminal, UsageError } from './command.ts';
import { doctorCommand } from './doctor.ts';
import { commandHelp, overview } from './help.ts';
import { publishCommand } from './publish.ts';
import { readArguments } from './read-arguments.ts';
import { revokeCommand } from './revoke.ts';
import { schemaCommand } from './schema.ts';
import { tailCommand } from './tail.ts';
import { tokenCommand } from './token.ts';
import { topicsCommand } from './topics.ts';
import { packageVersion } from './version.ts';

/** Every command, in the order of the help. */
const commands: readonly Command[] = [
  tokenCommand,
  publishCommand,
  tailCommand,
  revokeCommand,
  topicsCommand,
  schemaCommand,
  doctorCommand,
];

const find = (name: string): Command => {
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return command;
  const near = nearestName(
    name,
    commands.map((each) => each.name),
  );
  const hint = near === null ? 'npx carillon --help lists them' : `did you mean ${near}?`;
  throw new UsageError(`carillon has no command ${name}: ${hint}`);
};

const isHelp = (argument: string | undefined): boolean => argument === '--help' || argument === '-h';

/** `carillon help [command]`, `carillon --help`, `carillon <command> … --help`: which help is asked for; null for none. */
const helpFor = (args: readonly string[]): string | null => {
  const [name, ...rest] = args;
  if (name === 'help') return commandHelpOrOverview(rest[0]);
  if (isHelp(name)) return overview(commands);
  return rest.some(isHelp) ? commandHelpOrOverview(name) : null;
};

const commandHelpOrOverview = (name: string | undefined): string =>
  name === undefined ? overview(commands) : commandHelp(find(name));

const dispatch = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  const [name, ...rest] = args;
  if (name === undefined) {
    terminal.say(overview(commands));
    return exitCodes.usage;
  }
  const shown = name === '--version' || name === '-v' ? packageVersion() : helpFor(args);
  if (shown !== null) {
    terminal.print(shown);
    return exitCodes.ok;
  }
  const command = find(name);
  return command.run(readArguments(command, rest), terminal);
};

const tell = (error: unknown, terminal: Terminal): number => {
  if (error instanceof UsageError) {
    terminal.say(error.message);
    return exitCodes.usage;
  }
  if (error instanceof ConfigProblems) {
    terminal.say(describeProblems(error.problems));
    return exitCodes.config;
  }
  terminal.say(`carillon: ${error instanceof Error ? error.message : String(error)}`);
  return error instanceof GatewayError && error.code === 'CONFIG_INVALID' ? exitCodes.config : exitCodes.failed;
};

/** Runs one command line to its end and resolves with the exit code: 0, 1 failed, 64 wrong command line, 78 wrong configuration. */
export const runCommandLine = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    return tell(error, terminal);
  }
};
