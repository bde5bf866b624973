import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/gateway/policy.ts';
import { follow } from '../support/follower.ts';
import { spawnGateway, startGateway } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'carillon-policy-'));
  cleanUp.push(() => rm(path, { recursive: true, force: true }));
  return path;
};

const moduleOf = async (text: string, name = 'policy.mjs'): Promise<string> => {
  const path = join(await folder(), name);
  await writeFile(path, text);
  return path;
};

describe('loading a policy module', () => {
  it('gives nothing where none is configured', async () => {
    expect(await loadPolicy(null)).toEqual({});
  });

  it('takes some of the functions, in JavaScript or TypeScript', async () => {
    const plain = await loadPolicy(await moduleOf('export const canFollow = async () => true;'));
    expect(Object.keys(plain)).toEqual(['canFollow']);
    const typed = await loadPolicy(
      await moduleOf('export const scope = (v: { userId: string }) => v.userId;', 'p.mts'),
    );
    expect(Object.keys(typed)).toEqual(['scope']);
  });

  it.each([
    ['export const nothing = 1;', /exports nothing, and no policy has that: export functions named canFollow/],
    ['export const canReceive = true;', /canReceive is not a function/],
    ['export default { canFollow() {} };', /exports default/],
    ['', /exports nothing: export functions/],
    ['export const canFollow = (', /cannot be imported/],
    ["throw new Error('no database');", /cannot be imported: no database/],
  ])('refuses %j and says what to do', async (text, message) => {
    await expect(loadPolicy(await moduleOf(text))).rejects.toThrow(message);
  });

  it('refuses a path at which there is nothing', async () => {
    await expect(loadPolicy('/nowhere/policy.mjs')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('a gateway with a policy module', () => {
  it('delivers what the policy allows', async () => {
    const policy = await moduleOf(`
      export const canFollow = async (viewer, topic) => viewer.userId === 'ada' || topic !== 'orders.secret';
      export const canReceive = (viewer, envelope) => envelope.display.title !== 'muted';
    `);
    const gateway = await startGateway({ CARILLON_DATA_DIR: await folder(), CARILLON_POLICY: policy });
    cleanUp.push(() => gateway.end());
    const tokenOf = (user: string): Promise<string> => testToken(user, { topics: ['orders.**'] });
    const ada = await follow(gateway.wsUrl, { token: await tokenOf('ada'), topics: ['orders.secret'] });
    cleanUp.push(() => ada.close());
    await expect(
      tokenOf('bob').then((token) => follow(gateway.wsUrl, { token, topics: ['orders.secret'] })),
    ).rejects.toThrow('TOPIC_FORBIDDEN');
    const token = await testToken('service', { scopes: ['notifications:publish'] });
    for (const title of ['muted', 'heard']) await publish(gateway.httpUrl, { token, input: messageTo('ada', title) });
    await ada.until(({ events }) => events.length > 0);
    expect(ada.events.map(({ title }) => title)).toEqual(['heard']);
  });

  it('ends its start with exit code 78 where the module is none', async () => {
    const { exited, output } = spawnGateway({
      CARILLON_DATA_DIR: await folder(),
      CARILLON_LOG: 'embedded',
      CARILLON_POLICY: await moduleOf('export const canFolow = () => true;'),
    });
    expect(await exited).toBe(78);
    expect(output.join('\n')).toMatch(/CARILLON_POLICY is .*exports canFolow/);
  });
});
