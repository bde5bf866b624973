import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRevocations, createVerifier, type Revocations, signToken } from '../../src/identity/index.ts';
import { type ControlTopic, controlTopic, createControlTopic } from '../../src/log/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import type { Viewer } from '../../src/viewer.ts';
import { createMemoryStore, type MemoryStore } from '../support/memory-log.ts';
import { createSimulatedClock, type SimulatedClock } from '../support/simulated-clock.ts';
import { options, secret } from './fixtures.ts';

const hour = 3_600_000;

describe('revocations', () => {
  let clock: SimulatedClock;
  let store: MemoryStore;
  const open: { close(): unknown }[] = [];

  beforeEach(() => {
    clock = createSimulatedClock();
    store = createMemoryStore({ clock, partitionCount: 1 });
  });
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
    await store.close();
  });

  const control = async (): Promise<ControlTopic> => {
    const made = createControlTopic({ log: store.log([controlTopic]) }, { clock, logger: silentLogger });
    open.push(made);
    await made.ready;
    return made;
  };

  const node = async (keepMs = 24 * hour): Promise<Revocations> => {
    const made = createRevocations({ store: await control(), clock, logger: silentLogger, keepMs });
    open.push(made);
    return made;
  };

  const heard = (revocations: Revocations): Promise<void> =>
    new Promise((resolve) => {
      const stop = revocations.onRevoked(() => {
        stop();
        resolve();
      });
    });

  const viewer = (more: Partial<Viewer>): Viewer => ({
    userId: 'ada' as Viewer['userId'],
    scopes: new Set(),
    topics: [],
    expiresAtMs: clock.now() + hour,
    issuer: '',
    tokenId: 't1',
    sessionId: 's1',
    issuedAtMs: clock.now() - 1_000,
    ...more,
  });

  it.each(['user', 'session', 'token'] as const)('of a %s bind every node, for tokens issued before', async (kind) => {
    const id = { user: 'ada', session: 's1', token: 't1' }[kind];
    const [here, there] = [await node(), await node()];
    expect(there.isRevoked(viewer({}))).toBe(false);
    const both = Promise.all([heard(here), heard(there)]);
    await here.revoke({ kind, id, issuedBeforeMs: clock.now() });
    await both;
    for (const each of [here, there]) {
      expect(each.isRevoked(viewer({}))).toBe(true);
      expect(each.isRevoked(viewer({ issuedAtMs: null }))).toBe(true);
      expect(each.isRevoked(viewer({ issuedAtMs: clock.now() }))).toBe(false);
      const other = { userId: 'bob' as Viewer['userId'], sessionId: 's2', tokenId: 't2' };
      expect(each.isRevoked(viewer(other))).toBe(false);
      expect(each.isRevoked(viewer({ ...other, sessionId: null, tokenId: null }))).toBe(false);
    }
  });

  it('are known to a node that starts later', async () => {
    const first = await node();
    const done = heard(first);
    await first.revoke({ kind: 'user', id: 'ada', issuedBeforeMs: clock.now() });
    await done;
    expect((await node()).isRevoked(viewer({}))).toBe(true);
  });

  it('only grow: an earlier time takes nothing back', async () => {
    const revocations = await node();
    for (const issuedBeforeMs of [clock.now(), clock.now() - hour]) {
      const done = heard(revocations);
      await revocations.revoke({ kind: 'user', id: 'ada', issuedBeforeMs });
      await done;
    }
    expect(revocations.isRevoked(viewer({}))).toBe(true);
  });

  it('are kept for the longest life of a token, then deleted from the topic', async () => {
    const topic = await control();
    const revocations = await node();
    const done = heard(revocations);
    await revocations.revoke({ kind: 'token', id: 't1', issuedBeforeMs: clock.now() });
    await done;
    clock.advance(23.5 * hour);
    expect(revocations.isRevoked(viewer({ issuedAtMs: null }))).toBe(true);
    const deleted = new Promise((resolve) => topic.onChange((key, value) => resolve([key, value])));
    clock.advance(2 * hour);
    expect(revocations.isRevoked(viewer({ issuedAtMs: null }))).toBe(false);
    expect(await deleted).toEqual(['revocation/token/t1', undefined]);
  });

  it.each([
    ['an empty id', { id: '' }],
    ['an id over 256 bytes', { id: 'x'.repeat(257) }],
    ['a time that is more than a minute ahead', { issuedBeforeMs: Number.MAX_SAFE_INTEGER }],
  ])('refuse %s', async (_, odd) => {
    const revocations = await node();
    await expect(
      revocations.revoke({ kind: 'user', id: 'ada', issuedBeforeMs: clock.now(), ...odd }),
    ).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('pass over what is no revocation', async () => {
    const topic = await control();
    const revocations = await node();
    const seen = new Promise<void>((resolve) => topic.onChange((key) => key === 'last' && resolve()));
    for (const value of [null, 'x', { issuedBeforeMs: 'soon' }]) await topic.put('revocation/user/ada', value);
    await topic.put('parked/ada', { issuedBeforeMs: 9e15, untilMs: 9e15 });
    await topic.put('last', 1);
    await seen;
    expect(revocations.isRevoked(viewer({}))).toBe(false);
  });
});

describe('a verifier that knows of revocations', () => {
  it('refuses a token that it took before', async () => {
    const revoked = new Set<string>();
    const clock = createSimulatedClock();
    const isRevoked = ({ tokenId }: Viewer): boolean => revoked.has(tokenId ?? '');
    const verifier = createVerifier({ ...options, secret }, { clock, logger: silentLogger, isRevoked });
    const token = await signToken(secret, { user: 'ada', expiresInSeconds: 60, tokenId: 't1' }, clock);
    expect(await verifier.verify(token)).toMatchObject({ ok: true });
    revoked.add('t1');
    expect(await verifier.verify(token)).toMatchObject({ ok: false, reason: 'refused' });
  });
});
