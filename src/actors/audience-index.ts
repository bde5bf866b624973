import type { Audience, TopicName, UserId } from '../event.ts';
import { type Addressee, audienceOf, type Entry } from './entry.ts';
import { EntryLine } from './entry-line.ts';

/** Entries in order of offset, by whom they are for; the oldest of all go first. */

export class AudienceIndex {
  readonly #users = new Map<UserId, EntryLine>();
  readonly #topics = new Map<TopicName, EntryLine>();
  readonly #everyone = new EntryLine();

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
    const look = (line: EntryLine | undefined): void => {
      const entry = line?.first(offset);
      if (entry !== undefined && (best === undefined || entry.position.offset < best.position.offset)) best = entry;
    };
    if (takesEveryone) look(this.#everyone);
    for (const topic of topics) look(this.#topics.get(topic));
    return best;
  }

  #lineOf(audience: Audience): EntryLine {
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

const lineIn = <Key>(lines: Map<Key, EntryLine>, key: Key): EntryLine => {
  const known = lines.get(key);
  if (known !== undefined) return known;
  const made = new EntryLine();
  lines.set(key, made);
  return made;
};
