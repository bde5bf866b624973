import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError } from '../errors.ts';
import { minSecretBytes } from './sign-token.ts';

const fileName = 'dev-secret';

const isCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === code;

const readSecret = async (path: string): Promise<string | null> => {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return null;
    throw cause;
  }
};

/** Whole or not at all: the file is written beside and linked into place, so that of several processes the first wins and none reads half. */
const createSecret = async (path: string): Promise<void> => {
  const beside = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  await writeFile(beside, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    await link(beside, path);
  } catch (cause) {
    if (!isCode(cause, 'EEXIST')) throw cause;
  } finally {
    await unlink(beside);
  }
};

/**
 * The secret of dev mode, kept in `<dataDir>/dev-secret` (mode 0600) and made by whoever asks first: gateway and command line on one
 * folder share it. Rejects with CONFIG_INVALID when the folder cannot be used or the file holds too little.
 */
export const devSecret = async (dataDir: string): Promise<string> => {
  const path = join(dataDir, fileName);
  try {
    await mkdir(dataDir, { recursive: true });
    if ((await readSecret(path)) === null) await createSecret(path);
    await chmod(path, 0o600);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError(
      'CONFIG_INVALID',
      `${path} cannot be used (${why}): set CARILLON_DATA_DIR to a folder of yours`,
      { cause },
    );
  }
  const secret = (await readSecret(path)) ?? '';
  if (Buffer.byteLength(secret) >= minSecretBytes) return secret;
  throw new GatewayError(
    'CONFIG_INVALID',
    `${path} holds fewer than ${minSecretBytes} bytes: delete it, a new one will be made`,
  );
};
