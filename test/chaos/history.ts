import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What everybody in a run of the campaign did and saw, one file of JSON lines per actor. It is all that the checker gets to know: neither
 * the program under test nor those who torment it have another way to it.
 */

/** Whom an event is for. */
export type Audience = { readonly users: readonly string[] } | { readonly topic: string } | { readonly everyone: true };

/** How a client comes back: with the last cursor, or with nothing but the id of its operation. */
export type Style = 'cursor' | 'zero-code';

/** One thing that happened; `t` is milliseconds since 1970. */
export type Entry = { readonly t: number } & (
  | { readonly kind: 'run'; readonly fault: string; readonly seed: number; readonly memoryBoundMiB: number }
  | { readonly kind: 'client'; readonly user: string; readonly topics: readonly string[]; readonly style: Style }
  | { readonly kind: 'published'; readonly title: string; readonly to: Audience; readonly isUnfit: boolean }
  | { readonly kind: 'acknowledged'; readonly title: string }
  | { readonly kind: 'failed'; readonly title: string; readonly outcome: 'not_written' | 'unknown' }
  | { readonly kind: 'aborted'; readonly title: string }
  /** A connection is through to a node; nothing is subscribed yet. */
  | { readonly kind: 'connected'; readonly node: string }
  /** The subscription was sent, with this cursor. */
  | { readonly kind: 'resumed'; readonly after: string | null }
  | {
      readonly kind: 'payload';
      readonly cursor: string;
      readonly title: string | null;
      readonly id: string | null;
      readonly isLive: boolean;
      readonly gap: { readonly reason: string; readonly since: string | null; readonly until: string | null } | null;
    }
  /** The client answered a marker; `cursor` is the last that it had by then. */
  | { readonly kind: 'echoed'; readonly cursor: string }
  /** `code` is null where there is none: event streams, and refused handshakes. */
  | { readonly kind: 'closed'; readonly code: number | null; readonly reason: string }
  /** The client gave up, or its operation was refused. */
  | { readonly kind: 'error'; readonly text: string }
  /** Something was done to the network of this client. */
  | { readonly kind: 'line'; readonly what: string; readonly phase: 'begin' | 'end' }
  /** Something was done to servers; `node` where it was done to a gateway's process. */
  | { readonly kind: 'fault'; readonly name: string; readonly phase: 'begin' | 'end'; readonly node: string | null }
  /** A gateway's process ended though nobody ended it. */
  | { readonly kind: 'crashed'; readonly node: string; readonly code: number | null }
  /** A record as it stands in the log. `era` counts how often the topic was created. */
  | {
      readonly kind: 'log';
      readonly era: number;
      readonly partition: number;
      readonly offset: number;
      readonly title: string;
      readonly to: Audience;
    }
  /** The log of a partition begins here, from this moment at the latest. */
  | { readonly kind: 'start'; readonly era: number; readonly partition: number; readonly offset: number }
  | { readonly kind: 'memory'; readonly node: string; readonly pid: number; readonly rssMiB: number }
  /** The last events; who has them all has caught up. */
  | {
      readonly kind: 'finals';
      readonly titles: readonly string[];
      readonly healedAt: number;
      readonly deadlineMs: number;
    }
);

type WithoutTime<E> = E extends unknown ? Omit<E, 't'> : never;

/** An entry that has not happened yet. */
export type Happening = WithoutTime<Entry>;

/** One actor's pen. */
export type Scribe = (happening: Happening) => void;

/** Writes the histories of one run. */
export type Recorder = {
  scribe(actor: string): Scribe;
  /** Resolves when everything is in the files. */
  close(): Promise<void>;
};

/** Milliseconds since 1970 on a clock that never goes back. */
export const nowMs = (): number => Math.round(performance.timeOrigin + performance.now());

/** Begins the histories of a run in `folder`, which is created. */
export const createRecorder = async (folder: string): Promise<Recorder> => {
  // What an interrupted run has left there is not of this one.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const files = new Map<string, ReturnType<typeof createWriteStream>>();
  return {
    scribe(actor) {
      const file = createWriteStream(join(folder, `${actor}.jsonl`), { flags: 'a' });
      files.set(actor, file);
      return (happening) => {
        if (!file.writableEnded) file.write(`${JSON.stringify({ t: nowMs(), ...happening })}\n`);
      };
    },
    async close() {
      await Promise.all([...files.values()].map((file) => new Promise<void>((resolve) => file.end(() => resolve()))));
    },
  };
};

/** Histories by actor, each in the order in which it was written. */
export type Histories = ReadonlyMap<string, readonly Entry[]>;

/** Reads the histories of a run. Rejects where the folder has none. */
export const readHistories = async (folder: string): Promise<Histories> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort();
  if (names.length === 0) throw new Error(`${folder} holds no histories (*.jsonl): name the folder of one run`);
  const histories = new Map<string, readonly Entry[]>();
  for (const name of names) {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n').filter((line) => line !== '');
    histories.set(
      name.slice(0, -'.jsonl'.length),
      lines.map((line) => JSON.parse(line) as Entry),
    );
  }
  return histories;
};
