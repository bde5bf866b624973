import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GatewayError } from '../errors.ts';
import { type Policy, policyFunctions } from '../policy.ts';

/** The deployer's policy module at start: imported once, its exports checked. It runs in the gateway's process, with its rights. */

const refuse = (path: string, problem: string, cause?: unknown): GatewayError =>
  new GatewayError('CONFIG_INVALID', `CARILLON_POLICY is ${path}, ${problem}`, { cause });

const problemOf = (exported: Readonly<Record<string, unknown>>): string | null => {
  const expected = `export functions named ${policyFunctions.join(', ')}`;
  const names = Object.keys(exported);
  if (names.length === 0) return `which exports nothing: ${expected}`;
  const known: readonly string[] = policyFunctions;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) return `which exports ${unknown}, and no policy has that: ${expected}`;
  const odd = names.find((name) => typeof exported[name] !== 'function');
  return odd === undefined ? null : `whose ${odd} is not a function: ${expected}`;
};

/** Imports the policy at `path`, an ES module in JavaScript or TypeScript; null: none. Rejects with CONFIG_INVALID where it is none. */
export const loadPolicy = async (path: string | null): Promise<Policy> => {
  if (path === null) return {};
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = { ...(await import(pathToFileURL(resolve(path)).href)) };
  } catch (cause) {
    throw refuse(path, `which cannot be imported: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
  const problem = problemOf(exported);
  if (problem !== null) throw refuse(path, problem);
  return exported;
};
