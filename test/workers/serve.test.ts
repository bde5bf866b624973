import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import type { Gateway, GatewayUrls } from '../../src/gateway.ts';
import type { FromWorker } from '../../src/workers/protocol.ts';
import { createWorker } from '../../src/workers/serve.ts';
import { workersConfig } from './fleet.ts';

const urls: GatewayUrls = { graphql: 'http://127.0.0.1:4000/graphql', console: null, admin: null };

const setUp = (given: Partial<Gateway> = {}) => {
  const said: FromWorker[] = [];
  const exits: number[] = [];
  let drains = 0;
  const gateway: Gateway = {
    start: async () => urls,
    drain: async () => {
      drains++;
    },
    readiness: () => ({ notReady: null, degraded: null }),
    snapshot: () => ({ sessions: 2 }),
    ...given,
  };
  const { promise: exited, resolve } = Promise.withResolvers<void>();
  const worker = createWorker({
    send: async (message) => void said.push(message),
    create: async () => ({ gateway, metrics: async () => 'a 1\n' }),
    exit: (code) => {
      exits.push(code);
      resolve();
    },
  });
  const config = { ...workersConfig(), worker: 1 };
  return { worker, said, exits, exited, start: () => worker.heard({ kind: 'start', config }), drains: () => drains };
};

describe('a worker', () => {
  it('says that it heard, then that it listens and where', async () => {
    const { start, said } = setUp();
    await start();
    expect(said).toEqual([{ kind: 'hello' }, { kind: 'ready', urls }]);
  });

  it('answers what it is asked, under the id of the question', async () => {
    const { start, worker, said } = setUp();
    await start();
    for (const [id, question] of (['alive', 'readiness', 'metrics', 'snapshot'] as const).entries())
      await worker.heard({ kind: 'ask', id, question });
    expect(said.slice(2)).toEqual([
      { kind: 'answer', id: 0, value: null },
      { kind: 'answer', id: 1, value: { notReady: null, degraded: null } },
      { kind: 'answer', id: 2, value: 'a 1\n' },
      { kind: 'answer', id: 3, value: { sessions: 2 } },
    ]);
  });

  it('says what keeps it from answering', async () => {
    const { start, worker, said } = setUp({
      snapshot: () => {
        throw new Error('no machines');
      },
    });
    await start();
    await worker.heard({ kind: 'ask', id: 7, question: 'snapshot' });
    expect(said.at(-1)).toEqual({ kind: 'failed', id: 7, error: 'no machines' });
  });

  it('hands over what a person has to change, then exits 78', async () => {
    const { start, said, exits, drains } = setUp({
      start: () => Promise.reject(new GatewayError('CONFIG_INVALID', 'CARILLON_EVENTS_DIR holds nothing')),
    });
    await start();
    expect(said.at(-1)).toEqual({ kind: 'refused', message: 'CARILLON_EVENTS_DIR holds nothing' });
    expect(exits).toEqual([78]);
    expect(drains()).toBe(1);
  });

  it('lets a bug at the start surface', async () => {
    const { start, exits } = setUp({ start: () => Promise.reject(new TypeError('x is undefined')) });
    await expect(start()).rejects.toThrow('x is undefined');
    expect(exits).toEqual([]);
  });

  it('drains once, however often it is told, and exits 0', async () => {
    const { start, worker, exits, exited, drains } = setUp();
    await start();
    worker.drain();
    await worker.heard({ kind: 'drain' });
    worker.drain();
    await exited;
    expect(exits).toEqual([0]);
    expect(drains()).toBe(1);
  });

  it('exits 1 where the drain fails', async () => {
    const { start, worker, exits, exited } = setUp({ drain: () => Promise.reject(new Error('stuck')) });
    await start();
    worker.drain();
    await exited;
    expect(exits).toEqual([1]);
  });

  it('that is drained while its parts are loaded starts nothing', async () => {
    const { start, worker, exits, exited, said } = setUp();
    const starting = start();
    worker.drain();
    await Promise.all([starting, exited]);
    expect(exits).toEqual([0]);
    expect(said).toEqual([]);
  });

  it('that is drained before its start exits 0 and starts nothing', async () => {
    const { start, worker, exits, exited, said } = setUp();
    worker.drain();
    await start();
    await exited;
    expect(exits).toEqual([0]);
    expect(said).toEqual([]);
  });
});
