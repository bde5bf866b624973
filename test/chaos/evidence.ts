import type { Audience, Entry, Histories, Style } from './history.ts';
import { placeOf } from './place.ts';

/** The histories of a run, put in the order in which the rules of the checker ask for them. */

type Of<Kind extends Entry['kind']> = Extract<Entry, { readonly kind: Kind }>;

/** A record where it stands. */
export type Placed = {
  readonly era: number;
  readonly partition: number;
  readonly offset: number;
  readonly title: string;
  readonly to: Audience;
  /** The same event stands before it in the partition: it was written twice, and is delivered once. */
  readonly isRepeat: boolean;
};

/** A client as it says it is, and all that it wrote down. */
export type Witness = {
  readonly name: string;
  readonly user: string;
  readonly topics: readonly string[];
  readonly style: Style;
  readonly entries: readonly Entry[];
};

/** Something that was done to servers, from when to when. */
export type Deed = {
  readonly name: string;
  readonly node: string | null;
  readonly begin: number;
  readonly end: number;
};

export type Evidence = {
  readonly run: Of<'run'> | null;
  readonly clients: readonly Witness[];
  readonly published: ReadonlyMap<string, Of<'published'>>;
  readonly acknowledged: ReadonlyMap<string, number>;
  readonly failed: ReadonlyMap<string, 'not_written' | 'unknown'>;
  readonly aborted: ReadonlySet<string>;
  /** By era and partition, in order of offset. */
  readonly records: readonly Placed[];
  readonly deeds: readonly Deed[];
  readonly finals: Of<'finals'> | null;
  readonly memory: readonly Of<'memory'>[];
  readonly crashes: readonly Of<'crashed'>[];
  /** Records between two positions of a partition: `from` is included, `to` is not. */
  between(span: {
    readonly era: number;
    readonly partition: number;
    readonly from: number;
    readonly to: number;
  }): readonly Placed[];
  placesOf(title: string): readonly Placed[];
  /** Where the log of a partition began at the latest, at a time. */
  startAt(era: number, partition: number, t: number): number;
  /** The offset after the last record that is known of a partition. A topic may get some more in the moment before it is deleted, which nobody reads. */
  endOf(era: number, partition: number): number;
  /** Which creation of the topic a cursor speaks of; null: none of ours. */
  eraOf(topic: string): number | null;
};

/** Faults by which records leave the log, sometimes before anybody has read them. */
const removing: ReadonlySet<string> = new Set(['delete-records', 'retention', 'topic-recreated']);

/** Whether records may be missing from the log, since a fault of the run removes some. */
export const mayBeRemoved = ({ deeds }: Evidence): boolean => deeds.some(({ name }) => removing.has(name));

/** Whether an event is for a client, by its user and the topics that it follows. */
export const isFor = (to: Audience, { user, topics }: Witness): boolean => {
  if ('users' in to) return to.users.includes(user);
  return 'topic' in to ? topics.includes(to.topic) : true;
};

const keyOf = (era: number, partition: number): string => `${era}/${partition}`;

const placedRecords = (entries: readonly Of<'log'>[]): Map<string, Placed[]> => {
  const partitions = new Map<string, Map<number, Of<'log'>>>();
  for (const entry of entries) {
    const key = keyOf(entry.era, entry.partition);
    const partition = partitions.get(key) ?? new Map();
    partitions.set(key, partition.set(entry.offset, entry));
  }
  const placed = new Map<string, Placed[]>();
  for (const [key, partition] of partitions) {
    const seen = new Set<string>();
    const inOrder = [...partition.values()].sort((a, b) => a.offset - b.offset);
    placed.set(
      key,
      inOrder.map(({ era, partition: index, offset, title, to }) => {
        const identity = JSON.stringify([title, to]);
        const isRepeat = seen.has(identity);
        seen.add(identity);
        return { era, partition: index, offset, title, to, isRepeat };
      }),
    );
  }
  return placed;
};

/** The first record at or behind an offset. */
const indexOf = (records: readonly Placed[], offset: number): number => {
  let [low, high] = [0, records.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle]?.offset ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
};

const deedsOf = (entries: readonly Of<'fault'>[]): Deed[] => {
  const deeds: Deed[] = [];
  for (const { t, name, phase, node } of entries) {
    const open = deeds.findIndex(
      (deed) => deed.name === name && deed.node === node && deed.end === Number.POSITIVE_INFINITY,
    );
    const deed = deeds[open];
    if (phase === 'begin') deeds.push({ name, node, begin: t, end: Number.POSITIVE_INFINITY });
    else if (deed !== undefined) deeds[open] = { ...deed, end: t };
  }
  return deeds;
};

/** Creations of the topic in the order in which anybody got a cursor of them. */
const erasOf = (payloads: readonly Of<'payload'>[]): Map<string, number> => {
  const eras = new Map<string, number>();
  for (const { cursor } of payloads.toSorted((a, b) => a.t - b.t)) {
    const topic = placeOf(cursor)?.topic;
    if (topic !== undefined && topic !== '' && !eras.has(topic)) eras.set(topic, eras.size + 1);
  }
  return eras;
};

const witnesses = (histories: Histories): Witness[] =>
  [...histories].flatMap(([name, entries]) => {
    const self = entries.find((entry) => entry.kind === 'client');
    return self === undefined ? [] : [{ name, user: self.user, topics: self.topics, style: self.style, entries }];
  });

const titlesOf = (records: readonly Placed[]): Map<string, Placed[]> => {
  const byTitle = new Map<string, Placed[]>();
  for (const record of records) byTitle.set(record.title, [...(byTitle.get(record.title) ?? []), record]);
  return byTitle;
};

/** Sorts the histories of a run. */
export const evidenceOf = (histories: Histories): Evidence => {
  const all = [...histories.values()].flat();
  const of = <Kind extends Entry['kind']>(kind: Kind): Of<Kind>[] =>
    all.filter((entry): entry is Of<Kind> => entry.kind === kind);
  const partitions = placedRecords(of('log'));
  const records = [...partitions.values()].flat();
  const byTitle = titlesOf(records);
  const eras = erasOf(of('payload'));
  const starts = Map.groupBy(of('start'), ({ era, partition }) => keyOf(era, partition));
  return {
    run: of('run')[0] ?? null,
    clients: witnesses(histories),
    published: new Map(of('published').map((entry) => [entry.title, entry])),
    acknowledged: new Map(of('acknowledged').map(({ title, t }) => [title, t])),
    failed: new Map(of('failed').map(({ title, outcome }) => [title, outcome])),
    aborted: new Set(of('aborted').map(({ title }) => title)),
    records,
    deeds: deedsOf(of('fault')),
    finals: of('finals')[0] ?? null,
    memory: of('memory'),
    crashes: of('crashed'),
    between({ era, partition, from, to }) {
      const known = partitions.get(keyOf(era, partition)) ?? [];
      return known.slice(indexOf(known, from), indexOf(known, to));
    },
    placesOf: (title) => byTitle.get(title) ?? [],
    startAt: (era, partition, t) =>
      Math.max(
        0,
        ...(starts.get(keyOf(era, partition)) ?? []).filter((each) => each.t <= t).map(({ offset }) => offset),
      ),
    endOf: (era, partition) => (partitions.get(keyOf(era, partition))?.at(-1)?.offset ?? -1) + 1,
    eraOf: (topic) => eras.get(topic) ?? null,
  };
};
