import type { Seen, SimulatedClient } from './simulated-client.ts';
import { isFor, type Truth, type Written } from './truth.ts';

/** Compares what clients got with what was written. Knows the promises, and nothing of how they are kept. */

/** One line per broken promise. */
export const violationsOf = (
  truth: Truth,
  clients: readonly SimulatedClient[],
  failures: number,
): readonly string[] => {
  const found = clients.flatMap((client) => new Case(truth, client).violations());
  if (failures > 0) found.push(`${failures} actors failed`);
  return found;
};

/** Which accident explains a gap. */
const causes: Readonly<Record<string, 'expired' | 'truncated' | 'recreated' | 'corrupt'>> = {
  EXPIRED: 'expired',
  TRUNCATED: 'truncated',
  RECREATED: 'recreated',
  INVALID_CURSOR: 'corrupt',
};

class Case {
  readonly #truth: Truth;
  readonly #client: SimulatedClient;
  readonly #events: readonly Seen[];
  readonly #gaps: readonly Seen[];
  readonly #byTitle: ReadonlyMap<string, Written>;

  constructor(truth: Truth, client: SimulatedClient) {
    this.#truth = truth;
    this.#client = client;
    this.#events = client.seen.filter(({ isGap }) => !isGap);
    this.#gaps = client.seen.filter(({ isGap }) => isGap);
    this.#byTitle = new Map(truth.written.map((each) => [each.title, each]));
  }

  violations(): string[] {
    const { name, style, connection } = this.#client;
    const all = [
      ...this.#foreign(),
      ...this.#disorder(),
      ...this.#losses(),
      ...this.#repeats(),
      ...this.#unjustified(),
      ...(connection.failures.length > 0 ? ['its operation was ended though it is there'] : []),
      ...(connection.payloads().at(-1)?.isLive === true ? [] : ['it is not live in the end']),
    ];
    return all.map((text) => `${name} (${style}): ${text}`);
  }

  #foreign(): string[] {
    return this.#events
      .filter(({ what }) => {
        const written = this.#byTitle.get(what);
        return written === undefined || written.isUnfit || !isFor(written, this.#client.name);
      })
      .map(({ what }) => `got ${what}, which is not for it`);
  }

  /** On each connection, what was written to a partition comes in the order in which it was written. */
  #disorder(): string[] {
    const found: string[] = [];
    const last = new Map<string, Written>();
    for (const { what, connection } of this.#events) {
      const written = this.#byTitle.get(what);
      if (written === undefined) continue;
      const line = `${connection} ${written.incarnation} ${written.partition}`;
      const before = last.get(line);
      if (before !== undefined && before.at >= written.at)
        found.push(`got ${what} after ${before.title}, which stands behind it`);
      last.set(line, written);
    }
    return found;
  }

  #losses(): string[] {
    const got = new Set(this.#events.map(({ what }) => what));
    return this.#truth.written
      .filter((each) => isFor(each, this.#client.name) && !got.has(each.title))
      .filter((each) => each.at > this.#client.exemptUntil)
      .filter((each) => !this.#isExplained(each))
      .map((each) => `missed ${each.title} (${each.partition}@${each.offset}, ${each.isUnfit ? 'unfit' : each.fate})`);
  }

  /** Whether a gap stands in its place, or nobody could know that it was there. */
  #isExplained(missing: Written): boolean {
    if (missing.isUnfit && this.#isBeforeNext('UNREADABLE', missing)) return true;
    if (missing.fate === 'truncated') return true;
    if (missing.fate === 'expired' && this.#isBeforeNext('EXPIRED', missing)) return true;
    const isOfAnother = missing.incarnation < this.#truth.incarnation;
    return isOfAnother && this.#gaps.some(({ what, at }) => what === 'RECREATED' && at >= missing.at);
  }

  /** The gap that stands for it comes before whatever comes behind it in its partition. */
  #isBeforeNext(reason: string, missing: Written): boolean {
    const next = this.#client.seen.findIndex(({ what, isGap }) => !isGap && this.#isBehind(what, missing));
    const upTo = next < 0 || this.#client.hasBegunAnew ? this.#client.seen : this.#client.seen.slice(0, next);
    return upTo.some(({ what, isGap, at }) => isGap && what === reason && at >= missing.at);
  }

  #isBehind(title: string, than: Written): boolean {
    const written = this.#byTitle.get(title);
    if (written === undefined || written.partition !== than.partition) return false;
    return written.incarnation === than.incarnation && written.at > than.at;
  }

  /** Who passes its cursor gets nothing twice; who answers markers only what it has not answered for. */
  #repeats(): string[] {
    const found: string[] = [];
    const got = new Set<string>();
    for (const { what, connection } of this.#events) {
      if (got.has(what) && !this.#mayComeAgain(what, connection)) found.push(`got ${what} again`);
      got.add(what);
    }
    const perConnection = this.#events.map(({ what, connection }) => `${what} on connection ${connection}`);
    const twice = perConnection.filter((each, n) => perConnection.indexOf(each) < n);
    return [...found, ...twice.map((each) => `got ${each} twice`)];
  }

  #mayComeAgain(title: string, connection: number): boolean {
    const { hasBegunAnew, repeatable } = this.#client;
    // A node that has not heard of the cut may still have what another has taken back.
    if (this.#byTitle.get(title)?.fate === 'truncated') return true;
    return hasBegunAnew || (repeatable.get(connection)?.has(title) ?? false);
  }

  #unjustified(): string[] {
    return this.#gaps
      .filter(({ what, at }) => {
        const cause = causes[what];
        if (cause !== undefined) return (this.#truth.accidents.get(cause) ?? Number.POSITIVE_INFINITY) > at;
        return (
          what !== 'UNREADABLE' || !this.#truth.written.some((each) => each.isUnfit && isFor(each, this.#client.name))
        );
      })
      .map(({ what }) => `got a gap ${what} that nothing explains`);
  }
}
