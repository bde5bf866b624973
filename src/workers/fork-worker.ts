import { type ChildProcess, fork } from 'node:child_process';
import type { FromWorker } from './protocol.ts';
import type { ProcessEnd, SpawnWorker, WorkerProcess } from './worker-process.ts';

/** The argument that makes the entry a worker. It is an argument, and not a variable, so that `ps` shows which process is which. */
export const workerArgument = '--worker';

/** Calls `ended` once, when the process is gone and its channel is read to the end: the exit may be noticed before the last message is. */
const onEnd = (child: ChildProcess, ended: (end: ProcessEnd) => void): void => {
  let end: ProcessEnd | null = null;
  let isTold = false;
  const look = (): void => {
    if (end === null || child.connected || isTold) return;
    isTold = true;
    ended(end);
  };
  child.once('exit', (code, signal) => {
    end = { code, signal };
    look();
  });
  child.once('disconnect', look);
  child.on('error', () => {
    // A process that runs is not over because a signal or a message did not reach it.
    if (child.pid !== undefined) return;
    end = { code: null, signal: null };
    if (child.connected) child.disconnect();
    look();
  });
};

/** Null where the system has no room for another process, which `fork` throws for some reasons and tells as an event for others. */
const tryFork = (entry: string, index: number): ChildProcess | null => {
  try {
    return fork(entry, [workerArgument, String(index)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  } catch {
    return null;
  }
};

const nobody: WorkerProcess = { pid: null, send() {}, kill() {} };

/** Starts workers as processes that run `entry` with this process's arguments of Node and its standard output and error. */
export const forkWorkers =
  (entry: string): SpawnWorker =>
  (index, events) => {
    const child = tryFork(entry, index);
    if (child === null) {
      setImmediate(() => events.ended({ code: null, signal: null }));
      return nobody;
    }
    child.on('message', (message) => events.message(message as FromWorker));
    onEnd(child, (end) => events.ended(end));
    return {
      pid: child.pid ?? null,
      send(message) {
        // With a callback a failure is told to it; without one it would be an `error` of the process.
        if (child.connected) child.send(message, () => {});
      },
      kill: () => void child.kill('SIGKILL'),
    };
  };
