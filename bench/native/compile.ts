import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheDir } from '../../dev/kafka/cache-dir.ts';

/** The benchmark's own C, compiled on the spot by the machine's `cc` and kept in the cache, by what it was made of. */

const run = promisify(execFile);
const compiler = process.env['CC'] ?? 'cc';

/** A program of its own, or an addon for Node. */
type Kind = 'program' | 'addon';

const headers = fileURLToPath(new URL('include', import.meta.resolve('node-api-headers')));

const argumentsFor = (kind: Kind, source: string, result: string): readonly string[] => {
  const shared = kind === 'addon' ? ['-shared', '-fPIC', '-I', headers] : [];
  return ['-O2', '-Wall', ...shared, '-o', result, source];
};

/** Why nothing can be compiled here; null where it can. The C is for Linux, with epoll. */
export const whyNoCompiler = async (): Promise<string | null> => {
  if (process.platform !== 'linux') return 'the load client is written for Linux (epoll): run the benchmark there';
  try {
    await run(compiler, ['--version']);
    return null;
  } catch {
    return `there is no C compiler (${compiler}): install gcc or clang (Debian, Ubuntu: apt-get install gcc libc6-dev; Alpine: apk add gcc musl-dev), or name yours in CC`;
  }
};

/** Compiles `name` of this folder, if that was not done before; resolves with the file. Rejects with what is to be installed, or what the compiler says. */
export const compile = async (kind: Kind, name: string): Promise<string> => {
  const reason = await whyNoCompiler();
  if (reason !== null) throw new Error(reason);
  const source = fileURLToPath(new URL(name, import.meta.url));
  const made = createHash('sha256').update(`${kind} ${process.arch} ${compiler}`);
  const own = fileURLToPath(new URL('.', import.meta.url));
  const headerFiles = (await readdir(own)).filter((file) => file.endsWith('.h')).map((file) => join(own, file));
  for (const file of [source, ...headerFiles]) made.update(await readFile(file));
  const folder = join(cacheDir(), 'bench');
  const result = join(folder, `${name}-${made.digest('hex').slice(0, 16)}${kind === 'addon' ? '.node' : ''}`);
  if (existsSync(result)) return result;
  await mkdir(folder, { recursive: true });
  const scratch = `${result}.${process.pid}`;
  try {
    await run(compiler, [...argumentsFor(kind, source, scratch)]);
    await rename(scratch, result);
  } finally {
    await rm(scratch, { force: true });
  }
  return result;
};
