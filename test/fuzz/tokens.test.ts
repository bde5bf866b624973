import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createVerifier, signToken } from '../../src/identity/index.ts';
import { issuerKey, options, rawToken, secret } from '../identity/fixtures.ts';
import { heapBytes } from '../support/in-process-gateway.ts';
import { createRandom, json, mutate, type Random, scale, seedOf } from './random.ts';

const count = 10_000 * scale;

const claimsOf = (random: Random): unknown => {
  const claims: Record<string, unknown> = { sub: 'ada', exp: Math.floor(Date.now() / 1_000) + 600 };
  for (let n = random.int(3); n > 0; n--) {
    claims[random.pick(['sub', 'exp', 'nbf', 'iat', 'iss', 'aud', 'scope', 'topics', 'jti', 'sid', '__proto__'])] =
      json(random);
  }
  return random.once(20) ? json(random) : claims;
};

const headerOf = (random: Random): unknown =>
  random.once(10)
    ? json(random)
    : {
        alg: random.pick(['HS256', 'HS512', 'none', 'None', 'RS256', 'ES256', '', null]),
        typ: 'JWT',
        ...(random.once(5) ? { crit: json(random) } : {}),
        ...(random.once(4) ? { kid: json(random) } : {}),
      };

describe(`${count.toLocaleString('en')} random tokens`, () => {
  it('are refused, but for those that were signed as they are', async () => {
    const random = createRandom(seedOf('tokens'));
    const logged: unknown[] = [];
    const log = (...line: unknown[]): void => void logged.push(line);
    const verifier = createVerifier(
      { ...options, secret },
      { clock: systemClock, logger: { info: log, warn: log, error: log } },
    );
    const foreign = await issuerKey('ES256', 'other');
    const good = await signToken(secret, {
      user: 'ada',
      scopes: ['a'],
      topics: ['t.*'],
      expiresInSeconds: 600,
      tokenId: null,
      sessionId: null,
    });
    const signed = await foreign.sign({ sub: 'ada', exp: Date.now() / 1_000 + 600 });
    const made: readonly (() => string)[] = [
      () => mutate(good, random),
      () => mutate(signed, random),
      () => rawToken(headerOf(random), claimsOf(random), random.bytes(random.int(40)).toString('base64url')),
      () => random.text(random.int(200)),
      () => random.bytes(random.int(300)).toString('base64url'),
      () => `${good.split('.', 2).join('.')}.${random.bytes(32).toString('base64url')}`,
      () => random.pick([good, signed]).repeat(1 + random.int(80)),
    ];
    let accepted = 0;
    const one = async (): Promise<void> => {
      const token = random.pick(made)();
      const verification = await verifier.verify(token);
      if (verification.ok) {
        accepted += 1;
        // Base64url has several spellings of one last character: the signature is the same then.
        expect(token.slice(0, -1)).toBe(good.slice(0, -1));
      } else {
        expect(verification.reason, token).toBe('refused');
        expect(token.length > 8 && verification.message.includes(token)).toBe(false);
      }
    };
    for (let n = 0; n < count / 2; n++) await one();
    const half = await heapBytes();
    for (let n = 0; n < count / 2; n++) await one();
    expect((await heapBytes()) - half).toBeLessThan(20 * 2 ** 20);
    expect(logged).toEqual([]);
    expect(await verifier.verify(good)).toMatchObject({ ok: true });
    console.log('fuzz tokens: accepted as they were signed', accepted);
  }, 600_000);
});
