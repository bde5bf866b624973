import type { Audience, LogRecord, NextOffset, TopicName, UserId } from '../event.ts';
import type { Addressee, Entry } from './entry.ts';

/** What was read of a partition in one go, by whom it is for. */

/** Where a record stands, and the time at which it was written. */
export type Place = { readonly offset: bigint; readonly epoch: number; readonly timestampMs: number };

/** Gives a record's entry; null where it has none. */
type Read = (record: LogRecord) => Entry | null;

/** A record that nobody has asked for yet is itself, which may be no more than a place in the bytes that were fetched; then it is its entry. */
export class KeptRecord {
  #entry: Entry | null = null;
  #place: Place;
  #unread: LogRecord | null;
  readonly #read: Read;

  constructor(record: LogRecord, read: Read) {
    this.#place = record;
    this.#unread = record;
    this.#read = read;
  }

  get place(): Place {
    return this.#place;
  }

  /** Read once: who shares it shares what is rendered of it. */
  get entry(): Entry | null {
    const record = this.#unread;
    if (record === null) return this.#entry;
    this.#unread = null;
    this.#place = { offset: record.offset, epoch: record.epoch, timestampMs: record.timestampMs };
    this.#entry = this.#read(record);
    return this.#entry;
  }
}

export type Stretch = {
  /** Everything before it has been read. */
  readonly next: NextOffset;
  /** Of the records, as far as they are kept, with all that they look into. */
  readonly bytes: number;
  /** The records for `addressee` from `position` on, in order. What it takes to read them is up to who asks for their entries. */
  recordsFor(addressee: Addressee, position: bigint): readonly KeptRecord[];
};

/** What a record costs beside its bytes: the objects around them, and its place here. */
const overheadBytes = 400;

const add = <Key>(map: Map<Key, KeptRecord[]>, key: Key, entry: KeptRecord): void => {
  const list = map.get(key);
  if (list === undefined) map.set(key, [entry]);
  else list.push(entry);
};

const byOffset = (a: KeptRecord, b: KeptRecord): number => (a.place.offset < b.place.offset ? -1 : 1);

/** Builds one, record after record. */
export class StretchBuilder {
  readonly #users = new Map<UserId, KeptRecord[]>();
  readonly #topics = new Map<TopicName, KeptRecord[]>();
  readonly #everyone: KeptRecord[] = [];
  readonly #read: Read;
  #bytes = overheadBytes;
  /** What the newest record looks into. */
  #memory: ArrayBufferLike | null = null;

  /** `read` is called when somebody of a record's audience comes by. */
  constructor(read: Read) {
    this.#read = read;
  }

  add(record: LogRecord, audience: Audience): void {
    this.#bytes += overheadBytes + this.#memoryOf(record);
    const kept = new KeptRecord(record, this.#read);
    if (audience.kind === 'user') add(this.#users, audience.userId, kept);
    else if (audience.kind === 'topic') add(this.#topics, audience.topic, kept);
    else this.#everyone.push(kept);
  }

  /** Key, value and headers are views of one piece of memory, which lives as long as they do; records that stand together may share it. */
  #memoryOf({ value }: LogRecord): number {
    const memory = value?.buffer ?? null;
    if (memory === null || memory === this.#memory) return 0;
    this.#memory = memory;
    return memory.byteLength;
  }

  finish(next: NextOffset): Stretch {
    const [users, topics, everyone] = [this.#users, this.#topics, this.#everyone];
    return {
      next,
      bytes: this.#bytes,
      recordsFor({ userId, topics: names, takesEveryone }, position) {
        const lists = names.map((name) => topics.get(name) ?? []);
        if (userId !== null) lists.push(users.get(userId) ?? []);
        if (takesEveryone) lists.push(everyone);
        const all = lists.flat().filter(({ place }) => place.offset >= position);
        return all.length > 1 && lists.length > 1 ? all.sort(byOffset) : all;
      },
    };
  }
}
