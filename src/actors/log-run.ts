import type { LogRecord, NextOffset, OpenRecord, PartitionId } from '../event.ts';
import type { EventLog, GapChunk, LogChunk, RecordChunk } from '../log/event-log.ts';
import type { Counts } from '../telemetry/facade.ts';
import type { Blocks } from './blocks.ts';
import { DuplicateWindow, duplicateWindowOffsets } from './duplicate-window.ts';
import { type Addressee, isAddressed, type NoteKey, openEntry } from './entry.ts';
import type { EntryReader } from './entry-reader.ts';
import type { FeedGap } from './intake.ts';
import { RecordPack, toPacked } from './record-pack.ts';
import type { Scheduler } from './scheduler.ts';
import { partitionsOf, type Tail } from './tail.ts';
import type { Turn } from './turn.ts';

/**
 * One reading of a partition, from a position to the tail, shared by all who are catching up there: each record is fetched once, and decoded once if
 * it is for any of them. It goes on as long as anybody waits for more, and keeps what it has read for those who are slower or come later, within
 * bounds. Who falls behind these has lost it. For one who is the only one to catch up, what is for others is not kept: who comes later begins anew, or where it is by then.
 */

export type LogRunDeps = {
  readonly log: EventLog;
  readonly open: OpenRecord;
  readonly reader: EntryReader;
  /** Wall clock. */
  now(): number;
  readonly turn: Turn;
  readonly scheduler: Scheduler;
  readonly counts: Counts;
  readonly blocks: Blocks;
  readonly tail: Tail;
  /** Bytes of records that are kept for those who are slower. */
  readonly maxKeptBytes: number;
  /** Whether nobody else is catching up who could read along, and who comes later may begin another reading. */
  isAlone(partition: PartitionId): boolean;
  /** Nobody uses it for now, or it has come to its end. `hasCeased`: by that it reads no more, as it did before. */
  rests(run: LogRun, hasCeased: boolean): void;
};

/** What was read in one go. */
export type Stretch = {
  readonly kind: 'stretch';
  readonly pack: RecordPack;
  /** Everything before it has been read. */
  readonly next: NextOffset;
};

export type RunItem =
  | Stretch
  | { readonly kind: 'gap'; readonly gap: GapChunk }
  /** `error` null: the log has no more for now. */
  | { readonly kind: 'ended'; readonly error: unknown };

/** How far the records of a chunk have been opened. */
type Opening = {
  readonly pack: RecordPack;
  readonly fetchedAtMs: number;
  /** Whom alone it is opened for; null: for all who may come. */
  readonly only: Addressee | null;
  index: number;
};

/** Somebody who reads along. */
export type RunReader = {
  readonly addressee: Addressee;
  wake(): void;
  /** Whether it is in the middle of `pack`. */
  isIn(pack: RecordPack): boolean;
  /** The pack that it is in is kept no more: it takes out what it still needs. */
  forgotten(pack: RecordPack): void;
};

/** More than these are better off with what they have in common. */
const fewReaders = 4;

export class LogRun {
  readonly partition: PartitionId;
  readonly #deps: LogRunDeps;
  readonly #window = new DuplicateWindow();
  readonly #abort = new AbortController();
  readonly #chunks: AsyncIterator<LogChunk>;
  readonly #readers = new Set<RunReader>();
  readonly #waiting = new Set<RunReader>();
  #items: RunItem[] = [];
  /** Number of the first item that is kept. */
  #first = 0;
  #keptBytes = 0;
  /** Before it, nothing is kept. */
  #keptFrom: bigint;
  #next: bigint;
  readonly #to: bigint;
  /** Its duplicates are known without reading what comes before. */
  readonly #isKnown: boolean;
  #isBusy = false;
  /** It reads no more. */
  #isOver = false;
  /** What it has read can be had no more, but for those who read along. */
  #isVoid = false;

  /** Reads `[from, to)`, or less: where blocks are known, as far as they are. */
  constructor(deps: LogRunDeps, range: { partition: PartitionId; from: bigint; to: bigint }) {
    this.#deps = deps;
    this.partition = range.partition;
    const knownTo = deps.blocks.knownTo(range.partition, range.from);
    this.#isKnown = knownTo > range.from;
    const preRoll = this.#isKnown ? 0n : BigInt(duplicateWindowOffsets);
    const start = range.from > preRoll ? range.from - preRoll : 0n;
    // What is read before it only shows which records are duplicates.
    this.#keptFrom = range.from;
    this.#to = this.#isKnown && knownTo < range.to ? knownTo : range.to;
    this.#next = start;
    const { signal } = this.#abort;
    this.#chunks = deps.log.read(range.partition, start, this.#to, { signal })[Symbol.asyncIterator]();
  }

