import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Tables and statements of the embedded log. */

/** A partition as the worker keeps it in memory. */
export type PartitionRow = {
  readonly row: number;
  readonly topicId: number;
  readonly isCompacted: boolean;
  start: bigint;
  end: bigint;
  /** Of the records that are there. */
  bytes: number;
};

const version = 1;

// `end` is stored, not derived: the offsets of a partition that retention emptied must not begin again.
const tables = `
CREATE TABLE IF NOT EXISTS topics (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL, is_compacted INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS partitions (
  row INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL REFERENCES topics (id), number INTEGER NOT NULL,
  start INTEGER NOT NULL DEFAULT 0, "end" INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (topic_id, number)
) STRICT;
CREATE TABLE IF NOT EXISTS records (
  partition INTEGER NOT NULL, offset INTEGER NOT NULL, timestamp_ms REAL NOT NULL, appended_ms INTEGER NOT NULL,
  key BLOB, value BLOB, headers BLOB NOT NULL, PRIMARY KEY (partition, offset)
) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS newest (
  partition INTEGER NOT NULL, key BLOB NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (partition, key)
) WITHOUT ROWID, STRICT;
PRAGMA user_version = ${version};`;

/** Sets the file up. Throws when it was written by a newer version. */
export const createSchema = (db: DatabaseSync): void => {
  const found = db.prepare('PRAGMA user_version').get()?.['user_version'];
  if (typeof found === 'number' && found > version) {
    throw new Error(`the log has format ${found}, this version reads up to ${version}: run the version that wrote it`);
  }
  db.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  // 4,000 pages: a checkpoint less often than by default, at 16 MB of WAL; measured the smoothest of 200 to 20,000.
  db.exec('PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;');
  db.exec(`BEGIN IMMEDIATE; ${tables} COMMIT;`);
};

/** What a record counts for: 32 bytes for the row, and its own. */
const size = `32 + ifnull(length(key), 0) + ifnull(length(value), 0) + length(headers)`;

const stored = `SELECT row, topic_id, is_compacted, start, "end", bytes
  FROM partitions JOIN topics ON topics.id = partitions.topic_id`;

type StatementName =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'addTopic'
  | 'topic'
  | 'addPartition'
  | 'partitions'
  | 'allPartitions'
  | 'setEnd'
  | 'setStart'
  | 'insert'
  | 'range'
  | 'heads'
  | 'size'
  | 'deleteOne'
  | 'deleteBelow'
  | 'deleteKeysBelow'
  | 'keyOffset'
  | 'setKey'
  | 'dropTombstones'
  | 'forgetTombstones'
  | 'vacuum'
  | 'checkpoint';

const texts: Readonly<Record<StatementName, string>> = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  addTopic: 'INSERT INTO topics (name, fingerprint, is_compacted) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  topic: 'SELECT id, fingerprint, is_compacted FROM topics WHERE name = ?',
  addPartition: 'INSERT INTO partitions (topic_id, number) VALUES (?, ?) ON CONFLICT DO NOTHING',
  partitions: `${stored} WHERE topic_id = ? ORDER BY number`,
  allPartitions: stored,
  setEnd: 'UPDATE partitions SET "end" = ?, bytes = ? WHERE row = ?',
  setStart: 'UPDATE partitions SET start = ?, bytes = ? WHERE row = ?',
  insert: 'INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)',
  range: `SELECT offset, timestamp_ms, key, value, headers FROM records
    WHERE partition = ? AND offset >= ? AND offset < ? ORDER BY offset`,
  heads: `SELECT offset, appended_ms, ${size} AS size FROM records WHERE partition = ? ORDER BY offset LIMIT ?`,
  size: `SELECT ${size} AS size FROM records WHERE partition = ? AND offset = ?`,
  deleteOne: 'DELETE FROM records WHERE partition = ? AND offset = ?',
  deleteBelow: 'DELETE FROM records WHERE partition = ? AND offset < ?',
  deleteKeysBelow: 'DELETE FROM newest WHERE partition = ? AND offset < ?',
  keyOffset: 'SELECT offset FROM newest WHERE partition = ? AND key = ?',
  setKey: `INSERT INTO newest VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET offset = excluded.offset`,
  dropTombstones: 'DELETE FROM records WHERE partition = ? AND value IS NULL AND appended_ms < ?',
  forgetTombstones: `DELETE FROM newest WHERE partition = ? AND offset IN
    (SELECT offset FROM records WHERE partition = ? AND value IS NULL AND appended_ms < ?)`,
  vacuum: 'PRAGMA incremental_vacuum(1000)',
  checkpoint: 'PRAGMA wal_checkpoint(TRUNCATE)',
};

export type Statements = { readonly [Name in StatementName]: StatementSync };

/** Prepares every statement; integers are read as bigint. */
export const prepare = (db: DatabaseSync): Statements => {
  const statements = Object.entries(texts).map(([name, sql]) => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return [name, statement] as const;
  });
  return Object.fromEntries(statements) as Statements;
};
