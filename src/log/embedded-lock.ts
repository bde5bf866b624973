import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GatewayError } from '../errors.ts';

/** The exclusive hold on a data folder. */
export type FolderLock = { release(): void };

const busy = 5;

/**
 * Takes the data folder for this process, creating it where it is missing. The lock is the operating system's, on an SQLite file of its own:
 * it ends with the process, however that ends, so none can be stale. On a network file system it is as good as that system's locks.
 * - another process (or store) has it: throws ALREADY_LOCKED;
 * - the folder cannot be written: throws CONFIG_INVALID.
 */
export const lockFolder = (dataDir: string): FolderLock => {
  let db: DatabaseSync | null = null;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    db = new DatabaseSync(join(dataDir, 'lock.db'), { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
    const held = db;
    return { release: () => held.close() };
  } catch (cause) {
    db?.close();
    throw refusal(dataDir, cause);
  }
};

const refusal = (dataDir: string, cause: unknown): GatewayError => {
  const { message, errcode = 0 } = cause as Error & { errcode?: number };
  if ((errcode & 0xff) === busy) {
    const what = `the data folder ${dataDir} is in use by another process`;
    return new GatewayError('ALREADY_LOCKED', `${what}: stop that one, or set CARILLON_DATA_DIR to another folder`, {
      cause,
    });
  }
  const what = `the data folder ${dataDir} cannot be written (${message})`;
  return new GatewayError('CONFIG_INVALID', `${what}: make it writable, or set CARILLON_DATA_DIR to another folder`, {
    cause,
  });
};
