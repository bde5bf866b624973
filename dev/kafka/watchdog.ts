import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Kills process `pid` when this process ends, however it ends (SIGKILL too): a shell that waits on a pipe which only this
 * process holds open. Returns how to call it off. Not on Windows, which has no such shell: there nothing is watched.
 */
export const killWithMe = (pid: number): (() => void) => {
  if (process.platform === 'win32') return () => {};
  const shell: ChildProcess = spawn('/bin/sh', ['-c', 'read -r _; kill -9 "$1"', 'watchdog', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // In its own process group: a Ctrl-C or a group's end must not take the watchdog before its ward.
    detached: true,
  });
  shell.unref();
  (shell.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  shell.on('error', () => {});
  return () => shell.kill('SIGKILL');
};
