import type { Command } from './command.ts';

const table = (rows: readonly (readonly [string, string])[]): string[] => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
};

const exampleLines = (examples: Command['examples']): string[] =>
  examples.flatMap(([line, meaning]) => [`  # ${meaning}`, `  ${line}`, '']);

/** The help of the whole command line. */
export const overview = (commands: readonly Command[]): string =>
  [
    'carillon: Kafka partitions in, GraphQL subscriptions out',
    '',
    'usage: npx carillon <command> [flags]',
    '',
    ...table(commands.map(({ name, summary }) => [name, summary])),
    '',
    'npx carillon <command> --help shows flags and examples; npx carillon --version the version.',
    'Settings are CARILLON_* environment variables: see .env.example.',
  ].join('\n');

/** The help of one command. */
export const commandHelp = (command: Command): string => {
  const flags = Object.entries(command.flags).map(
    ([name, { value, help }]) => [value === undefined ? `--${name}` : `--${name} ${value}`, help] as const,
  );
  const usage = ['usage: npx carillon', command.name, command.usage, '[flags]'].filter(Boolean).join(' ');
  return [
    command.summary,
    '',
    usage,
    '',
    ...table([...flags, ['--help', 'show this']]),
    '',
    'examples:',
    ...exampleLines(command.examples),
  ]
    .join('\n')
    .trimEnd();
};
