import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../fuzz/random.ts';
import type { Scribe } from './history.ts';
import { cursorAt } from './place.ts';
import type { Relay } from './relay.ts';
import type { LineFault } from './roster.ts';
import type { Client } from './seat.ts';

/** A client, and the network in front of it. */
export type Line = {
  readonly relay: Relay;
  readonly client: Client;
  readonly scribe: Scribe;
  readonly random: Random;
  /** New connections go to another node from now on. */
  moveOn(): void;
};

/** How long a server keeps a connection open whose client is lost; longer than it takes the heartbeat to notice. */
const abandonedMs = 14_000;

const during = async (line: Line, mode: 'hold' | 'deaf' | 'trickle', ms: number): Promise<void> => {
  line.relay.set(mode);
  await delay(ms);
};

const corrupted = (cursor: string): string => {
  const at = Math.floor(cursor.length / 2);
  return `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`;
};

/** A cursor as another installation would give it: well formed, of a topic that is none of ours. */
const foreign = (random: Random): string =>
  cursorAt({ topic: random.bytes(8).toString('hex'), next: Array.from({ length: 6 }, () => random.int(1_000)) });

const comeBackAt = (line: Line, cursor: string | undefined): void => {
  if (cursor === undefined) return;
  line.client.beginAt(cursor);
  line.relay.cut('rst');
};

/** The old cursor that a client came back with last. */
const lastOld = new WeakMap<Client, string>();

/** One round of each; the next follows after a pause. */
const rounds: Readonly<Record<Exclude<LineFault, 'calm' | 'storm'>, (line: Line) => Promise<void> | void>> = {
  fin: ({ relay }) => relay.cut('fin'),
  rst: ({ relay }) => relay.cut('rst'),
  'half-open': async (line) => {
    await during(line, 'hold', 1_500 + line.random.int(3_000));
    line.relay.abandon(abandonedMs);
  },
  slow: (line) => during(line, 'trickle', 6_000 + line.random.int(6_000)),
  'zero-window': (line) => during(line, 'deaf', 4_000 + line.random.int(8_000)),
  flapping: async ({ relay, random }) => {
    for (let n = 0; n < 6; n++) {
      await delay(200 + random.int(700));
      relay.cut(random.once(2) ? 'rst' : 'fin');
    }
  },
  'other-node': (line) => {
    line.moveOn();
    line.relay.cut(line.random.once(2) ? 'rst' : 'fin');
  },
  /** Its old socket stays open on the node that it leaves. */
  stranded: (line) => {
    line.moveOn();
    line.relay.abandon(abandonedMs);
  },
  'old-cursor': (line) => {
    const { cursors } = line.client;
    const chosen = cursors[line.random.int(Math.max(1, cursors.length))];
    // The same a second time is how stock clients come back: then they are to go on where they were.
    if (chosen === lastOld.get(line.client)) return;
    if (chosen !== undefined) lastOld.set(line.client, chosen);
    comeBackAt(line, chosen);
  },
  'corrupt-cursor': (line) => {
    const last = line.client.cursors.at(-1);
    comeBackAt(line, last === undefined ? undefined : corrupted(last));
  },
  'foreign-cursor': (line) => comeBackAt(line, foreign(line.random)),
};

/** Disturbs one line until `isOver`; at the end everything passes again. */
export const disturb = async (line: Line, fault: LineFault, isOver: () => boolean): Promise<void> => {
  if (fault === 'calm' || fault === 'storm') return;
  while (!isOver()) {
    await delay(500 + line.random.int(2_500));
    if (isOver()) break;
    line.scribe({ kind: 'line', what: fault, phase: 'begin' });
    await rounds[fault](line);
    line.relay.set('pass');
    line.scribe({ kind: 'line', what: fault, phase: 'end' });
  }
};

/** Cuts all of these at once, three times over, so that they all come back in the same moment. */
export const storm = async (lines: readonly Line[], isOver: () => boolean): Promise<void> => {
  for (let n = 0; n < 3 && !isOver(); n++) {
    await delay(1_500 + (lines[0]?.random.int(3_000) ?? 0));
    for (const { scribe } of lines) scribe({ kind: 'line', what: 'storm', phase: 'begin' });
    for (const { relay } of lines) relay.cut('rst');
    for (const { scribe } of lines) scribe({ kind: 'line', what: 'storm', phase: 'end' });
  }
};
