import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from '../../dev/kafka/cache-dir.ts';

/** Centrifugo, built from its published Go module into the cache. */

/** The version that is built. */
export const centrifugoVersion = '6.9.1';
const module = 'github.com/centrifugal/centrifugo/v6';

/** Where the built program is kept. */
export const centrifugoPath = (): string => join(cacheDir(), `centrifugo-${centrifugoVersion}`);

/** Resolves with null once the program is there, else with the reason why it is not. It is built, which takes minutes, only where `mayBuild`. */
export const whyNoCentrifugo = async ({ mayBuild }: { readonly mayBuild: boolean }): Promise<string | null> => {
  if (existsSync(centrifugoPath())) return null;
  if (!mayBuild) return 'centrifugo was not built before: npm run bench without --quick builds it';
  await mkdir(cacheDir(), { recursive: true });
  const scratch = await mkdtemp(join(cacheDir(), 'centrifugo-build-'));
  const version = `-s -w -X ${module}/internal/build.Version=${centrifugoVersion}`;
  try {
    const args = ['install', '-trimpath', '-ldflags', version, `${module}@v${centrifugoVersion}`];
    await promisify(execFile)('go', args, { env: { ...process.env, GOBIN: scratch } });
    await rename(join(scratch, 'centrifugo'), centrifugoPath());
    return null;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no go on the PATH' : String(error);
    return `centrifugo cannot be built: ${why}`.slice(0, 500);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};
