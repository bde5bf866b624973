import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, startCli } from '../support/cli.ts';
import { type GatewayProcess, scratchFolder, startGateway, testSecret } from '../support/gateway.ts';

let gateway: GatewayProcess;
let env: Record<string, string>;
const cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const folder = await scratchFolder();
  cleanUp.push(() => folder.remove());
  gateway = await startGateway({ CARILLON_DATA_DIR: folder.path });
  cleanUp.push(() => gateway.end());
  env = { CARILLON_URL: gateway.httpUrl, CARILLON_JWT_SECRET: testSecret };
});

afterAll(async () => {
  for (const task of cleanUp.reverse()) await task();
});

type Line = { cursor: string; isLive: boolean; notification: { id: string; title: string } | null };

const linesOf = (stdout: string): Line[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

describe('carillon publish and tail', () => {
  it('bring an event from one to the other, and go on behind a cursor', async () => {
    const first = startCli(['tail', '--user', 'ada', '--count', '1', '--json'], env);
    await first.untilPrinted('"isLive":true');
    const published = await runCli(['publish', '--user', 'ada', '--title', 'one', '--url', '/a'], env);
    expect(published).toMatchObject({ code: 0, stderr: '' });
    const steps = linesOf((await first.result).stdout);
    const event = steps.find(({ notification }) => notification !== null);
    expect(event?.notification).toMatchObject({ id: published.stdout.trim(), title: 'one', url: '/a' });

    await runCli(['publish', '--users', 'ada,bob', '--data', '{"title":"two"}'], env);
    const after = ['--after', event?.cursor ?? ''];
    const second = await runCli(['tail', '--user', 'ada', '--count', '1', '--json', ...after], env);
    const titles = linesOf(second.stdout).flatMap(({ notification }) => notification?.title ?? []);
    expect(titles).toEqual(['two']);
  });

  it('shows a line per event to a person, and where to go on', async () => {
    const tail = startCli(['tail', '--user', 'eve', '--topic', 'orders.eu', '--count', '1'], env);
    await tail.untilPrinted('connected to');
    const data = '{"orderNumber":"42","itemCount":1,"parcels":[]}';
    const event = ['--type', 'com.acme.order.shipped', '--data', data];
    let published = { code: 1 as number | null, stdout: '', stderr: '' };
    const ended = tail.result;
    // Connected is not subscribed: publish until it came.
    const untilSeen = (async () => {
      let isSeen = false;
      void ended.then(() => {
        isSeen = true;
      });
      while (!isSeen) published = await runCli(['publish', '--topic', 'orders.eu', ...event], env);
    })();
    const { stdout, stderr } = await ended;
    await untilSeen;
    expect(published.code).toBe(0);
    expect(stdout).toMatch(/Order 42 shipped .*com\.acme\.order\.shipped to topic orders\.eu\n$/);
    expect(stderr).toMatch(/to go on from here: --after \S+\n$/);
  });

  it('adds nothing when a key is used again', async () => {
    const args = ['publish', '--user', 'ada', '--title', 'x', '--key', 'k1', '--token', (await token()).trim()];
    const [first, second] = [await runCli(args, env), await runCli(args, env)];
    expect(second.stdout).toBe(first.stdout);
    expect(second.stderr).toContain('nothing was added');
  });

  it('tells what is wrong with an event, and exits 1', async () => {
    const unfit = await runCli(['publish', '--user', 'ada', '--title', 'x', '--url', 'javascript:alert(1)'], env);
    expect(unfit).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('INVALID_CONTENT') });
  });

  it('tells that a token is refused', async () => {
    const other = { ...env, CARILLON_JWT_SECRET: 'another-secret-of-more-than-32-bytes-0' };
    expect(await runCli(['tail', '--user', 'ada'], other)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the gateway refused the token'),
    });
    expect(await runCli(['publish', '--user', 'ada', '--title', 'x'], other)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UNAUTHENTICATED'),
    });
  });
});

const token = async (): Promise<string> =>
  (await runCli(['token', '--user', 'svc', '--scope', 'notifications:publish'], env)).stdout;
