/**
 * Which keys occurred in the 4,096 offsets before the one at hand, of one partition. A pure function of the log: whoever reads from 4,096
 * offsets before a record judges it alike, on every node, warm or cold.
 */

/** How far back a duplicate is recognised, in offsets. */
export const duplicateWindowOffsets = 4_096;

export class DuplicateWindow {
  readonly #lastSeen = new Map<string, number>();
  /** Key noted at `offset % 4096`: the one to forget when that place is needed again. */
  readonly #slots: ({ readonly key: string; readonly offset: number } | undefined)[] = [];

  /** Notes `key` at `offset` (rising) and says whether it occurred in the window before. A duplicate is an occurrence too. */
  note(key: string, offset: bigint): boolean {
    const at = Number(offset);
    const last = this.#lastSeen.get(key);
    const slot = at % duplicateWindowOffsets;
    const old = this.#slots[slot];
    if (old !== undefined && this.#lastSeen.get(old.key) === old.offset) this.#lastSeen.delete(old.key);
    this.#slots[slot] = { key, offset: at };
    this.#lastSeen.set(key, at);
    return last !== undefined && last >= at - duplicateWindowOffsets;
  }

  /** Whether `key` occurred in the window before `offset`; nothing is noted. */
  has(key: string, offset: bigint): boolean {
    const last = this.#lastSeen.get(key);
    return last !== undefined && last >= Number(offset) - duplicateWindowOffsets;
  }

  /** Forgets what stood at `from` and after: the log was cut there. Occurrences before it count again. */
  truncate(from: bigint): void {
    const slots = this.#slots.filter((slot) => slot !== undefined);
    this.clear();
    const kept = slots.filter(({ offset }) => offset < Number(from)).sort((a, b) => a.offset - b.offset);
    for (const { key, offset } of kept) this.note(key, BigInt(offset));
  }

  clear(): void {
    this.#lastSeen.clear();
    this.#slots.length = 0;
  }
}
