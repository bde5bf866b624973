import type { LogRecord, NextOffset, TopicName, UserId } from '../event.ts';
import { type Addressee, audienceOf, type Entry } from './entry.ts';

/** What was read of a partition in one go, by whom it is for. */

/** One entry with its place and the time at which its record was written. */
export type StretchEntry = {
  readonly entry: Entry;
  readonly offset: bigint;
  readonly epoch: number;
  readonly timestampMs: number;
};

export type Stretch = {
  /** Everything before it has been read. */
  readonly next: NextOffset;
  /** Of the records, as far as they are kept. */
  readonly bytes: number;
  /** The entries for `addressee` from `position` on, in order. */
  entriesFor(addressee: Addressee, position: bigint): readonly StretchEntry[];
};

/** An entry that nobody is addressed by costs next to nothing. */
const overheadBytes = 200;

const add = <Key>(map: Map<Key, StretchEntry[]>, key: Key, entry: StretchEntry): void => {
  const list = map.get(key);
  if (list === undefined) map.set(key, [entry]);
  else list.push(entry);
};

const byOffset = (a: StretchEntry, b: StretchEntry): number => (a.offset < b.offset ? -1 : 1);

/** Builds one, record after record. */
export class StretchBuilder {
  readonly #users = new Map<UserId, StretchEntry[]>();
  readonly #topics = new Map<TopicName, StretchEntry[]>();
  readonly #everyone: StretchEntry[] = [];
  #bytes = overheadBytes;

  add({ offset, epoch, timestampMs }: LogRecord, entry: Entry | null): void {
    if (entry === null) return;
    this.#bytes += overheadBytes + (entry.kind === 'event' ? entry.envelope.bytes : 0);
    const placed = { entry, offset, epoch, timestampMs };
    const audience = audienceOf(entry);
    if (audience.kind === 'user') add(this.#users, audience.userId, placed);
    else if (audience.kind === 'topic') add(this.#topics, audience.topic, placed);
    else this.#everyone.push(placed);
  }

  finish(next: NextOffset): Stretch {
    const [users, topics, everyone] = [this.#users, this.#topics, this.#everyone];
    return {
      next,
      bytes: this.#bytes,
      entriesFor({ userId, topics: names, takesEveryone }, position) {
        const lists = names.map((name) => topics.get(name) ?? []);
        if (userId !== null) lists.push(users.get(userId) ?? []);
        if (takesEveryone) lists.push(everyone);
        const all = lists.flat().filter(({ offset }) => offset >= position);
        return all.length > 1 && lists.length > 1 ? all.sort(byOffset) : all;
      },
    };
  }
}
