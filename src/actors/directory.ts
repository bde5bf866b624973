import type { Audience, TopicName, UserId } from '../event.ts';
import type { Subscription } from './subscription.ts';

/** Who is here, for dispatch: subscriptions by user, by topic, and those that take what is for everyone. */
export class Directory {
  readonly #users = new Map<UserId, Subscription[]>();
  readonly #topics = new Map<TopicName, Subscription[]>();
  readonly #everyone: Subscription[] = [];
  readonly #all = new Set<Subscription>();

  get size(): number {
    return this.#all.size;
  }

  get all(): Iterable<Subscription> {
    return this.#all;
  }

  /** Everybody that `audience` may reach, live or not; an empty list where nobody is. Valid until the next change. */
  find(audience: Audience): readonly Subscription[] {
    switch (audience.kind) {
      case 'user':
        return this.#users.get(audience.userId) ?? nobody;
      case 'topic':
        return this.#topics.get(audience.topic) ?? nobody;
      case 'everyone':
        return this.#everyone;
    }
  }

  add(subscription: Subscription): void {
    const { filter, host } = subscription;
    this.#all.add(subscription);
    if (filter.viewer && host.viewer !== null) addTo(this.#users, host.viewer.userId, subscription);
    for (const topic of new Set(filter.topics)) addTo(this.#topics, topic, subscription);
    if (filter.everyone) this.#everyone.push(subscription);
  }

  remove(subscription: Subscription): void {
    if (!this.#all.delete(subscription)) return;
    const { filter, host } = subscription;
    if (filter.viewer && host.viewer !== null) removeFrom(this.#users, host.viewer.userId, subscription);
    for (const topic of new Set(filter.topics)) removeFrom(this.#topics, topic, subscription);
    if (filter.everyone) take(this.#everyone, subscription);
  }
}

const nobody: readonly Subscription[] = [];

const addTo = <Key>(map: Map<Key, Subscription[]>, key: Key, subscription: Subscription): void => {
  const bucket = map.get(key);
  if (bucket === undefined) map.set(key, [subscription]);
  else bucket.push(subscription);
};

const removeFrom = <Key>(map: Map<Key, Subscription[]>, key: Key, subscription: Subscription): void => {
  const bucket = map.get(key);
  if (bucket === undefined) return;
  take(bucket, subscription);
  if (bucket.length === 0) map.delete(key);
};

/** Order within a bucket means nothing: the last one fills the hole. */
const take = (bucket: Subscription[], subscription: Subscription): void => {
  const index = bucket.indexOf(subscription);
  const last = bucket.pop();
  if (index >= 0 && last !== undefined && index < bucket.length) bucket[index] = last;
  else if (index < 0 && last !== undefined) bucket.push(last);
};
