import { createHmac, generateKeyPairSync } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { createVerifier, signToken } from '../../src/identity/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { createSimulatedClock } from '../support/simulated-clock.ts';
import { issuerKey, options, rawToken, secret, verifierOf } from './fixtures.ts';

const hs256 = (claims: JWTPayload, alg = 'HS256'): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));

const hmac = (token: string, key: string): string => {
  const signed = token.slice(0, token.lastIndexOf('.'));
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
};

describe('a verifier with a secret', () => {
  it('reads user, scopes, topics, issuer, ids of token and session, and dates from a token', async () => {
    const { verifier, claims, clock } = verifierOf({ secret });
    const token = await hs256(
      claims({
        scope: 'notifications:publish other',
        topics: ['orders.*', 'eu.**'],
        iss: 'https://id.example',
        jti: 't1',
        sid: 's1',
        iat: 1_767_225_000,
      }),
    );
    expect(await verifier.verify(token)).toEqual({
      ok: true,
      viewer: {
        userId: 'ada',
        scopes: new Set(['notifications:publish', 'other']),
        topics: ['orders.*', 'eu.**'],
        expiresAtMs: clock.now() + 600_000,
        issuer: 'https://id.example',
        tokenId: 't1',
        sessionId: 's1',
        issuedAtMs: 1_767_225_000_000,
      },
    });
  });

  it('takes scopes as an array, topics as a string, and claims of other names, nested ones too', async () => {
    const { verifier, claims } = verifierOf({
      secret,
      userClaim: 'https://acme.example/user',
      scopeClaim: 'realm.roles',
      topicsClaim: 'follow',
    });
    const token = await hs256(
      claims({ 'https://acme.example/user': 'bob', realm: { roles: ['a', 'b'] }, follow: 'orders.eu  news' }),
    );
    const result = await verifier.verify(token);
    expect(result).toMatchObject({
      ok: true,
      viewer: { userId: 'bob', topics: ['orders.eu', 'news'], tokenId: null, issuer: '' },
    });
    expect(result.ok && [...result.viewer.scopes]).toEqual(['a', 'b']);
  });

  it('takes __proto__ as a user like any other, and never as a claim', async () => {
    const { verifier, claims } = verifierOf({ secret });
    expect(await verifier.verify(await hs256(claims({ sub: '__proto__' })))).toMatchObject({
      ok: true,
      viewer: { userId: '__proto__' },
    });
    const inherited = verifierOf({ secret, userClaim: 'constructor.name' });
    expect(await inherited.verifier.verify(await hs256(claims()))).toMatchObject({ ok: false, reason: 'refused' });
  });

  it('verifies what signToken signed, until it expires', async () => {
    const clock = createSimulatedClock();
    const { verifier } = verifierOf({ secret }, clock);
    const token = await signToken(
      secret,
      { user: 'ada', scopes: ['s'], topics: ['t'], expiresInSeconds: 60, tokenId: 'x' },
      clock,
    );
    expect(await verifier.verify(token)).toMatchObject({
      ok: true,
      viewer: { userId: 'ada', topics: ['t'], tokenId: 'x' },
    });
    clock.advance(60_000);
    expect(await verifier.verify(token)).toMatchObject({ ok: false, reason: 'refused', message: 'token has expired' });
  });

  it('accepts a token that an issuer with a slightly fast clock made', async () => {
    const { verifier, claims, clock } = verifierOf({ secret });
    expect(await verifier.verify(await hs256(claims({ nbf: clock.now() / 1000 + 4 })))).toMatchObject({ ok: true });
  });

  it('asks for issuer and audience exactly', async () => {
    const { verifier, claims } = verifierOf({ secret, issuer: 'https://id.example', audience: 'carillon' });
    const good = { iss: 'https://id.example', aud: ['other', 'carillon'] };
    expect(await verifier.verify(await hs256(claims(good)))).toMatchObject({ ok: true });
    for (const bad of [
      { iss: 'https://id.example/' },
      { iss: undefined },
      { aud: 'carillon2' },
      { aud: undefined },
      { aud: [] },
    ]) {
      const token = await hs256({ ...claims(good), ...bad } as JWTPayload);
      expect(await verifier.verify(token), JSON.stringify(bad)).toMatchObject({ ok: false, reason: 'refused' });
    }
  });
});

