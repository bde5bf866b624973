import type { NextOffset } from '../event.ts';
import type { GapChunk } from '../log/event-log.ts';
import type { Addressee, Entry } from './entry.ts';
import type { LogRun, RunReader } from './log-run.ts';
import type { KeptRecord, Place } from './stretch.ts';

/** One subscription's way through a reading of the log that it shares with others: of each stretch it sees what is for it. */

/**
 * What comes next.
 * - `record`: an entry for this subscription.
 * - `passed`: everything before `next` has been read.
 * - `waiting`: `wake` is called when there is more.
 * - `ended`: the reading has no more, or did not answer (`error`).
 * - `lost`: it has gone on without this one: another is needed.
 */
export type ScanStep =
  | (Place & { readonly kind: 'record'; readonly entry: Entry })
  | { readonly kind: 'passed'; readonly next: bigint; readonly epoch: number }
  | { readonly kind: 'gap'; readonly gap: GapChunk }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ended'; readonly error: unknown }
  | { readonly kind: 'lost' };

export class Scan implements RunReader {
  readonly #run: LogRun;
  readonly addressee: Addressee;
  readonly #wake: () => void;
  readonly #position: bigint;
  #number: number;
  /** Where the stretch ends that it goes through; null: it goes through none. The stretch itself would hold on to what is for others. */
  #end: NextOffset | null = null;
  #records: readonly KeptRecord[] = [];
  #index = 0;
  #isStopped = false;

  constructor(
    run: LogRun,
    from: { readonly addressee: Addressee; readonly position: bigint; readonly wake: () => void },
  ) {
    this.#run = run;
    this.addressee = from.addressee;
    this.#position = from.position;
    this.#wake = from.wake;
    this.#number = run.join(this, from.position);
  }

  wake(): void {
    if (!this.#isStopped) this.#wake();
  }

  step(): ScanStep {
    const end = this.#end;
    if (end === null) return this.#nextItem();
    for (let record = this.#records[this.#index]; record !== undefined; record = this.#records[this.#index]) {
      this.#index += 1;
      const { entry } = record;
      if (entry !== null) return { kind: 'record', ...record.place, entry };
    }
    this.#end = null;
    return { kind: 'passed', ...end };
  }

  /** How far its reading is from being at `position`; 0 where it has read that already. */
  distanceTo(position: bigint): bigint {
    return this.#run.distanceTo(position);
  }

  /** It is needed no more. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#end = null;
    this.#run.leave(this);
  }

  #nextItem(): ScanStep {
    const item = this.#isStopped ? 'lost' : this.#run.item(this, this.#number);
    if (item === null) return { kind: 'waiting' };
    if (item === 'lost') return { kind: 'lost' };
    if (item.kind === 'ended') return item;
    this.#number += 1;
    if (item.kind === 'gap') return item;
    this.#end = item.stretch.next;
    this.#records = item.stretch.recordsFor(this.addressee, this.#position);
    this.#index = 0;
    return this.step();
  }
}
