import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultCoreOptions } from '../../src/actors/options.ts';
import { limitNames, limits, limitText } from '../../src/config/limits.ts';
import { type Environment, readConfig } from '../../src/config.ts';
import { coreLimits, transportLimits } from '../../src/gateway/limits.ts';
import { defaultGraphqlLimits } from '../../src/graphql/options.ts';

const read = (env: Environment) => readConfig(env, () => '');
const limitsOf = (env: Environment) => {
  const outcome = read(env);
  if (!outcome.ok) throw new Error(outcome.problems.join('\n'));
  return outcome.config.limits;
};

describe('limits', () => {
  it('have the defaults that the rooms have by themselves', () => {
    expect(defaultCoreOptions).toMatchObject(coreLimits(limitsOf({})));
    expect(defaultGraphqlLimits).toMatchObject(transportLimits(limitsOf({})));
  });

  it('all reach a room', () => {
    const numbers = Object.fromEntries(limitNames.map((name, n) => [name, 1_000_000 + n])) as ReturnType<
      typeof limitsOf
    >;
    const reached = JSON.stringify([coreLimits(numbers), transportLimits(numbers)]);
    // The codec takes this one besides.
    for (const name of limitNames) expect(reached, name).toContain(String(numbers[name]));
  });

  it.each(limitNames)('are read within their range and refused beyond it: %s', (name) => {
    const { min, max, ...limit } = limits[name];
    const variable = `CARILLON_LIMIT_${name}`;
    for (const value of [min, max]) expect(limitsOf({ [variable]: limitText(limit, value) })[name]).toBe(value);
    for (const value of [min - 1, max + 1]) {
      const outcome = read({ [variable]: limitText(limit, value) });
      expect(outcome.ok).toBe(false);
      const problem = outcome.ok ? '' : (outcome.problems[0] ?? '');
      expect(problem).toContain(variable);
      expect(problem).toContain(limitText(limit, min));
    }
  });

  it.each(['', 'x', '1.5', '-1', '64 KiB', '1e3', '3d', '10GB'])('are refused where they are nothing: "%s"', (text) => {
    for (const name of ['FRAME_BYTES', 'INIT_TIME', 'OPERATIONS'] as const) {
      expect(read({ [`CARILLON_LIMIT_${name}`]: text }).ok, name).toBe(false);
    }
  });

  it('have a row each in docs/limits.md', () => {
    const page = readFileSync('docs/limits.md', 'utf8');
    for (const name of limitNames) expect(page).toContain(`\`CARILLON_LIMIT_${name}\``);
  });
});
