import type { Evidence, Placed, Witness } from './evidence.ts';
import { placeOf } from './place.ts';
import { isPlaceKilled } from './resume-rules.ts';
import { passedBy, type Step, type Visit } from './stream-walk.ts';
import { clockOf, nameOf, type Violation } from './violation.ts';

/** Rule g: a gap has a reason that this run can have given, covers no more than that reason takes, and has a cursor of its own. */

type Court = { readonly client: Witness; readonly evidence: Evidence };
type Gap = { readonly step: Step; readonly visit: Visit; readonly isFirst: boolean };

/** Log starts are looked at twice a second, and a busy machine may be late with it. */
const startSlackMs = 3_000;

/** Whether it went on where it was: one that passes no cursor, and whose place was killed, began anew. */
const isGoingOn = ({ client, evidence }: Court, { visit }: Gap): boolean =>
  client.style !== 'zero-code' || !isPlaceKilled(visit, evidence);

const passed = (court: Court, gap: Gap): readonly Placed[] => {
  const { client, evidence } = court;
  const { step, visit, isFirst } = gap;
  const from = step.from ?? (isFirst && isGoingOn(court, gap) ? placeOf(visit.last?.cursor ?? '') : null);
  return from === null || step.to === null ? [] : passedBy(client, evidence, { from, to: step.to });
};

const isExpired = ({ evidence }: Court, { era, partition, offset }: Placed, t: number): boolean =>
  offset < evidence.startAt(era, partition, t + startSlackMs);

const expired = (court: Court, gap: Gap): readonly string[] => {
  const { t } = gap.step.payload;
  const { evidence } = court;
  const era = evidence.eraOf(gap.step.to?.topic ?? '') ?? 0;
  const starts = gap.step.to?.next.map((_, partition) => evidence.startAt(era, partition, t + startSlackMs)) ?? [];
  if (starts.every((start) => start === 0)) return ['nothing was deleted from the log'];
  return passed(court, gap)
    .filter((record) => !isExpired(court, record, t))
    .map((record) => `${nameOf(record)} was still there`);
};

const recreated = ({ evidence }: Court, { step, visit, isFirst }: Gap): readonly string[] => {
  const isForeign = isFirst && evidence.eraOf(placeOf(visit.after ?? '')?.topic ?? '') === null && visit.after !== null;
  const isTrue = evidence.deeds.some(({ name, begin }) => name === 'topic-recreated' && begin <= step.payload.t);
  return isForeign || isTrue ? [] : ['the topic was not created anew'];
};

const invalidCursor = (_: Court, { visit, isFirst }: Gap): readonly string[] =>
  isFirst && visit.after !== null && placeOf(visit.after) === null
    ? []
    : [`the cursor that was passed is good: ${visit.after}`];

const unreadable = (court: Court, gap: Gap): readonly string[] => {
  const records = passed(court, gap);
  const isUnfit = ({ title }: Placed): boolean => court.evidence.published.get(title)?.isUnfit === true;
  const fit = records.filter((record) => !isUnfit(record)).map((record) => `${nameOf(record)} can be read`);
  // Where a client passes no cursor, its first step has no beginning that is known.
  const isKnown = gap.step.from !== null && !isBeyondKnown(court, gap) && !isGoneUnread(court, gap);
  return records.length === 0 && isKnown ? ['nothing that could not be read lies there'] : fit;
};

/** Whether it covers some of what was written to a topic after its log was read for the last time, and before it was deleted. */
const isBeyondKnown = ({ evidence }: Court, { step }: Gap): boolean => {
  const era = evidence.eraOf(step.to?.topic ?? '');
  if (era === null || !evidence.deeds.some(({ name }) => name === 'topic-recreated')) return false;
  return step.to?.next.some((next, partition) => next > evidence.endOf(era, partition)) ?? false;
};

/** Whether it covers offsets that were deleted before the log was read there, as while brokers are away. */
const isGoneUnread = ({ evidence }: Court, { step }: Gap): boolean => {
  const { from, to } = step;
  const era = evidence.eraOf(to?.topic ?? '');
  if (from === null || to === null || era === null) return false;
  return from.next.some((first, partition) => {
    const end = Math.min(to.next[partition] ?? 0, evidence.startAt(era, partition, Number.POSITIVE_INFINITY));
    return end - first > evidence.between({ era, partition, from: first, to: end }).length;
  });
};

const justify: Readonly<Record<string, (court: Court, gap: Gap) => readonly string[]>> = {
  EXPIRED: expired,
  RECREATED: recreated,
  INVALID_CURSOR: invalidCursor,
  UNREADABLE: unreadable,
  // Records are acknowledged by two brokers at least, and no leader is elected that lacks them.
  TRUNCATED: () => ['no fault of this run makes a log shorter'],
  LIMIT: () => ['no limit is configured that this run can reach'],
};

const judge = (court: Court, gap: Gap): readonly Violation[] => {
  const { payload, to } = gap.step;
  const reason = payload.gap?.reason ?? '';
  const complaints =
    to === null ? ['its cursor cannot be read'] : (justify[reason]?.(court, gap) ?? ['no such reason']);
  return complaints.map((complaint) => ({
    rule: 'g',
    actor: court.client.name,
    record: `gap ${reason}`,
    evidence: `${complaint}; came at ${clockOf(payload.t)} on ${gap.visit.node}`,
  }));
};

/** Judges the gaps of a client. */
export const judgeGaps = (court: Court, visits: readonly Visit[]): readonly Violation[] =>
  visits.flatMap((visit) =>
    visit.steps.flatMap((step, n) =>
      step.payload.gap === null ? [] : judge(court, { step, visit, isFirst: n === 0 }),
    ),
  );
