import type { NextOffset } from '../event.ts';
import type { GapChunk } from '../log/event-log.ts';
import type { AddresseeKeys } from './audience-filter.ts';
import type { Addressee, Entry } from './entry.ts';
import type { LogRun, RunReader, Stretch } from './log-run.ts';
import type { Place, RecordPack } from './record-pack.ts';

/** One subscription's way through a reading of the log that it shares with others: of each stretch it sees what is for it. */

/**
 * What comes next.
 * - `record`: an entry for this subscription.
 * - `passed`: everything before `position` has been read.
 * - `waiting`: `wake` is called when there is more.
 * - `ended`: the reading has no more, or did not answer (`error`).
 * - `lost`: it has gone on without this one: another is needed.
 */
export type ScanStep =
  | { readonly kind: 'record'; readonly place: Place; readonly entry: Entry }
  | { readonly kind: 'passed'; readonly position: NextOffset }
  | { readonly kind: 'gap'; readonly gap: GapChunk }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ended'; readonly error: unknown }
  | { readonly kind: 'lost' };

export class Scan implements RunReader {
  readonly #run: LogRun;
  readonly addressee: Addressee;
  readonly #keys: AddresseeKeys;
  readonly #wake: () => void;
  readonly #position: bigint;
  #number: number;
  /** That it goes through; null: none. */
  #stretch: Stretch | null = null;
  /** In the stretch, the next record that is for it; -1: none. */
  #found = -1;
  #isStopped = false;

  constructor(
    run: LogRun,
    from: {
      readonly addressee: Addressee;
      /** The addressee's. */
      readonly keys: AddresseeKeys;
      readonly position: bigint;
      readonly wake: () => void;
    },
  ) {
    this.#run = run;
    this.addressee = from.addressee;
    this.#keys = from.keys;
    this.#position = from.position;
    this.#wake = from.wake;
    this.#number = run.join(this, from.position);
  }

  wake(): void {
    if (!this.#isStopped) this.#wake();
  }

  forgotten(pack: RecordPack): void {
    const stretch = this.#stretch;
    if (stretch?.pack !== pack) return;
    this.#stretch = { ...stretch, pack: pack.only(this.#keys, this.#found) };
    this.#found = Math.min(this.#found, 0);
  }

  isIn(pack: RecordPack): boolean {
    return this.#stretch?.pack === pack;
  }

  step(): ScanStep {
    const stretch = this.#stretch;
    if (stretch === null) return this.#nextItem();
    const { pack } = stretch;
    while (this.#found >= 0) {
      const n = this.#found;
      this.#found = pack.next(this.#keys, n);
      const entry = pack.entryAt(n);
      if (entry !== null) return { kind: 'record', place: pack.placeAt(n), entry };
    }
    this.#stretch = null;
    return { kind: 'passed', position: stretch.next };
  }

  /** Whether it is in the middle of a stretch: what comes next is there already. */
  get isWithin(): boolean {
    return this.#stretch !== null;
  }

  /** How far its reading is from being at `position`; 0 where it has read that already. */
  distanceTo(position: bigint): bigint {
    return this.#run.distanceTo(position);
  }

  /** It is needed no more. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#stretch = null;
    this.#run.leave(this);
  }

  #nextItem(): ScanStep {
    const item = this.#isStopped ? 'lost' : this.#run.item(this, this.#number);
    if (item === null) return { kind: 'waiting' };
    if (item === 'lost') return { kind: 'lost' };
    if (item.kind === 'ended') return item;
    this.#number += 1;
    if (item.kind === 'gap') return item;
    this.#enter(item);
    this.#passEmpty();
    return this.step();
  }

  #enter(stretch: Stretch): void {
    this.#stretch = stretch;
    this.#found = stretch.pack.first(this.#keys, this.#position);
  }

  /** Stretches without anything for this subscription are one step together. */
  #passEmpty(): void {
    while (this.#found < 0) {
      const item = this.#run.kept(this.#number);
      if (item?.kind !== 'stretch') return;
      this.#number += 1;
      this.#enter(item);
    }
  }
}