describe('a bad token', () => {
  const cases: readonly (readonly [string, (claims: JWTPayload) => unknown])[] = [
    ['is missing', () => undefined],
    ['is null', () => null],
    ['is an object', () => ({})],
    ['is an array', () => ['a']],
    ['is empty', () => ''],
    ['is a word', () => 'abc'],
    ['has three parts of nothing', () => 'a.b.c'],
    ['has five parts', () => 'a.b.c.d.e'],
    ['is 1 MB of text', () => 'a'.repeat(1_000_000)],
    ['is 1 MB in three parts', () => `${'a'.repeat(500_000)}.${'b'.repeat(500_000)}.c`],
    ['holds other characters', (claims) => `${rawToken({ alg: 'HS256' }, claims)}\n`],
    ['has a header that is no object', (claims) => rawToken(['HS256'], claims)],
    ['has claims that are no object', () => hmac(rawToken({ alg: 'HS256' }, ['ada']), secret)],
    ['says alg none', (claims) => rawToken({ alg: 'none' }, claims)],
    ['says alg none without a signature', (claims) => rawToken({ alg: 'none' }, claims, '')],
    ['says alg None', (claims) => rawToken({ alg: 'None' }, claims)],
    ['says no alg', (claims) => rawToken({}, claims)],
    ['says an alg that is no text', (claims) => rawToken({ alg: ['HS256'] }, claims)],
    ['says HS512', (claims) => hs256(claims, 'HS512')],
    ['has a critical header', (claims) => hmac(rawToken({ alg: 'HS256', crit: ['b64'], b64: false }, claims), secret)],
    [
      'is signed with another secret',
      (claims) => hmac(rawToken({ alg: 'HS256' }, claims), 'another secret, also of more than 32 bytes'),
    ],
    ['has an empty signature', (claims) => rawToken({ alg: 'HS256' }, claims, '')],
    ['has expired', (claims) => hs256({ ...claims, exp: 1 })],
    ['never expires', (claims) => hs256({ sub: claims.sub ?? '' })],
    ['expires at a text', (claims) => hs256({ ...claims, exp: '2100' } as unknown as JWTPayload)],
    ['is not valid yet', (claims) => hs256({ ...claims, nbf: (claims.exp ?? 0) - 60 })],
    ['begins at a text', (claims) => hs256({ ...claims, nbf: 'now' } as unknown as JWTPayload)],
    ['names no user', (claims) => hs256({ exp: claims.exp ?? 0 })],
    ['names an empty user', (claims) => hs256({ ...claims, sub: '' })],
    ['names a user by number', (claims) => hs256({ ...claims, sub: 7 } as unknown as JWTPayload)],
    ['names a user of 129 bytes', (claims) => hs256({ ...claims, sub: `${'é'.repeat(64)}x` })],
    [
      'names a user by half a character',
      (claims) => hmac(`${rawToken({ alg: 'HS256' }, { ...claims, sub: '\ud800' })}`, secret),
    ],
    ['has a number for scopes', (claims) => hs256({ ...claims, scope: 1 })],
    ['has numbers among its scopes', (claims) => hs256({ ...claims, scope: ['a', 1] })],
    ['has an object for topics', (claims) => hs256({ ...claims, topics: { a: 1 } })],
    ['has a glob with ** inside', (claims) => hs256({ ...claims, topics: ['a.**.b'] })],
    ['has a glob with half a star', (claims) => hs256({ ...claims, topics: ['orders*'] })],
    ['has a glob with an empty segment', (claims) => hs256({ ...claims, topics: ['a..b'] })],
  ];

  it.each(cases)('that %s is refused with a short message that quotes nothing of it', async (_title, make) => {
    const { verifier, claims, lines } = verifierOf({ secret });
    const token = await make(claims());
    const result = await verifier.verify(token as string);
    expect(result).toMatchObject({ ok: false, reason: 'refused' });
    expect(result.ok ? '' : result.message).toMatch(/^token [\w ,:.*]{1,70}$/);
    expect(lines).toEqual([]);
  });
});

