import type { ParseArgsOptionsConfig } from 'node:util';
import type { Environment } from '../config.ts';

/** What a command is given of the process; tests give their own. */
export type Terminal = {
  readonly env: Environment;
  /** Writes one line of result to stdout. */
  print(line: string): void;
  /** Writes one line for the person to stderr. */
  say(line: string): void;
  /** Whether stdout shows colours. */
  readonly hasColors: boolean;
  /** All of stdin as text. */
  readStdin(): Promise<string>;
  /** Aborts when the person wants to end. */
  readonly signal: AbortSignal;
};

/** One flag: what `parseArgs` needs, and its line of help. */
export type Flag = ParseArgsOptionsConfig[string] & {
  /** Placeholder of the value, for help; absent for switches. */
  readonly value?: string;
  readonly help: string;
};

/** What was given on the command line, after the command's name. */
export type Arguments = {
  readonly positionals: readonly string[];
  /** The last value of a flag. */
  text(name: string): string | undefined;
  /** Every value of a flag that may be repeated. */
  texts(name: string): readonly string[];
  has(name: string): boolean;
};

/** One command of the command line. */
export type Command = {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What follows the name, for help. */
  readonly usage: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** How many positionals it takes. */
  readonly positionals: { readonly min: number; readonly max: number };
  /** Complete lines that can be copied, with what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** Does it and resolves with the exit code. Rejects with UsageError, ConfigProblems or any operational error. */
  run(given: Arguments, terminal: Terminal): Promise<number>;
};

/** Exit codes, after sysexits.h where it has one. */
export const exitCodes = { ok: 0, failed: 1, usage: 64, config: 78 } as const;

/** The command line itself is wrong: exit 64. */
export class UsageError extends Error {}

/** The environment is wrong: exit 78. */
export class ConfigProblems extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}
