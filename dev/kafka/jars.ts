import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from './cache-dir.ts';

const exec = promisify(execFile);
const here = import.meta.dirname;

/** A program of the JDK: from `JAVA_HOME` where that is set, else from the path. */
export const jdk = (program: 'java' | 'keytool'): string =>
  process.env['JAVA_HOME'] === undefined ? program : join(process.env['JAVA_HOME'], 'bin', program);

/** The configuration of the brokers' logging: warnings and worse, to standard output. */
export const log4jFile: string = join(here, 'log4j2.properties');

const short = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Another release than the pom's, such as 3.9.1, to test against. */
const otherVersion = process.env['CARILLON_TEST_KAFKA_VERSION'] ?? '';

/**
 * The class path of a broker. Maven resolves the jars once (15-20 s, 45 MB); afterwards a file in the cache names them.
 * Rejects with what is missing where Maven or its repository is not to be had.
 */
export const resolveClassPath = async (): Promise<string> => {
  const pom = join(here, 'pom.xml');
  const file = join(cacheDir(), 'kafka', `classpath-${short((await readFile(pom, 'utf8')) + otherVersion)}.txt`);
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (known !== '' && known.split(delimiter).every((jar) => existsSync(jar))) return known;

  await mkdir(join(cacheDir(), 'kafka'), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  const goals = ['dependency:build-classpath', '-DincludeScope=runtime', `-Dmdep.outputFile=${fresh}`];
  if (otherVersion !== '') goals.push(`-Dkafka.version=${otherVersion}`);
  try {
    await exec('mvn', ['-B', '-ntp', '-q', '-f', pom, ...goals], { maxBuffer: 2 ** 24 });
  } catch (cause) {
    throw new Error('maven could not resolve kafka: install maven 3.9 and java 17, and allow its repository', {
      cause,
    });
  }
  await rename(fresh, file);
  return readFileSync(file, 'utf8').trim();
};

/** Where the class-data archive for this class path is kept; made by `archive.ts`. */
export const archiveFile = (classPath: string): string =>
  join(cacheDir(), 'kafka', `kafka-${short(classPath + (process.env['JAVA_HOME'] ?? ''))}.jsa`);
