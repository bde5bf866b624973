import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { devSecret } from '../../src/identity/index.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-secret-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the secret of dev mode', () => {
  it('is made once, readable by its owner alone, and the same for all who ask at once', async () => {
    const dataDir = join(folder, 'data');
    const secrets = await Promise.all(Array.from({ length: 20 }, () => devSecret(dataDir)));
    expect(new Set([...secrets, await devSecret(dataDir)]).size).toBe(1);
    expect(Buffer.byteLength(secrets[0] ?? '')).toBeGreaterThanOrEqual(32);
    expect((await stat(join(dataDir, 'dev-secret'))).mode & 0o777).toBe(0o600);
    expect(await readdir(dataDir)).toEqual(['dev-secret']);
  });

  it('is refused where the file holds too little or the folder cannot be', async () => {
    await writeFile(join(folder, 'dev-secret'), 'short\n');
    await expect(devSecret(folder)).rejects.toThrow(/holds fewer than 32 bytes: delete it/);
    await expect(devSecret(join(folder, 'dev-secret'))).rejects.toThrow(/set CARILLON_DATA_DIR/);
  });
});
