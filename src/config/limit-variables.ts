import { type Limit, type LimitVariable, limitNames, limits, limitText } from './limits.ts';
import * as parse from './parse.ts';
import type { Variable } from './settings.ts';

const parserOf = (limit: Limit): parse.Parse<number> => {
  const bounds = { min: limit.min, max: limit.max, show: (value: number) => limitText(limit, value) };
  if (limit.unit === 'ms') return parse.durationWithin(bounds);
  return limit.unit === 'bytes' ? parse.sizeWithin(bounds) : parse.whole(limit.min, limit.max);
};

const variableOf = (limit: Limit): Variable<number> => ({
  group: 'Limits',
  description: `Limit: ${limit.what}. Beyond it: ${limit.seen}.`,
  default: limitText(limit, limit.default),
  example: limitText(limit, limit.default),
  parse: parserOf(limit),
});

/** The rows of the table of settings. */
export const limitVariables: Readonly<Record<LimitVariable, Variable<number>>> = Object.fromEntries(
  limitNames.map((name) => [`CARILLON_LIMIT_${name}`, variableOf(limits[name])]),
) as Record<LimitVariable, Variable<number>>;
