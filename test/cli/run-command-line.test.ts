import { describe, expect, it } from 'vitest';
import { speak } from '../support/fake-terminal.ts';

describe('the command line', () => {
  it('shows what it can do and exits 64 when nothing is asked', async () => {
    const { code, said } = await speak([]);
    expect(code).toBe(64);
    expect(said.join()).toContain('usage: npx carillon <command>');
  });

  it.each([['--help'], ['-h'], ['help']])('prints the overview for %s', async (flag) => {
    const { code, printed } = await speak([flag]);
    expect(code).toBe(0);
    for (const name of ['token', 'publish', 'tail', 'topics', 'schema', 'doctor'])
      expect(printed.join()).toContain(`  ${name}`);
  });

  it.each(['token', 'publish', 'tail', 'topics', 'schema', 'doctor'])('explains %s with examples', async (name) => {
    const { code, printed } = await speak([name, '--help']);
    expect(code).toBe(0);
    expect(printed.join()).toContain(`usage: npx carillon ${name}`);
    expect(printed.join()).toContain('examples:');
    expect(await speak(['help', name])).toEqual({ code, printed, said: [] });
  });

  it('prints the version alone', async () => {
    expect((await speak(['--version'])).printed).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
  });

  it.each([
    [['publsh'], 'carillon has no command publsh: did you mean publish?'],
    [['frobnicate'], 'carillon has no command frobnicate: npx carillon --help lists them'],
    [['token', '--usr', 'ada'], 'carillon token has no flag --usr: did you mean --user?'],
    [['token'], 'carillon token needs --user <id>: carillon token --user ada'],
    [['token', '--user'], expect.stringContaining('argument missing')],
    [['token', 'ada'], expect.stringContaining('does not know what to do with ada')],
    [['token', '--user', 'ada', '--expires', 'soon'], expect.stringContaining('--expires is soon: set a duration')],
    [['schema'], expect.stringContaining('carillon schema needs sdl | json')],
    [['schema', 'xml'], 'carillon schema does not know xml: use sdl, json or asyncapi'],
    [['schema', 'json', 'none'], expect.stringContaining('none is not an event type here')],
    [['publish', '--title', 'x'], expect.stringContaining('needs exactly one audience')],
    [['publish', '--user', 'a', '--everyone', '--title', 'x'], expect.stringContaining('needs exactly one audience')],
    [['publish', '--user', 'a'], expect.stringContaining('needs --title <text>, or --data')],
    [['publish', '--user', 'a', '--data', '{'], expect.stringContaining('--data is not JSON')],
    [['publish', '--user', 'a', '--data', '[]'], expect.stringContaining('not a JSON object')],
    [['publish', '--user', 'a', '--data', '{}', '--title', 'x'], expect.stringContaining('exclude each other')],
    [['publish', '--kafka', '--token', 't', '--user', 'a', '--title', 'x'], expect.stringContaining('leave out')],
    [['topics'], expect.stringContaining('carillon topics needs plan|apply')],
    [['topics', 'delete'], 'topics cannot delete: say plan or apply'],
    [['tail'], expect.stringContaining('needs --user <id>')],
    [['tail', '--user', 'a', '--count', '0'], expect.stringContaining('--count is 0')],
  ])('exits 64 and says what to do for %j', async (args, message) => {
    expect(await speak(args)).toEqual({ code: 64, printed: [], said: [message] });
  });

  it('lists every problem of the environment and exits 78', async () => {
    const env = { CARILLON_JWT_SECRET: 'short', CARILLON_JWKS_URL: 'http://example.com' };
    const { code, said } = await speak(['token', '--user', 'ada'], { env });
    expect(code).toBe(78);
    expect(said.join()).toMatch(/2 problems.*\n.*CARILLON_JWT_SECRET.*\n.*CARILLON_JWKS_URL/);
  });

  it('says where tokens come from when the gateway verifies those of an issuer', async () => {
    const { code, said } = await speak(['token', '--user', 'ada'], {
      env: { CARILLON_JWKS_URL: 'https://issuer/keys' },
    });
    expect(code).toBe(78);
    expect(said.join()).toContain('tokens come from your issuer');
  });

  it('says that no gateway answers', async () => {
    const args = ['publish', '--user', 'a', '--title', 'x', '--gateway', 'http://127.0.0.1:1/graphql', '--token', 't'];
    expect(await speak(args)).toMatchObject({
      code: 1,
      said: [expect.stringContaining('no gateway at http://127.0.0.1:1')],
    });
    const tail = ['tail', '--gateway', 'http://127.0.0.1:1/graphql', '--token', 't'];
    expect(await speak(tail)).toMatchObject({
      code: 1,
      said: [expect.stringContaining('no gateway at http://127.0.0.1:1')],
    });
  });
});
