/**
 * Carillon needs Node 24. This file and the two beside it are plain JavaScript that Node 20 can read: they hand over to the Node 24
 * that the install brought, or say what to do.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

const needed = 24;

const installedNode = () => {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-${platform}-${process.arch}/package.json`);
    const path = join(dirname(manifest), 'bin', platform === 'win' ? 'node.exe' : 'node');
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
};

const handOver = (node, file) => {
  const child = spawn(node, [...process.execArgv, file, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  // A terminal's Ctrl-C reaches the child by itself: passed on, it would be the second signal, which ends a gateway without a drain.
  const hasTerminal = [0, 1, 2].some((stream) => isatty(stream));
  process.on('SIGINT', () => hasTerminal || child.kill('SIGINT'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
};

/**
 * Runs the module at `url` on Node 24: here if this is one, else in the Node that the install brought.
 * Where there is none either, says so and exits 78.
 */
export const onNode24 = async (url) => {
  if (Number(process.versions.node.split('.')[0]) >= needed) return import(url.href);
  const node = installedNode();
  if (node !== null) return handOver(node, fileURLToPath(url));
  console.error(
    `carillon needs Node ${needed}, this is ${process.versions.node}: run npm install, which brings it on Linux and Windows, ` +
      'or install Node 24 from https://nodejs.org',
  );
  process.exit(78);
};
