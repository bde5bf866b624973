import type { Evidence, Placed, Witness } from './evidence.ts';
import { isFor, mayBeRemoved } from './evidence.ts';
import { couldNotTell } from './resume-rules.ts';
import { passedBy, type Step, type Visit, wentBack } from './stream-walk.ts';
import { clockOf, nameOf, type Violation } from './violation.ts';

/** Rules a, b, c, d and f: what a client was given, one payload after another. */

type Court = { readonly client: Witness; readonly evidence: Evidence };

const accuse = (
  rule: Violation['rule'],
  { client }: Court,
  [record, evidence]: readonly [string, string],
): Violation => ({
  rule,
  actor: client.name,
  record,
  evidence,
});

/** Rules a and b, which need no positions. */
const originOf = (court: Court, title: string, t: number): Violation[] => {
  const { client, evidence } = court;
  const published = evidence.published.get(title);
  const at = `delivered at ${clockOf(t)}`;
  if (published === undefined) return [accuse('a', court, [title, `${at}, published by nobody`])];
  if (evidence.aborted.has(title)) return [accuse('a', court, [title, `${at}, its transaction was aborted`])];
  if (evidence.failed.get(title) === 'not_written')
    return [accuse('a', court, [title, `${at}, its publisher was told that it was not written`])];
  if (!isFor(published.to, client))
    return [accuse('b', court, [title, `${at} to ${client.user}, is for ${JSON.stringify(published.to)}`])];
  return [];
};

const spanText = ({ from, to }: Step): string => `from [${from?.next.join(' ')}] to [${to?.next.join(' ')}]`;

/** Where the record of an edge lies though it does not lie in its step: before it, or nowhere. */
const misplaced = (court: Court, step: Step, title: string): Violation[] => {
  const { client, evidence } = court;
  const era = evidence.eraOf(step.to?.topic ?? '');
  const inLog = evidence.placesOf(title).filter((each) => each.era === era);
  if (inLog.length === 0)
    return mayBeRemoved(evidence)
      ? []
      : [accuse('a', court, [title, `delivered at ${clockOf(step.payload.t)}, not in the log`])];
  const places = inLog.filter((each) => isFor(each.to, client));
  const [place] = places;
  // Of somebody else's record rule b has spoken.
  if (place === undefined) return [];
  // What was written twice is judged by rule f, if it is delivered twice.
  const isInside = places.some(
    ({ partition, offset }) => offset >= (step.from?.next[partition] ?? 0) && offset < (step.to?.next[partition] ?? 0),
  );
  if (isInside) return [];
  const isBefore = places.some(({ partition, offset }) => offset < (step.from?.next[partition] ?? 0));
  const how = `${isBefore ? 'came again' : 'came out of place'} at ${clockOf(step.payload.t)}, ${spanText(step)}`;
  return [accuse(isBefore ? 'f' : 'c', court, [nameOf(place), how])];
};

/** Rules c, d and f over one step whose beginning is known. */
const judgeStep = (court: Court, step: Step): Violation[] => {
  const { from, to, payload } = step;
  if (from === null || to === null || payload.gap !== null) return [];
  const t = clockOf(payload.t);
  if (from.topic !== to.topic)
    return [
      accuse('d', court, [payload.title ?? 'checkpoint', `another topic without a gap at ${t}, ${spanText(step)}`]),
    ];
  const back = wentBack({ from, to }).map((partition) =>
    accuse('c', court, [`partition ${partition}`, `went back at ${t}, ${spanText(step)}`]),
  );
  if (back.length > 0) return back;
  const passed = passedBy(court.client, court.evidence, { from, to });
  const skipped = passed.filter(({ title }) => title !== payload.title);
  const violations = skipped.map((record) =>
    accuse('d', court, [nameOf(record), `passed over at ${t}, ${spanText(step)}`]),
  );
  if (payload.title !== null && skipped.length === passed.length)
    violations.push(...misplaced(court, step, payload.title));
  return violations;
};

/** Gaps must not take a client back either, unless the log itself was. */
const judgeGap = (court: Court, { from, to, payload }: Step): Violation[] => {
  if (from === null || to === null || payload.gap === null) return [];
  if (payload.gap.reason === 'TRUNCATED' || payload.gap.reason === 'RECREATED') return [];
  return wentBack({ from, to }).map((partition) =>
    accuse('c', court, [`partition ${partition}`, `a gap ${payload.gap?.reason} went back at ${clockOf(payload.t)}`]),
  );
};

/** The record of an edge: in its step where that is known, else the one that ends at its cursor. */
export const recordOf = ({ client, evidence }: Court, { from, to, payload }: Step): Placed | null => {
  if (to === null || payload.title === null) return null;
  const era = evidence.eraOf(to.topic);
  const places = evidence.placesOf(payload.title).filter((each) => each.era === era && isFor(each.to, client));
  const ends = places.filter(({ partition, offset }) => to.next[partition] === offset + 1);
  const isNew = ({ partition, offset }: Placed): boolean => offset >= (from?.next[partition] ?? 0);
  return ends.find(isNew) ?? ends[0] ?? places[0] ?? null;
};

/** Rule f across connections: what was answered for sure does not come again to a client that passes no cursor. */
const judgeEchoed = (court: Court, visit: Visit): Violation[] => {
  const { echoed } = visit;
  if (court.client.style !== 'zero-code' || echoed === null) return [];
  // Called back to a place that was told late, it gets again what it has had since.
  if (couldNotTell(visit, court.evidence) !== null) return [];
  return visit.steps.flatMap((step) => {
    const record = recordOf(court, step);
    if (record === null || step.to?.topic !== echoed.topic) return [];
    const { partition, offset } = record;
    if (offset >= (echoed.next[partition] ?? 0)) return [];
    const how = `came again at ${clockOf(step.payload.t)} on ${visit.node}, had answered up to ${echoed.next[partition]}`;
    return [accuse('f', court, [nameOf(record), how])];
  });
};

/**
 * Rule f for events that stand in the log twice, in different places. Duplicates are told within a partition: what a producer writes again once its key
 * belongs to another one, since there are more of them, is another event.
 */
const judgeTwice = (court: Court, visits: readonly Visit[]): Violation[] => {
  const seen = new Map<string, Placed>();
  const hasGrown = court.evidence.deeds.some(({ name }) => name === 'partitions-doubled');
  const isAnother = (one: Placed, other: Placed): boolean =>
    nameOf(one) !== nameOf(other) && (one.partition === other.partition || !hasGrown);
  // The same event in two creations of the topic is two events to who reads them.
  return visits.flatMap(({ steps }) =>
    steps.flatMap((step) => {
      const record = recordOf(court, step);
      const id = step.payload.id;
      if (record === null || id === null) return [];
      const key = `${record.era} ${id}`;
      const before = seen.get(key);
      seen.set(key, record);
      if (before === undefined || !isAnother(before, record)) return [];
      return [
        accuse('f', court, [
          nameOf(record),
          `came again at ${clockOf(step.payload.t)}: stands in the log as ${nameOf(before)} too`,
        ]),
      ];
    }),
  );
};

/** Judges what a client was given. */
export const judgeDelivery = (court: Court, visits: readonly Visit[]): readonly Violation[] => [
  ...visits.flatMap((visit) => [
    ...visit.steps.flatMap((step) => [
      ...(step.payload.title === null ? [] : originOf(court, step.payload.title, step.payload.t)),
      ...judgeStep(court, step),
      ...judgeGap(court, step),
    ]),
    ...judgeEchoed(court, visit),
  ]),
  ...judgeTwice(court, visits),
];
