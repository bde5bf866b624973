import type { RenderPlan } from './render-plan.ts';

/**
 * What was made of payloads or envelopes lately, found again by the object itself: recipients of one event follow each other closely. Two
 * generations, and the older one is dropped as a whole, so that forgetting costs nothing per entry.
 */

export type RecentLimits = {
  /** Entries of one generation. */
  readonly maxEntries: number;
  /** Characters of one generation; what goes beyond by one entry is kept. */
  readonly maxCharacters: number;
};

/** What plans made of one subject. */
type Entry<Made> = {
  readonly plan: RenderPlan;
  readonly made: Made;
  readonly older: Entry<Made> | null;
  readonly depth: number;
};

/** Plans per subject: finding one is a walk. */
const maxDepth = 64;

const findIn = <Made>(newest: Entry<Made> | undefined, plan: RenderPlan): Made | null => {
  for (let entry = newest ?? null; entry !== null; entry = entry.older) if (entry.plan === plan) return entry.made;
  return null;
};

/** Keeps one thing per subject and plan; bounded. */
export class RecentRenderings<Subject extends object, Made> {
  readonly #limits: RecentLimits;
  #young = new Map<Subject, Entry<Made>>();
  #old = new Map<Subject, Entry<Made>>();
  #entries = 0;
  #characters = 0;

  constructor(limits: RecentLimits) {
    this.#limits = limits;
  }

  find(subject: Subject, plan: RenderPlan): Made | null {
    return findIn(this.#young.get(subject), plan) ?? findIn(this.#old.get(subject), plan);
  }

  /** Keeps what `find` did not find. */
  keep(key: { readonly subject: Subject; readonly plan: RenderPlan }, made: Made, characters: number): void {
    const { subject, plan } = key;
    if (this.#entries >= this.#limits.maxEntries || this.#characters >= this.#limits.maxCharacters) this.#turn();
    const newest = this.#young.get(subject);
    const older = newest === undefined || newest.depth >= maxDepth ? null : newest;
    this.#young.set(subject, { plan, made, older, depth: older === null ? 1 : older.depth + 1 });
    this.#entries += 1;
    this.#characters += characters;
  }

  #turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#entries = 0;
    this.#characters = 0;
  }
}
