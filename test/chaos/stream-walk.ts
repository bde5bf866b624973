import type { Evidence, Placed, Witness } from './evidence.ts';
import { isFor } from './evidence.ts';
import type { Entry } from './history.ts';
import { type Place, placeOf } from './place.ts';

/** A client's history as a walk: one connection after another, and in each of them one step per payload, from a position to the next. */

type Payload = Extract<Entry, { readonly kind: 'payload' }>;

/** From where to where one payload took the client. */
export type Step = {
  readonly payload: Payload;
  /** Null where the server chose: the first payload of a subscription that passed no cursor. */
  readonly from: Place | null;
  /** Null where the payload's cursor is none. */
  readonly to: Place | null;
};

/** One subscription, from its `subscribe` to the next. */
export type Visit = {
  readonly t: number;
  readonly node: string;
  readonly after: string | null;
  readonly steps: readonly Step[];
  /** The last payload before this visit; null in the first. */
  readonly last: Payload | null;
  /** When the connection was made on which it came. */
  readonly lastConnectedAt: number;
  /** Nodes that the client had to do with since that payload, this one not included. */
  readonly nodesSinceLast: readonly string[];
  /** When the connection before ended. */
  readonly closedAt: number;
  /** What the client had answered for sure before this visit; null: nothing. */
  readonly echoed: Place | null;
};

type Interval = { readonly begin: number; readonly end: number };

const lineIntervals = (entries: readonly Entry[]): Interval[] => {
  const intervals: Interval[] = [];
  let begin: number | null = null;
  for (const entry of entries) {
    if (entry.kind !== 'line') continue;
    if (entry.phase === 'begin') begin = entry.t;
    else if (begin !== null) intervals.push({ begin, end: entry.t });
  }
  return intervals;
};

/** An answer that was sent into an undisturbed connection this long before anything happened to it has arrived. */
const arrivalMs = 1_500;

/** Decides which of a client's answers arrived for sure. */
class Echoes {
  readonly #lines: readonly Interval[];
  readonly #deeds: Evidence['deeds'];
  #waiting: { readonly t: number; readonly place: Place; readonly node: string }[] = [];
  #sure: Place | null = null;

  constructor(client: Witness, evidence: Evidence) {
    this.#lines = lineIntervals(client.entries);
    this.#deeds = evidence.deeds;
  }

  note(t: number, cursor: string, node: string): void {
    const place = placeOf(cursor);
    if (place !== null) this.#waiting.push({ t, place, node });
  }

  /** The connection ended at `t`. */
  ended(t: number): void {
    const sure = this.#waiting.filter((echo) => echo.t + arrivalMs <= t && !this.#isDisturbed(echo.t, echo.node));
    this.#sure = sure.at(-1)?.place ?? this.#sure;
    this.#waiting = [];
  }

  get sure(): Place | null {
    return this.#sure;
  }

  #isDisturbed(t: number, node: string): boolean {
    const meets = ({ begin, end }: Interval): boolean => begin <= t + arrivalMs && end >= t - arrivalMs;
    return this.#lines.some(meets) || this.#deeds.some((deed) => deed.node === node && meets(deed));
  }
}

type OpenVisit = Visit & { readonly steps: Step[] };

/** Goes through a client's history. */
class Walk {
  readonly visits: OpenVisit[] = [];
  readonly #echoes: Echoes;
  #node = '';
  #last: Payload | null = null;
  #connectedAt = 0;
  #lastConnectedAt = 0;
  #nodesSinceLast: string[] = [];
  #closedAt = 0;

  constructor(client: Witness, evidence: Evidence) {
    this.#echoes = new Echoes(client, evidence);
    for (const entry of client.entries) this.#take(entry);
  }

  #take(entry: Entry): void {
    switch (entry.kind) {
      case 'connected':
        this.#node = entry.node;
        this.#connectedAt = entry.t;
        break;
      case 'closed':
        this.#echoes.ended(entry.t);
        this.#nodesSinceLast.push(this.#node);
        this.#closedAt = entry.t;
        break;
      case 'resumed':
        this.#begin(entry.t, entry.after);
        break;
      case 'echoed':
        this.#echoes.note(entry.t, entry.cursor, this.#node);
        break;
      case 'payload':
        this.#step(entry);
        break;
    }
  }

  #begin(t: number, after: string | null): void {
    this.visits.push({
      t,
      node: this.#node,
      after,
      steps: [],
      last: this.#last,
      lastConnectedAt: this.#lastConnectedAt,
      nodesSinceLast: [...this.#nodesSinceLast],
      closedAt: this.#closedAt,
      echoed: this.#echoes.sure,
    });
  }

  #step(payload: Payload): void {
    const visit = this.visits.at(-1);
    if (visit === undefined) return;
    const before = visit.steps.at(-1);
    const from = before === undefined ? placeOf(visit.after ?? '') : before.to;
    visit.steps.push({ payload, from, to: placeOf(payload.cursor) });
    this.#last = payload;
    this.#lastConnectedAt = this.#connectedAt;
    this.#nodesSinceLast = [];
  }
}

/** The visits of a client. */
export const visitsOf = (client: Witness, evidence: Evidence): readonly Visit[] => new Walk(client, evidence).visits;

/** What lies between two positions for a client, without what was written twice. */
export const passedBy = (
  client: Witness,
  evidence: Evidence,
  span: { readonly from: Place; readonly to: Place },
): readonly Placed[] => {
  const era = evidence.eraOf(span.to.topic);
  if (era === null || span.from.topic !== span.to.topic) return [];
  return span.to.next.flatMap((to, partition) => {
    const from = span.from.next[partition] ?? 0;
    if (from < 0 || to <= from) return [];
    return evidence
      .between({ era, partition, from, to })
      .filter((record) => !record.isRepeat && isFor(record.to, client));
  });
};

/** Partitions in which `to` lies before `from`, where both speak of the same creation of the topic. */
export const wentBack = ({ from, to }: { readonly from: Place; readonly to: Place }): readonly number[] =>
  from.topic !== to.topic
    ? []
    : from.next.flatMap((next, partition) => ((to.next[partition] ?? -1) < next ? [partition] : []));
