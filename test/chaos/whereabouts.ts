import type { Entry } from './history.ts';
import { clockOf } from './violation.ts';

/** Where a client was at a time, for whoever has to find out why it did not get something. */

type State = {
  /** Null: away. */
  readonly node: string | null;
  readonly since: number;
  readonly isSubscribed: boolean;
  readonly payloads: number;
  /** When and how its last connection ended. */
  readonly lastClose: string;
  /** Connections since the last subscription that ended without one. */
  readonly inVain: number;
};

const nowhere: State = {
  ...{ node: null, since: 0, isSubscribed: false, payloads: 0, inVain: 0 },
  lastClose: 'never closed',
};

const step = (state: State, entry: Entry): State => {
  const { t } = entry;
  switch (entry.kind) {
    case 'connected':
      return { ...state, node: entry.node, since: t, isSubscribed: false };
    case 'resumed':
      return { ...state, since: t, isSubscribed: true, payloads: 0 };
    case 'payload':
      return { ...state, payloads: state.payloads + 1 };
    case 'closed': {
      const lastClose = `closed with ${entry.code ?? entry.reason} at ${clockOf(t)}`;
      const inVain = state.isSubscribed ? 0 : state.inVain + 1;
      return { ...state, node: null, since: t, isSubscribed: false, lastClose, inVain };
    }
    default:
      return state;
  }
};

/** One line about the client of these entries at `t`: connected or not, since when, what has come since, and what was before. */
export const whereaboutsAt = (entries: readonly Entry[], t: number): string => {
  const { node, since, isSubscribed, payloads, lastClose, inVain } = entries
    .filter((entry) => entry.t <= t)
    .reduce(step, nowhere);
  const before = `${lastClose}, then ${inVain} attempts in vain`;
  if (node === null) return `away: ${before}`;
  const what = isSubscribed ? `${payloads} payloads` : 'not subscribed';
  return `on ${node} since ${clockOf(since)}, ${what}; before: ${before}`;
};
