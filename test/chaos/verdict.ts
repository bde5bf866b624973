import { judgeConduct, slowestCatchUpMs } from './conduct-rules.ts';
import { judgeDelivery } from './delivery-rules.ts';
import { type Evidence, evidenceOf, type Witness } from './evidence.ts';
import { judgeGaps } from './gap-rules.ts';
import type { Histories } from './history.ts';
import { judgeArrival, judgeLog } from './log-rules.ts';
import { judgeResumes } from './resume-rules.ts';
import { visitsOf } from './stream-walk.ts';
import type { Violation } from './violation.ts';

/** What a run comes to. */
export type Verdict = {
  readonly fault: string;
  readonly seed: number;
  /** Events that were published, deliveries, gaps by reason, and deliveries of what the client had before. */
  readonly events: number;
  readonly deliveries: number;
  readonly gaps: Readonly<Record<string, number>>;
  readonly repeats: number;
  /** Deliveries that clients without code missed by `kill -9` of their node, as documented. */
  readonly lostToKill: number;
  /** Acknowledged events that a fault removed from the log before anybody had read them. */
  readonly unseen: number;
  readonly slowestCatchUpMs: number;
  readonly mostGrownMiB: number;
  readonly violations: readonly Violation[];
};

type Judged = { readonly violations: readonly Violation[]; readonly lostToKill: number };

const judgeClient = (client: Witness, evidence: Evidence): Judged => {
  const visits = visitsOf(client, evidence);
  const resumes = judgeResumes(client, evidence, visits);
  const found = [
    ...judgeDelivery({ client, evidence }, visits),
    ...judgeGaps({ client, evidence }, visits),
    ...resumes.violations,
  ];
  // The last rule looks at everything once more; it need not repeat what the others have said.
  const named = new Set(found.map(({ record }) => record));
  const rest = judgeArrival(client, evidence, visits).filter(({ record }) => !named.has(record));
  return { violations: [...found, ...rest], lostToKill: resumes.lostToKill.length };
};

const repeatsOf = ({ entries }: Witness): number => {
  const titles = entries.flatMap((entry) => (entry.kind === 'payload' && entry.title !== null ? [entry.title] : []));
  return titles.length - new Set(titles).size;
};

const grownMiB = ({ memory }: Evidence): number => {
  const processes = [...Map.groupBy(memory, ({ pid }) => pid).values()];
  return Math.max(
    0,
    ...processes.map((samples) => Math.max(...samples.map((each) => each.rssMiB)) - (samples[0]?.rssMiB ?? 0)),
  );
};

/** Judges the histories of one run by every rule. */
export const judge = (histories: Histories): Verdict => {
  const evidence = evidenceOf(histories);
  const judged = evidence.clients.map((client) => judgeClient(client, evidence));
  const log = judgeLog(evidence);
  const payloads = evidence.clients.flatMap(({ entries }) =>
    entries.flatMap((entry) => (entry.kind === 'payload' ? [entry] : [])),
  );
  const reasons = Object.groupBy(
    payloads.flatMap(({ gap }) => (gap === null ? [] : [gap.reason])),
    (reason) => reason,
  );
  return {
    fault: evidence.run?.fault ?? 'unknown',
    seed: evidence.run?.seed ?? 0,
    events: evidence.published.size,
    deliveries: payloads.filter(({ title }) => title !== null).length,
    gaps: Object.fromEntries(Object.entries(reasons).map(([reason, all]) => [reason, all?.length ?? 0])),
    repeats: evidence.clients.reduce((sum, client) => sum + repeatsOf(client), 0),
    lostToKill: judged.reduce((sum, each) => sum + each.lostToKill, 0),
    unseen: log.unseen,
    slowestCatchUpMs: slowestCatchUpMs(evidence),
    mostGrownMiB: grownMiB(evidence),
    violations: [...log.violations, ...judged.flatMap(({ violations }) => violations), ...judgeConduct(evidence)],
  };
};
