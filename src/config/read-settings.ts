import { nearest } from './nearest.ts';
import type { Settings, Variable, VariableName } from './settings.ts';
import { variableNames, variables } from './variables.ts';

/** The process environment, or part of one. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Used by this project's own tests and tools. */
const isForDevelopment = (name: string): boolean => /^CARILLON_(TEST|REQUIRE)_|^CARILLON_CACHE_DIR$/.test(name);

/** Kubernetes and Docker links add these for a Service whose name begins with `carillon`. */
const isServiceLink = (name: string): boolean => /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP)(_|$)/.test(name);

/** One problem per unknown `CARILLON_*` name, with the nearest known one. */
export const unknownNames = (env: Environment): string[] =>
  Object.keys(env)
    .filter((name) => name.startsWith('CARILLON_') && !Object.hasOwn(variables, name))
    .filter((name) => !isForDevelopment(name) && !isServiceLink(name))
    .map((name) => {
      const near = nearest(name, variableNames);
      return `${name} is not a setting: ${near === null ? 'remove it, README lists all' : `did you mean ${near}?`}`;
    });

const readOne = (name: VariableName, given: string | undefined): { value: unknown } | { problem: string } => {
  const row: Variable<unknown> = variables[name];
  const text = given ?? row.default;
  if (text === null) return { value: null };
  if (text === '') return { problem: `${name} is empty: set a value (for example ${row.example}) or remove it` };
  const parsed = row.parse(row.isSecret ? text : text.trim());
  if (parsed.ok) return { value: parsed.value };
  return { problem: row.isSecret ? `${name}: ${parsed.expected}` : `${name} is ${text}: ${parsed.expected}` };
};

/**
 * Reads each variable by itself, without the rules between them. A value that does not parse is a problem and reads as null.
 * @param names what to read; the rest reads as null and is not judged
 */
export const readSettings = (
  env: Environment,
  names: readonly VariableName[] = variableNames,
): { settings: Settings; problems: string[] } => {
  const problems: string[] = [];
  const settings: Record<string, unknown> = Object.fromEntries(variableNames.map((name) => [name, null]));
  for (const name of names) {
    const outcome = readOne(name, env[name]);
    if ('problem' in outcome) problems.push(outcome.problem);
    else settings[name] = outcome.value;
  }
  return { settings: settings as Settings, problems };
};
