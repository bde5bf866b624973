import type { Evidence, Placed, Witness } from './evidence.ts';
import { placeOf } from './place.ts';
import { passedBy, type Visit } from './stream-walk.ts';
import { clockOf, nameOf, type Violation } from './violation.ts';

/**
 * Rules i and l: clients that pass no cursor go on where they were. What the gateway had sent and they had not answered comes again (i), and what came
 * while they were away comes (l). The one exception is documented: `kill -9` of their node loses their place, and they begin anew.
 */

/** What the resumes of one client cost it. */
export type Resumes = {
  readonly violations: readonly Violation[];
  /** Records that it missed because its node was killed. */
  readonly lostToKill: readonly Placed[];
};

/** Whether the place of a client may be gone since its node was killed before another could know it. */
export const isPlaceKilled = (visit: Visit, { deeds }: Evidence): boolean =>
  deeds.some(
    ({ name, node, begin }) =>
      name === 'gateway-kill' &&
      node !== null &&
      visit.nodesSinceLast.includes(node) &&
      begin >= (visit.last?.t ?? 0) - 1_000 &&
      begin <= visit.t,
  );

const lostIn = (client: Witness, evidence: Evidence, visit: Visit): readonly Placed[] | 'another topic' => {
  const [first] = visit.steps;
  const from = placeOf(visit.last?.cursor ?? '');
  if (first === undefined || first.to === null || from === null || first.payload.gap !== null) return [];
  if (from.topic !== first.to.topic) return 'another topic';
  return passedBy(client, evidence, { from, to: first.to }).filter(({ title }) => title !== first.payload.title);
};

const violationOf = (visit: Visit, evidence: Evidence, record: Placed): Omit<Violation, 'actor'> => {
  const isSentBefore = (evidence.published.get(record.title)?.t ?? visit.t) <= visit.closedAt;
  return {
    rule: isSentBefore ? 'i' : 'l',
    record: nameOf(record),
    evidence: `missing after the reconnect to ${visit.node} at ${clockOf(visit.t)}; last had ${clockOf(visit.last?.t ?? 0)}, on ${visit.nodesSinceLast.join(', ')}`,
  };
};

/** Judges the resumes of a client that passes no cursor. */
export const judgeResumes = (client: Witness, evidence: Evidence, visits: readonly Visit[]): Resumes => {
  const violations: Violation[] = [];
  const lostToKill: Placed[] = [];
  if (client.style !== 'zero-code') return { violations, lostToKill };
  for (const visit of visits) {
    const lost = lostIn(client, evidence, visit);
    const isKilled = isPlaceKilled(visit, evidence);
    if (lost === 'another topic') {
      const how = `went on in another topic without a gap at ${clockOf(visit.t)}`;
      if (!isKilled) violations.push({ rule: 'l', actor: client.name, record: 'everything before', evidence: how });
    } else if (isKilled) lostToKill.push(...lost);
    else violations.push(...lost.map((record) => ({ ...violationOf(visit, evidence, record), actor: client.name })));
  }
  return { violations, lostToKill };
};
