import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { forkWorkers } from '../../src/workers/fork-worker.ts';
import type { FromWorker } from '../../src/workers/protocol.ts';
import type { ProcessEnd, WorkerProcess } from '../../src/workers/worker-process.ts';

const entry = fileURLToPath(new URL('last-words.js', import.meta.url));

type Run = { readonly process: WorkerProcess; readonly said: FromWorker[]; readonly ended: Promise<ProcessEnd> };

/** The process says as many words as its number is. */
const run = (index: number): Run => {
  const said: FromWorker[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<ProcessEnd>();
  const process = forkWorkers(entry)(index, { message: (message) => said.push(message), ended: resolve });
  return { process, said, ended };
};

describe('a forked worker', () => {
  it('is heard to its last word before its end is told', async () => {
    const { process, said, ended } = run(500);
    process.send({ kind: 'drain' });
    expect(await ended).toEqual({ code: 7, signal: null });
    expect(said).toHaveLength(500);
  });

  it('tells the signal that ended it, and takes no harm from messages after that', async () => {
    const { process, ended } = run(0);
    process.kill();
    expect(await ended).toEqual({ code: null, signal: 'SIGKILL' });
    process.send({ kind: 'drain' });
    process.kill();
  });
  it('that cannot be started tells that it ended, without code and signal', async () => {
    const { execPath } = process;
    process.execPath = '/nowhere/node';
    const { process: made, ended } = run(0);
    process.execPath = execPath;
    expect(made.pid).toBeNull();
    made.send({ kind: 'drain' });
    expect(await ended).toEqual({ code: null, signal: null });
  });
});
