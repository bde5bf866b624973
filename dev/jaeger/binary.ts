import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir } from '../kafka/cache-dir.ts';

/** The Jaeger that is built and run: the v2 code base, whose module still carries a v1 number. */
export const jaegerVersion = '1.76.0';
const compiler = 'go';
const module = 'github.com/jaegertracing/jaeger/cmd/jaeger';

/** Where the built program is kept. */
export const jaegerPath = (): string => join(cacheDir(), `jaeger-${jaegerVersion}`);

/** The program, if it was built before. */
export const builtJaeger = (): string | null => (existsSync(jaegerPath()) ? jaegerPath() : null);

const run = async (args: readonly string[], cwd: string): Promise<void> => {
  const child = spawn(compiler, args, {
    cwd,
    env: { ...process.env, GOFLAGS: '-mod=mod' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk.toString()}`.slice(-2_000);
  });
  const [code] = await once(child, 'close').catch((cause: unknown) => {
    throw new Error('jaeger cannot be built: there is no go on the PATH (1.24 or newer)', { cause });
  });
  if (code !== 0) throw new Error(`jaeger cannot be built: go ${args.join(' ')} ended with ${code}\n${errors}`);
};

/**
 * Builds Jaeger from its published Go module into the cache, if it is not there: about 7 minutes the first time. Its module cannot be
 * installed directly (`replace` in its go.mod), hence the scratch module. Two that build at once both succeed; the later replaces the earlier.
 */
export const buildJaeger = async (): Promise<string> => {
  const built = builtJaeger();
  if (built !== null) return built;
  await mkdir(cacheDir(), { recursive: true });
  const scratch = await mkdtemp(join(cacheDir(), 'jaeger-build-'));
  try {
    await writeFile(join(scratch, 'go.mod'), 'module example.test/jaeger\n\ngo 1.24\n');
    await run(['get', '-tool', `${module}@v${jaegerVersion}`], scratch);
    await run(['build', '-trimpath', '-ldflags', '-s -w', '-o', 'jaeger', module], scratch);
    await chmod(join(scratch, 'jaeger'), 0o755);
    await rename(join(scratch, 'jaeger'), jaegerPath());
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return jaegerPath();
};
