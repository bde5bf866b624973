import type { Audience, TopicName, UserId } from '../event.ts';
import { type Addressee, audienceOf, type Entry } from './entry.ts';

/** Entries in order of offset, by whom they are for; the oldest of all go first. */

/** Places of what has gone are emptied at once, and removed by and by. */
class Line {
  #entries: (Entry | undefined)[] = [];
  #head = 0;

  get isEmpty(): boolean {
    return this.#head === this.#entries.length;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  shift(): void {
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    if (this.#head <= 256 || this.#head * 2 < this.#entries.length) return;
    this.#entries.splice(0, this.#head);
    this.#head = 0;
  }

  /** The first at or after `offset`. */
  first(offset: bigint): Entry | undefined {
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && entry.position.offset < offset) low = middle + 1;
      else high = middle;
    }
    return this.#entries[low];
  }
}

export class AudienceIndex {
  readonly #users = new Map<UserId, Line>();
  readonly #topics = new Map<TopicName, Line>();
  readonly #everyone = new Line();

  add(entry: Entry): void {
    this.#lineOf(audienceOf(entry)).push(entry);
  }

  /** Takes out an entry, the oldest there is. */
  removeOldest(entry: Entry): void {
    const audience = audienceOf(entry);
    const line = this.#lineOf(audience);
    line.shift();
    if (!line.isEmpty) return;
    if (audience.kind === 'user') this.#users.delete(audience.userId);
    else if (audience.kind === 'topic') this.#topics.delete(audience.topic);
  }

  /** The first entry for `addressee` at or after `offset`. */
  first({ userId, topics, takesEveryone }: Addressee, offset: bigint): Entry | undefined {
    let best = userId === null ? undefined : this.#users.get(userId)?.first(offset);
    const look = (line: Line | undefined): void => {
      const entry = line?.first(offset);
      if (entry !== undefined && (best === undefined || entry.position.offset < best.position.offset)) best = entry;
    };
    if (takesEveryone) look(this.#everyone);
    for (const topic of topics) look(this.#topics.get(topic));
    return best;
  }

  #lineOf(audience: Audience): Line {
    switch (audience.kind) {
      case 'user':
        return lineIn(this.#users, audience.userId);
      case 'topic':
        return lineIn(this.#topics, audience.topic);
      case 'everyone':
        return this.#everyone;
    }
  }
}

const lineIn = <Key>(lines: Map<Key, Line>, key: Key): Line => {
  const known = lines.get(key);
  if (known !== undefined) return known;
  const made = new Line();
  lines.set(key, made);
  return made;
};
