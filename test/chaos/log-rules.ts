import { recordOf } from './delivery-rules.ts';
import { type Evidence, isFor, mayBeRemoved, type Placed, type Witness } from './evidence.ts';
import { type Place, placeOf } from './place.ts';
import { isPlaceKilled } from './resume-rules.ts';
import type { Visit } from './stream-walk.ts';
import { clockOf, nameOf, type Violation } from './violation.ts';

/** Rule e: what was acknowledged stands in the log, and each record of the log is delivered to everybody whom it is for, or a gap stands for it. */

/** Acknowledged events that are not in the log. Where a fault removes records, some go before anybody has read them: those are counted only. */
export const judgeLog = (
  evidence: Evidence,
): { readonly violations: readonly Violation[]; readonly unseen: number } => {
  const missing: Violation[] = [];
  for (const [title, t] of evidence.acknowledged) {
    const { to } = evidence.published.get(title) ?? {};
    const places = evidence.placesOf(title);
    const wanted = to !== undefined && 'users' in to ? to.users : [null];
    const isThere = (user: string | null): boolean =>
      places.some((place) => user === null || ('users' in place.to && place.to.users.includes(user)));
    if (wanted.every(isThere)) continue;
    missing.push({ rule: 'e', actor: 'log', record: title, evidence: `acknowledged at ${clockOf(t)}, not in the log` });
  }
  // A refusal is a promise too: what was not written must not turn up.
  const refused = evidence.records
    .filter(({ title }) => evidence.failed.get(title) === 'not_written')
    .map(
      (record) =>
        ({ rule: 'e', actor: 'log', record: nameOf(record), evidence: 'its publisher was told not_written' }) as const,
    );
  return mayBeRemoved(evidence)
    ? { violations: refused, unseen: missing.length }
    : { violations: [...missing, ...refused], unseen: 0 };
};

type Span = { readonly from: Place; readonly to: Place };

/** The stretch of one step, where a gap stands for it or `kill -9` took it. */
const excused = (evidence: Evidence, visit: Visit, n: number): readonly Span[] => {
  const step = visit.steps[n];
  const isFirst = n === 0;
  const begin = (isFirst ? placeOf(visit.last?.cursor ?? '') : null) ?? step?.from ?? null;
  const to = step?.to ?? null;
  if (begin === null || to === null) return [];
  return step?.payload.gap != null || (isFirst && isPlaceKilled(visit, evidence)) ? [{ from: begin, to }] : [];
};

/** Stretches for which a gap stands, or which `kill -9` took. */
const covered = (evidence: Evidence, visits: readonly Visit[]): readonly Span[] =>
  visits.flatMap((visit) => visit.steps.flatMap((_, n) => excused(evidence, visit, n)));

const isIn = (evidence: Evidence, { era, partition, offset }: Placed, { from, to }: Span): boolean => {
  const [fromEra, toEra] = [evidence.eraOf(from.topic), evidence.eraOf(to.topic)];
  const isBehind = fromEra !== era || offset >= (from.next[partition] ?? 0);
  const isBefore = toEra !== era || offset < (to.next[partition] ?? 0);
  return (fromEra === era || toEra === era) && isBehind && isBefore;
};

/** What was for a client between its first position and its last, and neither came nor is covered. */
export const judgeArrival = (client: Witness, evidence: Evidence, visits: readonly Visit[]): readonly Violation[] => {
  const places = visits.flatMap(({ steps }) => steps.flatMap(({ to }) => (to === null ? [] : [to])));
  const [first, last] = [places[0], places.at(-1)];
  if (first === undefined || last === undefined) return [];
  const steps = visits.flatMap((visit) => visit.steps);
  const had = new Set(
    steps.map((step) => recordOf({ client, evidence }, step)).flatMap((record) => (record ? [nameOf(record)] : [])),
  );
  const titles = new Set(steps.map(({ payload }) => payload.title));
  const spans = covered(evidence, visits);
  return evidence.records
    .filter(
      (record) => !record.isRepeat && isFor(record.to, client) && isIn(evidence, record, { from: first, to: last }),
    )
    .filter((record) => !had.has(nameOf(record)) && !titles.has(record.title))
    .filter((record) => !spans.some((span) => isIn(evidence, record, span)))
    .map((record) => ({
      rule: 'e',
      actor: client.name,
      record: nameOf(record),
      evidence: 'never came, and no gap stands for it',
    }));
};
