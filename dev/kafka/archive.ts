import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { archiveFile } from './jars.ts';

const staleAfterMs = 120_000;

const isLockedByAnother = async (lock: string): Promise<boolean> => {
  try {
    await mkdir(lock);
    return false;
  } catch {
    const age = await stat(lock).then(
      (entry) => Date.now() - entry.mtimeMs,
      () => 0,
    );
    if (age > staleAfterMs) await rm(lock, { recursive: true, force: true });
    return true;
  }
};

/** Starts a broker on data in `dir`, stops it cleanly, and leaves what classes it had loaded in `file`. */
export type TrainArchive = (dir: string, file: string) => Promise<void>;

const makeArchive = async (file: string, train: TrainArchive): Promise<void> => {
  const dir = await mkdtemp(join(tmpdir(), 'carillon-kafka-archive-'));
  const fresh = `${file}.${process.pid}`;
  try {
    await train(dir, fresh);
    await rename(fresh, file);
  } catch {
    // An archive only makes starts faster; a machine that cannot make one starts brokers without.
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

/**
 * JVM options that use the class-data archive, which halves a broker's start. Made on first use (about 8 s); a process that
 * finds another one making it goes without.
 */
export const archiveOptions = async (classPath: string, train: TrainArchive): Promise<readonly string[]> => {
  const file = archiveFile(classPath);
  if (!existsSync(file)) {
    await mkdir(dirname(file), { recursive: true });
    const lock = `${file}.lock`;
    if (await isLockedByAnother(lock)) return [];
    await makeArchive(file, train).finally(() => rm(lock, { recursive: true, force: true }));
  }
  return existsSync(file) ? [`-XX:SharedArchiveFile=${file}`, '-Xshare:auto'] : [];
};