  /** Whether what it has read counts for nothing after `gap`. */
  isVoidAfter(gap: FeedGap): boolean {
    if (gap.reason === 'EXPIRED') return false;
    return gap.reason === 'TRUNCATED' ? gap.partition === this.partition : gap.partitions.includes(this.partition);
  }

  /** Whether what lies from `position` on can be had here: kept, or still to be read. */
  reaches(position: bigint): boolean {
    return !this.#isVoid && position >= this.#keptFrom && position < this.#end;
  }

  /** Before it, everything is read here or will be. */
  get #end(): bigint {
    return this.#isOver ? this.#next : this.#to;
  }

  /** Whether it goes on reading: it counts against how many may. */
  get isReading(): boolean {
    return !this.#isOver && this.#readers.size > 0;
  }

  /** Whether it has come to its end: whoever joins it has it read nothing. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whoever comes to this position can go on here; null where nobody can. */
  get joinableFrom(): bigint | null {
    return this.#isVoid || this.#keptFrom >= this.#end ? null : this.#keptFrom;
  }

  /** Whether something that has been read is kept. */
  get isWorthKeeping(): boolean {
    return !this.#isVoid && this.#keptFrom < this.#next;
  }

  /** How far it is from being at `position`; 0 where it has read that already. */
  distanceTo(position: bigint): bigint {
    return position > this.#next ? position - this.#next : 0n;
  }

  /** Takes `reader` in; the number of the item that holds `position`, or of the next one. */
  join(reader: RunReader, position: bigint): number {
    this.#readers.add(reader);
    const index = this.#items.findIndex((item) => item.kind !== 'stretch' || item.next.next > position);
    return this.#first + (index < 0 ? this.#items.length : index);
  }

  /** Without readers it reads nothing. */
  leave(reader: RunReader): void {
    this.#readers.delete(reader);
    this.#waiting.delete(reader);
    if (this.#readers.size === 0) this.#deps.rests(this, !this.#isOver);
  }

  /** The item of that number; null: not there yet, and `wake` comes when it is; 'lost': not kept any more. */
  item(reader: RunReader, number: number): RunItem | 'lost' | null {
    if (number < this.#first) return 'lost';
    const item = this.kept(number);
    if (item !== undefined) return item;
    if (this.#isOver) return 'lost';
    this.#waiting.add(reader);
    this.#read();
    return null;
  }

  /** The item of that number where it is kept; nothing is read for it. */
  kept(number: number): RunItem | undefined {
    return this.#items[number - this.#first];
  }

  /** Ends it for whoever does not read along yet; what is being read is thrown away. */
  stop(): void {
    this.#isVoid = true;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#abort.abort();
    // A generator that is in the middle of a read takes this note when it comes back.
    this.#chunks.return?.(undefined)?.then(undefined, () => {});
  }

  /** After `stop`: gives up what is kept. Who still goes through it has lost it, but for what it is in the middle of. */
  release(): void {
    for (const item of this.#items) if (item.kind === 'stretch') this.#forgetPack(item.pack);
    this.#first += this.#items.length;
    this.#items = [];
  }

  #read(): void {
    if (this.#isBusy || this.#isOver) return;
    this.#isBusy = true;
    this.#chunks.next().then(
      (result) => this.#arrived(result.done === true ? null : result.value),
      (error: unknown) => this.#cease(error),
    );
  }

  /** The topic was made anew, and the feed has not said so yet: positions are of the old one. */
  get #isOfAnotherTopic(): boolean {
    const { log, tail } = this.#deps;
    const topic = log.topology().topics.find((each) => partitionsOf(each).includes(this.partition));
    return topic !== undefined && topic.fingerprint !== tail.fingerprintOf(this.partition);
  }

  #arrived(chunk: LogChunk | null): void {
    if (this.#isOver) return;
    if (this.#isOfAnotherTopic) this.#cease(null);
    else if (chunk === null) this.#add({ kind: 'ended', error: null });
    else if (chunk.kind === 'gap') {
      if (chunk.reason !== 'EXPIRED') this.#window.truncate(chunk.from);
      this.#next = chunk.reason === 'EXPIRED' ? chunk.to : chunk.from;
      this.#add({ kind: 'gap', gap: chunk });
    } else this.#open(chunk);
  }

  /**
   * Epochs never fall along a log: a later one below the tail than at it shows that the log was cut, and the feed has not said so yet. Until it
   * does, nobody may go on: new records would count as read that stand where other ones stood.
   */
  #isAfterCut({ epoch }: LogRecord): boolean {
    const tailEpoch = this.#deps.tail.at(this.partition)?.epoch ?? -1;
    return tailEpoch >= 0 && epoch > tailEpoch;
  }

  /** Null: what was known when it began is void by now, or had to go. */
  #noteKey(record: LogRecord): NoteKey | null {
    const { blocks } = this.#deps;
    if (!this.#isKnown) return (key, offset) => this.#window.note(key, offset);
    if (!blocks.isKnown(this.partition, record.offset)) return null;
    return (_, offset) => blocks.isDuplicate(this.partition, offset);
  }

  #open(chunk: RecordChunk): void {
    const fetchedAtMs = this.#deps.now();
    const pack = new RecordPack(this.partition, this.#deps.reader);
    const only = this.#onlyReader();
    if (only !== null && chunk.next.next > this.#keptFrom) this.#keptFrom = chunk.next.next;
    this.#openOn(chunk, { pack, fetchedAtMs, only, index: 0 });
  }

  #onlyReader(): Addressee | null {
    const [reader] = this.#readers;
    return reader !== undefined && this.#readers.size === 1 && this.#deps.isAlone(this.partition)
      ? reader.addressee
      : null;
  }

  /** As many records as the turn allows, one at least, then the rest in later turns. */
  #openOn(chunk: RecordChunk, state: Opening): void {
    if (this.#isOver) return;
    const { turn, scheduler } = this.#deps;
    do {
      const record = chunk.records[state.index];
      state.index += 1;
      if (record !== undefined && !this.#take(record, state)) return;
    } while (state.index < chunk.records.length && !turn.isOver);
    if (state.index < chunk.records.length) {
      scheduler.soon(() => this.#openOn(chunk, state));
      return;
    }
    this.#next = chunk.next.next;
    state.pack.seal();
    this.#add({ kind: 'stretch', pack: state.pack, next: chunk.next });
  }

  /** False: reading is over, this record may be another than the one that stood there. */
  #take(record: LogRecord, { pack, fetchedAtMs, only }: Opening): boolean {
    const noteKey = this.#isAfterCut(record) ? null : this.#noteKey(record);
    if (noteKey === null) {
      this.#cease(null);
      return false;
    }
    const { counts, open } = this.#deps;
    counts.catchUpRecords += 1;
    counts.catchUpBytes += record.value?.length ?? 0;
    const opened = this.#guarded(() => openEntry(record, (each) => open(each, fetchedAtMs), noteKey));
    const isKept = opened?.isDuplicate === false && (only === null || isAddressed(only, opened.audience));
    if (isKept) pack.add(toPacked(record), opened.audience, fetchedAtMs);
    return true;
  }

  /** A bug of ours in one record costs that record only, here as it did live; else whoever resumes would meet it again and again. */
  #guarded<Result>(task: () => Result): Result | null {
    try {
      return task();
    } catch {
      this.#deps.counts.actorFailures += 1;
      return null;
    }
  }

  /** It came to an end before its time: what it has read is not vouched for. */
  #cease(error: unknown): void {
    this.#isVoid = true;
    this.#add({ kind: 'ended', error });
  }

  #add(item: RunItem): void {
    if (this.#isOver) return;
    this.#isBusy = false;
    this.#items.push(item);
    if (item.kind === 'stretch') this.#keptBytes += item.pack.bytes;
    this.#forget();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    if (item.kind === 'ended') {
      this.#isOver = true;
      this.#deps.rests(this, true);
    }
    for (const reader of waiting) reader.wake();
  }

  /** What is too much to keep goes, but for the newest. */
  #forget(): void {
    while (this.#keptBytes > this.#deps.maxKeptBytes && this.#items.length > 1) {
      const oldest = this.#items.shift();
      this.#first += 1;
      if (oldest === undefined) return;
      if (oldest.kind === 'stretch') this.#forgetPack(oldest.pack);
      const end = this.#endOf(oldest);
      if (end > this.#keptFrom) this.#keptFrom = end;
    }
  }

  #forgetPack(pack: RecordPack): void {
    this.#keptBytes -= pack.bytes;
    const within = [...this.#readers].filter((reader) => reader.isIn(pack));
    // Together they keep it: that is less than a copy for each, and they go on sharing what is read of it.
    if (within.length <= fewReaders) for (const reader of within) reader.forgotten(pack);
  }

  /** Who stands before it has not seen the item. Where the log was cut or made anew, that is everybody. */
  #endOf(item: RunItem): bigint {
    if (item.kind === 'stretch') return item.next.next;
    return item.kind === 'gap' && item.gap.reason === 'EXPIRED' ? item.gap.to : this.#to;
  }
}
