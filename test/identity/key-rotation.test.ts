import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fetchDeadlineMs } from '../../src/identity/fetch-keys.ts';
import { cooldownMs, maxKeyAgeMs, refreshAfterMs, retryAfterMs } from '../../src/identity/key-set.ts';
import { type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { issuerKey, verifierOf } from './fixtures.ts';

const servers: JwksServer[] = [];
const started = async (...keys: Parameters<typeof startJwksServer>): Promise<JwksServer> => {
  const server = await startJwksServer(...keys);
  servers.push(server);
  return server;
};
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

const [k1, k2] = await Promise.all([issuerKey('ES256', 'k1'), issuerKey('ES256', 'k2')]);

describe('published keys', () => {
  it('are fetched once for many tokens, those that wait at the same time included', async () => {
    const server = await started([k1.jwk]);
    const { verifier, claims } = verifierOf({ jwksUrl: server.url });
    const tokens = await Promise.all(Array.from({ length: 200 }, (_, i) => k1.sign(claims({ sub: `u${i}` }))));
    const results = await Promise.all(tokens.map((token) => verifier.verify(token)));
    expect(results.every((result) => result.ok)).toBe(true);
    expect(server.requests).toBe(1);
  });

  it('are fetched anew for a key that is not among them, at most once per cooldown', async () => {
    const server = await started([k1.jwk]);
    const { verifier, claims, clock, lines } = verifierOf({ jwksUrl: server.url });
    const [old, fresh] = [await k1.sign(claims()), await k2.sign(claims())];
    expect(await verifier.verify(old)).toMatchObject({ ok: true });
    server.publish([k1.jwk, k2.jwk]);
    expect(await verifier.verify(fresh)).toMatchObject({ ok: false, reason: 'refused' });
    expect(server.requests).toBe(1);
    clock.advance(cooldownMs);
    expect(await verifier.verify(fresh)).toMatchObject({ ok: true });
    expect(server.requests).toBe(2);
    for (let i = 0; i < 50; i++)
      expect(await verifier.verify(await k1.sign(claims(), { kid: `junk${i}` }))).toMatchObject({
        ok: false,
        reason: 'refused',
      });
    expect(server.requests).toBe(2);
    expect(lines.join('')).toContain('token keys changed');
  });

  it('that are withdrawn stop working, for tokens that were verified before too', async () => {
    const server = await started([k1.jwk]);
    const { verifier, claims, clock } = verifierOf({ jwksUrl: server.url });
    const token = await k1.sign(claims({ exp: clock.now() / 1000 + 7200 }));
    expect(await verifier.verify(token)).toMatchObject({ ok: true });
    server.publish([k2.jwk]);
    clock.advance(refreshAfterMs);
    expect(await verifier.verify(await k2.sign(claims()))).toMatchObject({ ok: true });
    expect(await verifier.verify(token)).toMatchObject({ ok: false, reason: 'refused' });
  });

  it('that are withdrawn are noticed while only known tokens come', async () => {
    const server = await started([k1.jwk]);
    const { verifier, claims, clock } = verifierOf({ jwksUrl: server.url });
    const token = await k1.sign(claims({ exp: clock.now() / 1000 + 7200 }));
    expect(await verifier.verify(token)).toMatchObject({ ok: true });
    server.publish([k2.jwk]);
    clock.advance(refreshAfterMs);
    await vi.waitUntil(async () => !(await verifier.verify(token)).ok);
    expect(server.requests).toBe(2);
  });

  it('that are withdrawn while a token is checked by them do not go on counting for it', async () => {
    const server = await started([k1.jwk]);
    const { verifier, claims, clock, lines } = verifierOf({ jwksUrl: server.url });
    const [first, second] = [
      await k1.sign(claims({ sub: 'bob' })),
      await k1.sign(claims({ exp: clock.now() / 1000 + 7200 })),
    ];
    expect(await verifier.verify(first)).toMatchObject({ ok: true });
    server.publish([k2.jwk]);
    clock.advance(refreshAfterMs);
    const { subtle } = crypto;
    const verify = subtle.verify.bind(subtle);
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    const checks = vi.spyOn(subtle, 'verify').mockImplementation(async (...given) => {
      await changed;
      return verify(...given);
    });
    try {
      const checking = verifier.verify(second);
      await vi.waitUntil(() => lines.join('').includes('token keys changed'));
      resolve();
      await checking;
    } finally {
      checks.mockRestore();
    }
    expect(await verifier.verify(second)).toMatchObject({ ok: false, reason: 'refused' });
  });

  it('are tried one after another for a token that names none', async () => {
    const server = await started([k1.jwk, k2.jwk]);
    const { verifier, claims } = verifierOf({ jwksUrl: server.url });
    expect(await verifier.verify(await k2.sign(claims(), { kid: null }))).toMatchObject({ ok: true });
    const stranger = await issuerKey('ES256', 'k3');
    expect(await verifier.verify(await stranger.sign(claims(), { kid: null }))).toMatchObject({
      ok: false,
      reason: 'refused',
    });
  });

  it('that cannot be used make tokens unverifiable, not bad', async () => {
    const { x: _x, ...broken } = k1.jwk;
    const server = await started([broken]);
    const { verifier, claims } = verifierOf({ jwksUrl: server.url });
    expect(await verifier.verify(await k1.sign(claims()))).toMatchObject({ ok: false, reason: 'unavailable' });
  });
});

describe('a key set endpoint in trouble', () => {
  const trouble = [
    ['answers 500', { status: 500 }],
    ['answers 404', { status: 404 }],
    ['redirects', { status: 302 }],
    ['answers no JSON', { body: '<html>' }],
    ['answers other JSON', { body: '{"keys":7}' }],
    ['answers keys that are none', { body: '{"keys":[1]}' }],
    ['answers without end', { body: 'x'.repeat(1_000_000) }],
  ] as const;

  it.each(trouble)('that %s makes a token unverifiable, and the next fetch heals it', async (_title, mode) => {
    const server = await started([k1.jwk]);
    server.answer(mode);
    const { verifier, claims, clock, lines } = verifierOf({ jwksUrl: server.url });
    const token = await k1.sign(claims());
    expect(await verifier.verify(token)).toEqual({
      ok: false,
      reason: 'unavailable',
      message: 'tokens cannot be verified at the moment',
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('token keys cannot be fetched');
    server.answer('keys');
    clock.advance(retryAfterMs);
    expect(await verifier.verify(token)).toMatchObject({ ok: true });
  });

  it('is not asked again within a second, by however many tokens', async () => {
    const server = await started([k1.jwk]);
    server.answer({ status: 503 });
    const { verifier, claims } = verifierOf({ jwksUrl: server.url });
    for (let i = 0; i < 50; i++)
      expect(await verifier.verify(await k1.sign(claims({ sub: `u${i}` })))).toMatchObject({ reason: 'unavailable' });
    expect(server.requests).toBe(1);
  });

  it('does not make a bad token look good in time: it is refused without a fetch', async () => {
    const server = await started([k1.jwk]);
    server.answer({ status: 500 });
    const { verifier, claims } = verifierOf({ jwksUrl: server.url, audience: 'carillon' });
    expect(await verifier.verify(await k1.sign(claims({ aud: 'carillon', exp: 1 })))).toMatchObject({
      reason: 'refused',
    });
    expect(await verifier.verify(await k1.sign(claims({ aud: 'other' })))).toMatchObject({ reason: 'refused' });
  });

  it('that refuses connections makes a token unverifiable', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    const { verifier, claims, lines } = verifierOf({ jwksUrl: `http://127.0.0.1:${port}/` });
    expect(await verifier.verify(await k1.sign(claims()))).toMatchObject({ reason: 'unavailable' });
    expect(lines.join('')).toContain('ECONNREFUSED');
  });

  it('that hangs holds 500 tokens for 5 s and by one request; known keys go on working', async () => {
    const server = await started([k1.jwk]);
    const { verifier, claims, clock } = verifierOf({ jwksUrl: server.url });
    expect(await verifier.verify(await k1.sign(claims()))).toMatchObject({ ok: true });
    server.answer('hang');
    clock.advance(cooldownMs);
    const tokens = await Promise.all(Array.from({ length: 500 }, (_, i) => k2.sign(claims({ sub: `u${i}` }))));
    const waiting = Promise.all(tokens.map((token) => verifier.verify(token)));
    await server.received(2);
    expect(await verifier.verify(await k1.sign(claims({ sub: 'bob' })))).toMatchObject({ ok: true });
    clock.advance(fetchDeadlineMs);
    expect((await waiting).every((result) => !result.ok && result.reason === 'unavailable')).toBe(true);
    expect(server.requests).toBe(2);
    expect(clock.pending).toBeLessThanOrEqual(1);
  });

  it('is outlived by its keys for an hour, not longer', async () => {
    const server = await started([k1.jwk]);
    const { verifier, claims, clock } = verifierOf({ jwksUrl: server.url });
    const lasting = (sub: string): Promise<string> => k1.sign(claims({ sub, exp: clock.now() / 1000 + 7200 }));
    expect(await verifier.verify(await lasting('a'))).toMatchObject({ ok: true });
    server.answer({ status: 500 });
    clock.advance(maxKeyAgeMs - 1);
    const known = await lasting('b');
    expect(await verifier.verify(known)).toMatchObject({ ok: true });
    clock.advance(retryAfterMs);
    expect(await verifier.verify(known)).toMatchObject({ ok: false, reason: 'unavailable' });
    expect(await verifier.verify(await lasting('c'))).toMatchObject({ ok: false, reason: 'unavailable' });
  });
});
