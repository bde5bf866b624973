import { readFileSync } from 'node:fs';
import type { Evidence, Witness } from './evidence.ts';
import type { Entry } from './history.ts';
import { clockOf, type Violation } from './violation.ts';
import { whereaboutsAt } from './whereabouts.ts';

/** Rules h, j and k: that everybody catches up, how connections end, and what gateways cost. */

const protocol = new URL('../../docs/protocol.md', import.meta.url);

/** Close codes by the table of docs/protocol.md after which stock clients come back: those that clients without a fault of their own may see. */
const honestCodes = (): ReadonlySet<number> =>
  new Set(
    [...readFileSync(protocol, 'utf8').matchAll(/^\| (\d{4}) \|.*\| comes back \|$/gm)].map(([, code]) => Number(code)),
  );

/** When each client had the last of the final events; null where it has not got all of them. */
export const caughtUpAt = ({ entries }: Witness, { finals }: Evidence): number | null => {
  const waiting = new Set(finals?.titles);
  for (const entry of entries) {
    if (entry.kind !== 'payload' || entry.title === null) continue;
    waiting.delete(entry.title);
    if (waiting.size === 0) return entry.t;
  }
  return null;
};

/** When the last of the final events was acknowledged. */
const finalsWrittenAt = ({ finals, acknowledged }: Evidence): number =>
  Math.max(0, ...(finals?.titles ?? []).map((title) => acknowledged.get(title) ?? 0));

/** How long the slowest client took from the last final event's acknowledgement, milliseconds. */
export const slowestCatchUpMs = (evidence: Evidence): number => {
  const begin = finalsWrittenAt(evidence);
  return Math.max(0, ...evidence.clients.map((client) => (caughtUpAt(client, evidence) ?? begin) - begin));
};

const judgeCatchUp = (client: Witness, evidence: Evidence): readonly Violation[] => {
  const { finals } = evidence;
  if (finals === null) return [];
  const at = caughtUpAt(client, evidence);
  const deadline = finals.healedAt + finals.deadlineMs;
  if (at !== null && at <= deadline) return [];
  const missing = finals.titles.filter(
    (title) => !client.entries.some((each) => each.kind === 'payload' && each.title === title),
  );
  const how = at === null ? `never got ${missing.join(', ')}` : `caught up at ${clockOf(at)}`;
  return [
    {
      rule: 'h',
      actor: client.name,
      record: 'the last events',
      evidence: `${how}; written until ${clockOf(finalsWrittenAt(evidence))}, the deadline was ${clockOf(deadline)}; then it was ${whereaboutsAt(client.entries, deadline)}`,
    },
  ];
};

/** 4403 says that a token is bad, and every token of the campaign is good. */
const isHonestCode = (code: number, honest: ReadonlySet<number>): boolean =>
  code === 1006 || (honest.has(code) && code !== 4403);

/** What is wrong with an entry about the end of a connection or an operation; null: nothing. */
const complaint = (entry: Entry, honest: ReadonlySet<number>): readonly [record: string, evidence: string] | null => {
  if (entry.kind === 'error') return ['operation', entry.text];
  if (entry.kind !== 'closed') return null;
  const { code, reason } = entry;
  if (code !== null) return isHonestCode(code, honest) ? null : [`close ${code}`, reason];
  return /^status (?!503)/.test(reason) ? ['event stream', reason] : null;
};

const judgeCloses = (client: Witness, { finals }: Evidence, honest: ReadonlySet<number>): readonly Violation[] =>
  client.entries.flatMap((entry): Violation[] => {
    const found = complaint(entry, honest);
    // At the end of the run clients leave by themselves.
    if (found === null || (entry.kind === 'closed' && finals !== null && entry.t > finals.t)) return [];
    const [record, evidence] = found;
    return [{ rule: 'j', actor: client.name, record, evidence: `${evidence} at ${clockOf(entry.t)}` }];
  });

/** Rule k. The first look at a process is its base: it has just begun to listen then. */
const judgeGateways = ({ memory, run, crashes }: Evidence): readonly Violation[] => {
  const bound = run?.memoryBoundMiB ?? Number.POSITIVE_INFINITY;
  const processes = Map.groupBy(memory, ({ pid }) => pid);
  const fat = [...processes.values()].flatMap((samples): Violation[] => {
    const base = samples[0]?.rssMiB ?? 0;
    const worst = samples.reduce((most, each) => (each.rssMiB > most.rssMiB ? each : most));
    if (worst.rssMiB <= base + bound) return [];
    const evidence = `${worst.rssMiB} MiB at ${clockOf(worst.t)}, began with ${base} MiB, may grow by ${bound}`;
    return [{ rule: 'k', actor: worst.node, record: `process ${worst.pid}`, evidence }];
  });
  const gone = crashes.map(
    ({ node, code, t }): Violation => ({
      rule: 'k',
      actor: node,
      record: 'process',
      evidence: `ended by itself with ${code} at ${clockOf(t)}`,
    }),
  );
  return [...fat, ...gone];
};

/** Judges clients' connections and catching up, and gateways. */
export const judgeConduct = (evidence: Evidence): readonly Violation[] => {
  const honest = honestCodes();
  const ofClients = evidence.clients.flatMap((client) => [
    ...judgeCatchUp(client, evidence),
    ...judgeCloses(client, evidence, honest),
  ]);
  return [...ofClients, ...judgeGateways(evidence)];
};
