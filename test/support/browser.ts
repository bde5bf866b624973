import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sparticuz, { inflate } from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--headless=shell',
  '--disable-background-networking',
  '--no-first-run',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];

/** Libraries and a font travel in the package, for machines that lack them; without a font, text is invisible. */
const unpack = async (): Promise<{ executablePath: string; env: Record<string, string> }> => {
  const folder = fileURLToPath(new URL('../bin/', import.meta.resolve('@sparticuz/chromium')));
  const executablePath = await sparticuz.executablePath();
  await inflate(join(folder, 'al2023.tar.br'));
  await inflate(join(folder, 'fonts.tar.br'));
  const libraries = join(tmpdir(), 'al2023', 'lib');
  return { executablePath, env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_PATH: join(tmpdir(), 'fonts') } };
};

/** Whether a browser can be had: the one in the npm package runs on x64 Linux; elsewhere `CHROMIUM_PATH` names one. */
export const hasBrowser: boolean =
  process.env['CHROMIUM_PATH'] !== undefined || (process.platform === 'linux' && process.arch === 'x64');

/** Starts a real Chromium, headless. The caller closes it. */
export const launchBrowser = async (): Promise<Browser> => {
  const given = process.env['CHROMIUM_PATH'];
  const { executablePath, env } = given === undefined ? await unpack() : { executablePath: given, env: {} };
  return chromium.launch({ executablePath, headless: true, args: flags, env: { ...process.env, ...env } as never });
};
