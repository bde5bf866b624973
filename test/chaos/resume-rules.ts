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

/**
 * Whether the place of a client may be gone since its node was killed before another could know it. What a slow reader gets last may have left the node
 * long before that.
 */
export const isPlaceKilled = (visit: Visit, { deeds }: Evidence): boolean =>
  deeds.some(
    ({ name, node, begin }) =>
      name === 'gateway-kill' &&
      node !== null &&
      visit.nodesSinceLast.includes(node) &&
      begin >= visit.lastConnectedAt - 1_000 &&
      begin <= visit.t,
  );

/** Faults in which a gateway does not run, or cannot write into the log, while it lives. */
const silencing: ReadonlySet<string> = new Set([
  ...['gateway-freeze', 'blocked-loop'],
  ...['broker-kill', 'brokers-down', 'network-partition', 'slow-brokers'],
]);

/**
 * Why a client that came to another node may not have been known there: the node that it left could not tell of it in time, or this one could not
 * hear. A node tells of a place by the control topic once it sees that the socket is gone; who comes to another one sooner begins anew there.
 */
export const couldNotTell = (visit: Visit, { deeds }: Evidence): string | null => {
  if (visit.nodesSinceLast.every((node) => node === visit.node)) return null;
  const nodes = [...visit.nodesSinceLast, visit.node];
  const deed = deeds.find(
    ({ name, node, begin, end }) =>
      silencing.has(name) &&
      (node === null || nodes.includes(node)) &&
      begin <= visit.t &&
      // An election, and what a frozen node does when it thaws, take a moment longer.
      end + 5_000 >= (visit.last?.t ?? 0),
  );
  return deed === undefined ? null : `moved while nodes could not tell each other (${deed.name})`;
};

const lostIn = (client: Witness, evidence: Evidence, visit: Visit): readonly Placed[] | 'another topic' => {
  const [first] = visit.steps;
  const from = placeOf(visit.last?.cursor ?? '');
  if (first === undefined || first.to === null || from === null || first.payload.gap !== null) return [];
  if (from.topic !== first.to.topic) return 'another topic';
  return passedBy(client, evidence, { from, to: first.to }).filter(({ title }) => title !== first.payload.title);
};

const violationOf = (visit: Visit, evidence: Evidence, record: Placed): Omit<Violation, 'actor'> => {
  const excuse = couldNotTell(visit, evidence);
  const isSentBefore = (evidence.published.get(record.title)?.t ?? visit.t) <= visit.closedAt;
  return {
    rule: isSentBefore ? 'i' : 'l',
    record: nameOf(record),
    evidence: `missing after the reconnect to ${visit.node} at ${clockOf(visit.t)}; last had ${clockOf(visit.last?.t ?? 0)}, on ${visit.nodesSinceLast.join(', ')}`,
    ...(excuse === null ? {} : { excuse }),
  };
};

type Late = { readonly client: Witness; readonly evidence: Evidence; readonly visits: readonly Visit[] };

/**
 * What has not come by the end, nor a gap in its place. A node that could not tell of a place in time tells of it late: then the client is called back
 * to it, and what it missed comes after what it has had since.
 */
const notComeLate = ({ client, evidence, visits }: Late, visit: Visit, lost: readonly Placed[]): readonly Placed[] => {
  const steps = visits.flatMap((each) => (each.t >= visit.t ? each.steps : []));
  const came = new Set<string | null>();
  for (const { payload, from, to } of steps) {
    came.add(payload.title);
    if (payload.gap === null || from === null || to === null) continue;
    for (const { title } of passedBy(client, evidence, { from, to })) came.add(title);
  }
  return lost.filter(({ title }) => !came.has(title));
};

/** Judges the resumes of a client that passes no cursor. */
export const judgeResumes = (client: Witness, evidence: Evidence, visits: readonly Visit[]): Resumes => {
  const violations: Violation[] = [];
  const lostToKill: Placed[] = [];
  if (client.style !== 'zero-code') return { violations, lostToKill };
  for (const visit of visits) {
    const lost = lostIn(client, evidence, visit);
    if (!isPlaceKilled(visit, evidence))
      violations.push(...violationsIn({ client, evidence, visits }, { visit, lost }));
    else if (lost !== 'another topic') lostToKill.push(...lost);
  }
  return { violations, lostToKill };
};

type Resumed = { readonly visit: Visit; readonly lost: ReturnType<typeof lostIn> };

const violationsIn = (late: Late, { visit, lost }: Resumed): Violation[] => {
  const { client, evidence } = late;
  if (lost === 'another topic') {
    const how = `went on in another topic without a gap at ${clockOf(visit.t)}`;
    return [{ rule: 'l', actor: client.name, record: 'everything before', evidence: how }];
  }
  const gone = couldNotTell(visit, evidence) === null ? lost : notComeLate(late, visit, lost);
  return gone.map((record) => ({ ...violationOf(visit, evidence, record), actor: client.name }));
};
