import { setTimeout as delay } from 'node:timers/promises';
import { createRandom, type Random } from '../fuzz/random.ts';
import { messageTo, publish } from '../support/publish.ts';
import type { Audience, Scribe } from './history.ts';

/** Services that publish by mutation, one event after another, at whichever gateway takes their request. */

/** Whom events are for. */
export type Crowd = { readonly users: readonly string[]; readonly topics: readonly string[] };

/** One that runs until it is ended. */
export type Running = { end(): Promise<void> };

/** Mostly a user, sometimes several, a topic, or everyone. */
export const pickAudience = (random: Random, crowd: Crowd): Audience => {
  const dice = random.int(100);
  if (dice < 2) return { everyone: true };
  if (dice < 12) return { topic: random.pick(crowd.topics) };
  return { users: [random.pick(crowd.users)] };
};

const withSeveral = (random: Random, crowd: Crowd): Audience =>
  random.once(12)
    ? { users: [...new Set([0, 1, 2].map(() => random.pick(crowd.users)))] }
    : pickAudience(random, crowd);

const inputOf = (to: Audience): Record<string, unknown> => {
  if ('users' in to) return to.users.length === 1 ? { userId: to.users[0] } : { userIds: to.users };
  return 'topic' in to ? { topic: to.topic } : { everyone: true };
};

export type Publisher = {
  readonly name: string;
  readonly crowd: Crowd;
  readonly seed: number;
  readonly scribe: Scribe;
  readonly token: string;
  /** Events per second. */
  readonly rate: number;
  /** Gives each event a key, and repeats it under that key until it is acknowledged. Else it is tried once, and what became of it is noted. */
  readonly isCareful: boolean;
  /** Null while no gateway is there. */
  httpUrl(): string | null;
};

type Outcome = 'acknowledged' | 'not_written' | 'unknown';

/** A frozen gateway must not keep a publisher for ever. */
const patienceMs = 8_000;

const attempt = async (publisher: Publisher, input: unknown): Promise<Outcome> => {
  const url = publisher.httpUrl();
  if (url === null) return 'not_written';
  const answering = publish(url, { token: publisher.token, input }).catch(() => null);
  const answer = await Promise.race([answering, delay(patienceMs, null)]);
  // A connection that broke says nothing about the event.
  if (answer === null) return 'unknown';
  const result = answer.data?.publishNotification;
  if (result && result.userErrors.length === 0 && result.failedUserIds.length === 0) return 'acknowledged';
  if (result && result.failedUserIds.length > 0) return 'unknown';
  return answer.errors?.[0]?.extensions?.['outcome'] === 'unknown' ? 'unknown' : 'not_written';
};

const settle = async (publisher: Publisher, input: unknown, isOver: () => boolean): Promise<Outcome> => {
  let hasBeenUnknown = false;
  for (;;) {
    const outcome = await attempt(publisher, input);
    if (outcome === 'acknowledged') return outcome;
    hasBeenUnknown ||= outcome === 'unknown';
    if (!publisher.isCareful || isOver()) return hasBeenUnknown ? 'unknown' : outcome;
    await delay(150);
  }
};

/** Starts one. */
export const startPublisher = (publisher: Publisher): Running => {
  const { name, crowd, scribe, rate, isCareful } = publisher;
  const random = createRandom(publisher.seed);
  let isOver = false;
  const one = async (n: number): Promise<void> => {
    const title = `${name}-${n}`;
    const to = withSeveral(random, crowd);
    scribe({ kind: 'published', title, to, isUnfit: false });
    const input = messageTo('', title, { audience: inputOf(to), ...(isCareful ? { idempotencyKey: title } : {}) });
    const outcome = await settle(publisher, input, () => isOver);
    if (outcome === 'acknowledged') scribe({ kind: 'acknowledged', title });
    else scribe({ kind: 'failed', title, outcome });
  };
  const work = async (): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      const began = performance.now();
      await one(n);
      await delay(Math.max(0, 1_000 / rate - (performance.now() - began)));
    }
  };
  const working = work();
  return {
    async end() {
      isOver = true;
      await working;
    },
  };
};
