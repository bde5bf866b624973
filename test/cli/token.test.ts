import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createVerifier, defaultClaims, devSecret } from '../../src/identity/index.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { speak } from '../support/fake-terminal.ts';
import { scratchFolder, testSecret } from '../support/gateway.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0)) await task();
});

const verify = async (token: string, secret: string) => {
  const options = { secret, jwksUrl: null, issuer: null, audience: null, ...defaultClaims };
  return createVerifier(options, { clock: systemClock, logger: silentLogger }).verify(token);
};

describe('carillon token', () => {
  it('prints a token, alone, that a gateway with the same secret takes', async () => {
    const args = [
      'token',
      '--user',
      'ada',
      '--scope',
      'notifications:publish',
      '--topic',
      'orders.**',
      '--topic',
      'news',
    ];
    const { code, printed, said } = await speak(args, { env: { CARILLON_JWT_SECRET: testSecret } });
    expect({ code, said, lines: printed.length }).toEqual({ code: 0, said: [], lines: 1 });
    const verification = await verify(printed[0] ?? '', testSecret);
    expect(verification).toMatchObject({
      ok: true,
      viewer: { userId: 'ada', topics: ['orders.**', 'news'], scopes: new Set(['notifications:publish']) },
    });
  });

  it('signs with the secret of the data folder in dev mode, which the gateway shares', async () => {
    const folder = await scratchFolder();
    cleanUp.push(() => folder.remove());
    const { printed } = await speak(['token', '--user', 'ada'], { env: { CARILLON_DATA_DIR: folder.path } });
    expect(await verify(printed[0] ?? '', await devSecret(folder.path))).toMatchObject({ ok: true });
  });
});
