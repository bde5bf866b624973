import { text } from 'node:stream/consumers';
import type { Terminal } from './command.ts';
import { runCommandLine } from './run-command-line.ts';

/** The command line's process: arguments in, exit code out. What it does is in run-command-line.ts. */

const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
// `carillon tail | head` closes the pipe: that is an end like any other.
process.stdout.on('error', () => ended.abort());

const terminal: Terminal = {
  env: process.env,
  print: (line) => void process.stdout.write(`${line}\n`),
  say: (line) => void process.stderr.write(`${line}\n`),
  hasColors: process.stdout.isTTY && process.stdout.hasColors() && !process.env['NO_COLOR'],
  readStdin: () => text(process.stdin),
  signal: ended.signal,
};

// The clock's timers do not keep a process alive, and a command may wait for nothing else.
const alive = setInterval(() => {}, 60_000);
process.exitCode = await runCommandLine(process.argv.slice(2), terminal);
clearInterval(alive);
