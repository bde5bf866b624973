import type { Placed } from './evidence.ts';

/**
 * The rules:
 * - `a` nothing is delivered that was not produced;  `b` nobody gets what is for others;  `c` positions only rise
 * - `d` between two positions everything is delivered, or a gap stands for it;  `e` what was acknowledged stands in the log, and arrives
 * - `f` nothing comes twice;  `g` each gap has its reason and a cursor of its own;  `h` everybody catches up in time
 * - `i` what was sent and not answered comes again;  `j` connections end as the protocol says;  `k` memory is bounded, and no gateway ends by itself
 * - `l` clients without any code lose nothing of what came while they were away
 */
export type Rule = 'a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l';

/** One thing that must not be. */
export type Violation = {
  readonly rule: Rule;
  /** The client, producer or gateway. */
  readonly actor: string;
  /** The event, record or connection. */
  readonly record: string;
  readonly evidence: string;
  /** What kept the program from doing better, where that is known. The rule is broken all the same, and this says so. */
  readonly excuse?: string;
};

/** How a record is named in violations. */
export const nameOf = ({ era, partition, offset, title }: Placed): string =>
  `${title} at ${partition}:${offset}${era > 1 ? ` of creation ${era}` : ''}`;

/** One line. */
export const lineOf = ({ rule, actor, record, evidence, excuse }: Violation): string =>
  `VIOLATION ${rule} | ${actor} | ${record} | ${evidence}${excuse === undefined ? '' : `; known: ${excuse}`}`;

/** Time of day with milliseconds, as the evidence shows it. */
export const clockOf = (t: number): string => new Date(t).toISOString().slice(11, 23);
