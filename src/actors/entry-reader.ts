import type { DecodeRecord, LogRecord } from '../event.ts';
import type { Counts } from '../telemetry/facade.ts';
import { audienceOf, type Entry, readEntry } from './entry.ts';

/**
 * Reads entries of records that are kept as bytes. One that is for many is the same for all who come by, for as long as anybody has it or it was read
 * lately: they share it, and what is rendered of it.
 */

/** Records with numbers, as far as they are read. */
export type Readable = {
  /** Entries that were read, by the number of their record, as long as they are there; null: that record has none. The reader's. */
  readonly known: Map<number, WeakRef<Entry> | null>;
  recordAt(n: number): LogRecord;
  /** When record `n` was fetched, on the wall clock. */
  fetchedAtMs(n: number): number;
};

/** What an entry takes beside its text, and that for each byte of the record, headers included: a character may take two. */
const overheadBytes = 1_024;
const textBytes = 2;
const defaultMaxBytes = 8_388_608;

export type EntryReaderOptions = {
  readonly decode: DecodeRecord;
  readonly counts: Counts;
  /** Bytes of entries that are remembered. @default 8_388_608 // 8 MiB */
  readonly maxBytes?: number;
};

export class EntryReader {
  readonly #options: EntryReaderOptions;
  /** What was read lately. */
  #remembered: Entry[] = [];
  #bytes = 0;

  constructor(options: EntryReaderOptions) {
    this.#options = options;
  }

  /** The entry of record `n`; null: it has none. */
  read(records: Readable, n: number): Entry | null {
    const reference = records.known.get(n);
    const known = reference?.deref();
    if (known !== undefined || reference === null) return known ?? null;
    const record = records.recordAt(n);
    const entry = this.#decode(record, records.fetchedAtMs(n));
    // Read by one user's sessions alone: it would only grow old.
    if (entry !== null && audienceOf(entry).kind === 'user') return entry;
    records.known.set(n, entry === null ? null : new WeakRef(entry));
    if (entry !== null) this.#remember(entry);
    return entry;
  }

  /** A bug of ours in one record costs that record only, as it did live; else whoever resumes would meet it again and again. */
  #decode(record: LogRecord, fetchedAtMs: number): Entry | null {
    const { decode, counts } = this.#options;
    try {
      return readEntry(record, (each) => decode(each, fetchedAtMs));
    } catch {
      counts.actorFailures += 1;
      return null;
    }
  }

  /** Over the bound all are forgotten at once: which of them would be asked for again, nobody knows. */
  #remember(entry: Entry): void {
    const bytes = overheadBytes + (entry.kind === 'event' ? textBytes * entry.envelope.bytes : 0);
    if (this.#bytes + bytes > (this.#options.maxBytes ?? defaultMaxBytes)) {
      this.#remembered = [];
      this.#bytes = 0;
    }
    this.#remembered.push(entry);
    this.#bytes += bytes;
  }
}
