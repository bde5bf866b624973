import { SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { connectRaw, type RawClient } from '../graphql/raw-client.ts';
import { issuerKey, rawToken } from '../identity/fixtures.ts';
import {
  type GatewayProcess,
  scratchFolder,
  snapshotOf,
  spawnGateway,
  startGateway,
  testSecret,
} from '../support/gateway.ts';
import { type JwksMode, type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { testToken } from '../support/token.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const folder = async (): Promise<string> => {
  const made = await scratchFolder();
  cleanUp.push(() => made.remove());
  return made.path;
};

const later = Math.floor(Date.now() / 1_000) + 3_600;
const signed = (claims: Record<string, unknown>): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(testSecret));

const attempt = async (gateway: GatewayProcess, payload: unknown): Promise<RawClient> => {
  const client = await connectRaw(gateway.wsUrl);
  client.send({ type: 'connection_init', payload });
  return client;
};

describe('a bad token (C60)', () => {
  it('is a short 4403, at most a line in the log and no more, whatever it is', async () => {
    const gateway = await startGateway({
      CARILLON_DATA_DIR: await folder(),
      CARILLON_JWT_ISSUER: 'https://issuer.example',
      CARILLON_JWT_AUDIENCE: 'carillon',
    });
    cleanUp.push(() => gateway.end());
    const good = { sub: 'ada', exp: later, iss: 'https://issuer.example', aud: 'carillon' };
    const foreign = await issuerKey('RS256', 'k');
    const bearer = (token: unknown): unknown => ({ authorization: `Bearer ${token}` });
    const payloads: readonly unknown[] = [
      {},
      { authorization: null },
      { authorization: {} },
      { authorization: ['a'] },
      { authorization: 'abc' },
      bearer(''),
      bearer('abc'),
      bearer('a.b.c'),
      bearer('x'.repeat(60_000)),
      bearer(rawToken({ alg: 'none' }, good, '')),
      bearer(rawToken({ alg: 'HS256' }, good)),
      bearer(rawToken({ alg: 'RS256' }, good)),
      bearer(await foreign.sign(good)),
      bearer(await signed({ ...good, exp: later - 7_200 })),
      bearer(await signed({ ...good, nbf: later })),
      bearer(await signed({ ...good, iss: 'https://issuer.example/' })),
      bearer(await signed({ ...good, aud: 'other' })),
      bearer(await signed({ ...good, sub: '' })),
      bearer(await signed({ ...good, sub: 5 })),
      bearer(await signed({ ...good, exp: undefined })),
    ];
    for (const payload of payloads) {
      const before = gateway.output.length;
      const client = await attempt(gateway, payload);
      const { code, reason } = await client.closed;
      expect([JSON.stringify(payload).slice(0, 80), code]).toEqual([JSON.stringify(payload).slice(0, 80), 4403]);
      expect(reason.length).toBeLessThan(60);
      expect(client.frames).toEqual([]);
      expect(gateway.output.length - before).toBeLessThanOrEqual(1);
    }
    const large = await attempt(gateway, bearer('x'.repeat(1_000_000)));
    expect((await large.closed).code).toBe(1009);
    expect(gateway.output.join('\n')).not.toMatch(/eyJ|a\.b\.c|xxxx/);
    const token = await signed(good);
    expect(await (await attempt(gateway, bearer(token))).next()).toEqual({ type: 'connection_ack' });
  });
});

describe('an issuer that does not answer (C89)', () => {
  const issuer = async (
    mode: JwksMode = 'keys',
  ): Promise<{
    jwks: JwksServer;
    key: Awaited<ReturnType<typeof issuerKey>>;
    gateway: GatewayProcess;
  }> => {
    const key = await issuerKey('ES256', 'k1');
    const jwks = await startJwksServer([key.jwk]);
    cleanUp.push(() => jwks.close());
    // From the start: the gateway asks for keys before anybody comes.
    jwks.answer(mode);
    const env = { CARILLON_JWKS_URL: jwks.url, CARILLON_LOG: 'embedded', CARILLON_DATA_DIR: await folder() };
    const gateway = await spawnGateway(env, [], { dev: true }).ready;
    cleanUp.push(() => gateway.end());
    return { jwks, key, gateway };
  };

  const hundred = (gateway: GatewayProcess, token: (n: number) => Promise<string>): Promise<readonly RawClient[]> =>
    Promise.all(
      Array.from({ length: 100 }, async (_, n) => attempt(gateway, { authorization: `Bearer ${await token(n)}` })),
    );

  it('leaves nobody in limbo: sockets close with 1013, and all are let in once it answers', async () => {
    const { jwks, key, gateway } = await issuer('hang');
    const token = (n: number): Promise<string> => key.sign({ sub: `user-${n}`, exp: later });
    const clients = await hundred(gateway, token);
    const codes = (await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set([1013]));
    expect(jwks.requests).toBeLessThan(5);
    await expect.poll(() => snapshotOf(gateway).then((held) => held.sessions)).toBe(0);
    jwks.answer('keys');
    const authorization = `Bearer ${await token(0)}`;
    await expect
      .poll(
        async () => {
          const client = await attempt(gateway, { authorization });
          return client.next().then(
            ({ type }) => type,
            () => 'closed',
          );
        },
        { timeout: 15_000 },
      )
      .toBe('connection_ack');
  });

  it('disturbs nobody whose key is known, also while others ask for keys that are not', async () => {
    const { jwks, key, gateway } = await issuer();
    const known = async (n: number): Promise<RawClient> =>
      attempt(gateway, { authorization: `Bearer ${await key.sign({ sub: `known-${n}`, exp: later })}` });
    expect((await (await known(0)).next()).type).toBe('connection_ack');
    jwks.answer('hang');
    const other = await issuerKey('ES256', 'k2');
    const strangers = hundred(gateway, (n) => other.sign({ sub: `stranger-${n}`, exp: later }));
    for (let n = 1; n <= 20; n++) expect((await (await known(n)).next()).type).toBe('connection_ack');
    const codes = (await Promise.all((await strangers).map(({ closed }) => closed))).map(({ code }) => code);
    for (const code of codes) expect([1013, 4403]).toContain(code);
  });

  it('does not make those wait whose token is refused whoever signed it', async () => {
    const { jwks, key, gateway } = await issuer();
    jwks.answer('hang');
    const client = await attempt(gateway, {
      authorization: `Bearer ${await key.sign({ sub: 'ada', exp: later - 7_200 })}`,
    });
    expect((await client.closed).code).toBe(4403);
  });

  it('is no way in for a token of the shared kind', async () => {
    const { gateway } = await issuer();
    const client = await attempt(gateway, { authorization: `Bearer ${await testToken('ada')}` });
    expect((await client.closed).code).toBe(4403);
  });
});
