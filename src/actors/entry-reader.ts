import type { DecodeRecord, LogRecord } from '../event.ts';
import type { Counts } from '../telemetry/facade.ts';
import { audienceOf, type Entry, readEntry } from './entry.ts';

/**
 * Reads entries of records that are kept as bytes. Those for many that were read lately are remembered, so that all who come by get the same
 * one and share what is rendered of it.
 */

/** Records with numbers, as far as they are read. */
export type Readable = {
  /** What is remembered of them, by number; null: that record has no entry. The reader's. */
  readonly known: Map<number, Entry | null>;
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
  readonly #remembered = new Set<Readable['known']>();
  #bytes = 0;

  constructor(options: EntryReaderOptions) {
    this.#options = options;
  }

  /** The entry of record `n`; null: it has none. */
  read(records: Readable, n: number): Entry | null {
    const known = records.known.get(n);
    if (known !== undefined) return known;
    const record = records.recordAt(n);
    const entry = this.#decode(record, records.fetchedAtMs(n));
    // Read by one user's sessions alone: it would only grow old.
    if (entry !== null && audienceOf(entry).kind === 'user') return entry;
    this.#remember(records.known, overheadBytes + (entry?.kind === 'event' ? textBytes * entry.envelope.bytes : 0));
    records.known.set(n, entry);
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
  #remember(known: Readable['known'], bytes: number): void {
    if (this.#bytes + bytes > (this.#options.maxBytes ?? defaultMaxBytes)) {
      for (const each of this.#remembered) each.clear();
      this.#remembered.clear();
      this.#bytes = 0;
    }
    this.#remembered.add(known);
    this.#bytes += bytes;
  }
}
