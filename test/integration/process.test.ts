import { afterEach, describe, expect, it } from 'vitest';
import { follow } from '../support/follower.ts';
import { scratchFolder, spawnGateway, startGateway } from '../support/gateway.ts';
import { messageTo, publish } from '../support/publish.ts';
import { testToken } from '../support/token.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const dataDir = async (): Promise<string> => {
  const folder = await scratchFolder();
  cleanUp.push(() => folder.remove());
  return folder.path;
};

const get = async (url: string): Promise<{ status: number; body: string }> => {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
};

describe('a gateway process on the embedded log', () => {
  it('prints one line on stdout when ready, answers its probes, and delivers an event published by mutation', async () => {
    const gateway = await startGateway({ CARILLON_DATA_DIR: await dataDir() });
    cleanUp.push(() => gateway.end());
    expect((await get(`${gateway.adminUrl}/livez`)).status).toBe(200);
    expect(await get(`${gateway.adminUrl}/readyz`)).toEqual({ status: 200, body: '{"status":"ready"}\n' });
    const ada = await follow(gateway.wsUrl, { token: await testToken('ada') });
    const bob = await follow(gateway.wsUrl, { token: await testToken('bob') });
    const token = await testToken('service', { scopes: ['notifications:publish'] });
    const answer = await publish(gateway.httpUrl, { token, input: messageTo('ada', 'hello') });
    await ada.until(({ events }) => events.length === 1);
    expect(ada.events[0]).toMatchObject({
      id: answer.data?.publishNotification.notificationId,
      type: 'message',
      title: 'hello',
      audience: 'USER',
      isLive: true,
      content: { __typename: 'Message', title: 'hello' },
    });
    await publish(gateway.httpUrl, { token, input: messageTo('bob', 'for bob') });
    await bob.until(({ events }) => events.length === 1);
    expect(ada.events).toHaveLength(1);
    const metrics = (await get(`${gateway.adminUrl}/metrics`)).body;
    expect(metrics).toMatch(/^carillon_deliveries_total(?:\{[^}]*\})? 2$/m);
    await Promise.all([ada.close(), bob.close()]);
  });

  it('shows its machines by state, on SIGUSR2 and on the admin port', async () => {
    const gateway = await startGateway({ CARILLON_DATA_DIR: await dataDir() });
    cleanUp.push(() => gateway.end());
    const ada = await follow(gateway.wsUrl, { token: await testToken('ada') });
    cleanUp.push(() => ada.close());
    const session = 'active.auth.valid heartbeat.quiet flow.open';
    const user = 'here.presence.present identity.valid flow.open pulse.quiet supervision.steady';
    const machines = { sessions: { [session]: 1 }, users: { [user]: 1 } };
    const body = JSON.parse((await get(`${gateway.adminUrl}/snapshot`)).body) as object;
    expect(body).toMatchObject({ sessions: 1, users: 1, subscriptions: 1, machines });
    gateway.process.kill('SIGUSR2');
    const printed = (): string | undefined => gateway.output.find((line) => line.includes('"machines"'));
    await expect.poll(printed).toBeDefined();
    expect(JSON.parse(printed() ?? '')).toMatchObject({ machines });
  });

  it('drains on SIGTERM: sockets close with 1012, a client resumes after the restart from its cursor, exit 0', async () => {
    const folder = await dataDir();
    const first = await startGateway({ CARILLON_DATA_DIR: folder });
    const token = await testToken('service', { scopes: ['notifications:publish'] });
    const ada = await follow(first.wsUrl, { token: await testToken('ada') });
    await publish(first.httpUrl, { token, input: messageTo('ada', 'one') });
    await ada.until(({ events }) => events.length === 1);
    expect(await first.end('SIGTERM')).toBe(0);
    await ada.until(({ closes }) => closes.length > 0);
    expect(ada.closes).toEqual([1012]);
    await ada.close();

    const second = await startGateway({ CARILLON_DATA_DIR: folder });
    cleanUp.push(() => second.end());
    await publish(second.httpUrl, { token, input: messageTo('ada', 'two') });
    const again = await follow(second.wsUrl, { token: await testToken('ada'), after: ada.cursor });
    await again.until(({ events }) => events.length === 1);
    expect(again.events.map((event) => event.title)).toEqual(['two']);
    const fresh = await follow(second.wsUrl, { token: await testToken('ada') });
    await publish(second.httpUrl, { token, input: messageTo('ada', 'three') });
    await fresh.until(({ events }) => events.length === 1);
    expect(fresh.events.map((event) => event.title)).toEqual(['three']);
    await Promise.all([again.close(), fresh.close()]);
  });

  it('names every problem of its configuration at once and exits 78', async () => {
    const gateway = spawnGateway({
      CARILLON_PORT: 'high',
      CARILLON_JWT_SECRET: 'short',
      CARILLON_KAFKA_BROKER: 'x:9092',
    });
    expect(await gateway.exited).toBe(78);
    const text = gateway.output.join('\n');
    for (const name of [
      'CARILLON_PORT',
      'CARILLON_JWT_SECRET',
      'CARILLON_KAFKA_BROKER',
      'CARILLON_KAFKA_BROKERS',
      'CARILLON_LOG',
    ])
      expect(text).toContain(name);
    expect(text).not.toContain('short\n');
  });

  it('refuses a data folder that another process holds, and exits 78', async () => {
    const folder = await dataDir();
    const first = await startGateway({ CARILLON_DATA_DIR: folder });
    cleanUp.push(() => first.end());
    const second = spawnGateway({ CARILLON_LOG: 'embedded', CARILLON_DATA_DIR: folder });
    expect(await second.exited).toBe(78);
    expect(second.output.join('\n')).toContain(folder);
  });

  it('ends at once on a second signal', async () => {
    const gateway = await startGateway({ CARILLON_DATA_DIR: await dataDir(), CARILLON_DRAIN_SECONDS: '60' });
    const ada = await follow(gateway.wsUrl, { token: await testToken('ada') });
    gateway.process.kill('SIGTERM');
    const code = await gateway.end('SIGINT');
    // Which of two signals sent at once comes second is the system's choice.
    expect([130, 143]).toContain(code);
    await ada.close();
  });
});