describe('algorithm and key', () => {
  let server: JwksServer | null = null;
  afterEach(() => server?.close());

  it.each(['RS256', 'PS384', 'ES256', 'ES512', 'EdDSA', 'Ed25519'])('verifies %s by the published key', async (alg) => {
    const key = await issuerKey(alg, 'k1');
    server = await startJwksServer([key.jwk]);
    const { verifier, claims } = verifierOf({ jwksUrl: server.url });
    const token = await key.sign(claims());
    expect(await verifier.verify(token)).toMatchObject({ ok: true, viewer: { userId: 'ada' } });
    expect(await verifier.verify(`${token.slice(0, -8)}AAAAAAAA`)).toMatchObject({ ok: false, reason: 'refused' });
  });

  it('refuses an HS256 token made with a published key as its secret', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256' };
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    server = await startJwksServer([jwk]);
    const both = verifierOf({ jwksUrl: server.url, secret });
    const alone = verifierOf({ jwksUrl: server.url });
    for (const key of [pem, JSON.stringify(jwk), jwk.n ?? '']) {
      const forged = hmac(rawToken({ alg: 'HS256', kid: 'k1' }, both.claims()), key);
      expect(await both.verifier.verify(forged)).toMatchObject({ ok: false, reason: 'refused' });
      expect(await alone.verifier.verify(forged)).toMatchObject({
        ok: false,
        reason: 'refused',
        message: 'token algorithm is not allowed',
      });
    }
  });

  it('refuses HS256 by a symmetric key that the endpoint publishes', async () => {
    server = await startJwksServer([
      { kty: 'oct', k: Buffer.from(secret).toString('base64url'), kid: 'k1', alg: 'HS256' },
    ]);
    const { verifier, claims } = verifierOf({ jwksUrl: server.url });
    const token = hmac(rawToken({ alg: 'HS256', kid: 'k1' }, claims()), secret);
    expect(await verifier.verify(token)).toMatchObject({ ok: false, reason: 'refused' });
  });

  it('refuses a token that names a key of another kind', async () => {
    const [rsa, ec] = [await issuerKey('RS256', 'k1'), await issuerKey('ES256', 'k1')];
    server = await startJwksServer([rsa.jwk]);
    const { verifier, claims } = verifierOf({ jwksUrl: server.url });
    expect(await verifier.verify(await ec.sign(claims()))).toMatchObject({ ok: false, reason: 'refused' });
  });

  it('refuses a published algorithm where only a secret is configured', async () => {
    const { verifier, claims } = verifierOf({ secret });
    const token = await (await issuerKey('RS256', 'k1')).sign(claims());
    expect(await verifier.verify(token)).toMatchObject({
      ok: false,
      reason: 'refused',
      message: 'token algorithm is not allowed',
    });
  });

  it('verifies both kinds where both are configured', async () => {
    const key = await issuerKey('ES256', 'k1');
    server = await startJwksServer([key.jwk]);
    const { verifier, claims } = verifierOf({ jwksUrl: server.url, secret });
    expect(await verifier.verify(await hs256(claims()))).toMatchObject({ ok: true });
    expect(await verifier.verify(await key.sign(claims()))).toMatchObject({ ok: true });
  });
});

describe('the settings of a verifier', () => {
  const create = (overrides: object) => () =>
    createVerifier(
      { ...options, ...overrides },
      { clock: createSimulatedClock(), logger: silentLogger, fetch: () => new Promise(() => {}) },
    );

  it('are refused when there is neither secret nor key set, or the secret is short', () => {
    expect(create({})).toThrow(/set CARILLON_JWT_SECRET or CARILLON_JWKS_URL/);
    expect(create({ secret: 'x'.repeat(31) })).toThrow(/has 31 bytes: set CARILLON_JWT_SECRET to at least 32/);
    expect(create({ secret: 'é'.repeat(16) })).not.toThrow();
  });

  it.each([
    'http://id.example/keys',
    'ftp://localhost/keys',
    'file:///etc/keys',
    'keys',
    'http://127.0.0.1.example/keys',
  ])('are refused when keys would come from %s', (jwksUrl) => expect(create({ jwksUrl })).toThrow(/CARILLON_JWKS_URL/));

  it.each(['https://id.example/keys', 'http://localhost:1/keys', 'http://[::1]:1/keys', 'http://127.0.0.1:1/'])(
    'allow keys from %s',
    (jwksUrl) => expect(create({ jwksUrl })).not.toThrow(),
  );
});
