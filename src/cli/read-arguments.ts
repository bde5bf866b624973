import { parseArgs } from 'node:util';
import { nearestName } from '../config.ts';
import { type Arguments, type Command, UsageError } from './command.ts';

const unknownFlag = (flag: string, command: Command): string => {
  const near = nearestName(flag.replace(/^-+/, ''), Object.keys(command.flags));
  const hint = near === null ? `carillon ${command.name} --help lists them` : `did you mean --${near}?`;
  return `carillon ${command.name} has no flag ${flag}: ${hint}`;
};

/** Node's own messages are right but long-winded; the flag's name is what matters. */
const describe = (error: Error, command: Command): string => {
  const flag = /option '(-[^' ]+)/i.exec(error.message)?.[1] ?? '';
  const code = 'code' in error ? error.code : '';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return unknownFlag(flag, command);
  return `carillon ${command.name}: ${error.message.split('\n')[0]}`;
};

const parse = (command: Command, args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: { ...command.flags }, allowPositionals: true, strict: true });
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new UsageError(describe(cause, command), { cause });
  }
};

/** Reads what follows a command's name. Throws UsageError that says what is wrong. */
export const readArguments = (command: Command, args: readonly string[]): Arguments => {
  const { values, positionals } = parse(command, args);
  const { min, max } = command.positionals;
  if (positionals.length < min)
    throw new UsageError(
      `carillon ${command.name} needs ${command.usage}: carillon ${command.name} --help shows examples`,
    );
  const extra = positionals[max];
  if (extra !== undefined)
    throw new UsageError(
      `carillon ${command.name} does not know what to do with ${extra}: put quotes around texts with spaces`,
    );
  const all = (name: string): string[] => {
    const value = values[name];
    return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string');
  };
  return {
    positionals,
    text: (name) => all(name).at(-1),
    texts: all,
    has: (name) => values[name] !== undefined && values[name] !== false,
  };
};
