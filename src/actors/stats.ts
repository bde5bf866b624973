import type { Telemetry } from '../telemetry/facade.ts';
import type { Directory } from './directory.ts';
import type { SessionActor } from './session-actor.ts';

/** What the node holds at this moment. */
export type CoreStats = {
  readonly sessions: number;
  /** Sessions by state of the machine (`opening`, `active`, `draining`, …). */
  readonly sessionsByState: Readonly<Record<string, number>>;
  readonly users: number;
  readonly subscriptions: number;
  readonly catchingUp: number;
  readonly outboxBytes: number;
  /** Stretches of the log of which this node knows whom they are for. */
  readonly knownBlocks: number;
  /** How long the log has not answered; 0 in contact. */
  readonly logStalledMs: number;
  /** Warmed up and following. */
  readonly isLive: boolean;
};

type Source = {
  readonly sessions: Iterable<SessionActor>;
  readonly users: number;
  readonly directory: Directory;
  readonly catchingUp: number;
  readonly knownBlocks: number;
  readonly stalledMs: number;
  readonly isLive: boolean;
};

/** Reads the numbers; walks over all sessions, so it is for scrapes and people, not for hot paths. */
export const readStats = (source: Source): CoreStats => {
  const sessionsByState: Record<string, number> = {};
  let sessions = 0;
  let outboxBytes = 0;
  for (const session of source.sessions) {
    const state = session.describe().split(/[. ]/, 1)[0] ?? '';
    sessionsByState[state] = (sessionsByState[state] ?? 0) + 1;
    outboxBytes += session.outboxBytes;
    sessions += 1;
  }
  const { users, directory, catchingUp, knownBlocks, stalledMs: logStalledMs, isLive } = source;
  return {
    sessions,
    sessionsByState,
    users,
    subscriptions: directory.size,
    catchingUp,
    outboxBytes,
    knownBlocks,
    logStalledMs,
    isLive,
  };
};

/** Registers the gauges of this room. */
export const registerGauges = (telemetry: Telemetry, stats: () => CoreStats): void => {
  telemetry.gauge('connections', () =>
    Object.entries(stats().sessionsByState).map(([label, value]) => ({ label, value })),
  );
  telemetry.gauge('subscriptions', () => [{ value: stats().subscriptions }]);
  telemetry.gauge('users', () => [{ value: stats().users }]);
  telemetry.gauge('outboxBytes', () => [{ value: stats().outboxBytes }]);
  telemetry.gauge('catchingUp', () => [{ value: stats().catchingUp }]);
  telemetry.gauge('knownBlocks', () => [{ value: stats().knownBlocks }]);
  telemetry.gauge('logStalledSeconds', () => [{ value: stats().logStalledMs / 1_000 }]);
};

/** How many items have each name. */
export const countBy = <Item>(items: Iterable<Item>, name: (item: Item) => string): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const key = name(item);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
};
